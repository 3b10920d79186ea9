"""
The settings of the daemon, as values; ``presence.options`` reads them.

Each is told here once, with its help and the numbers it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from math import inf, nan
from typing import Any

import attrs

Network = IPv4Network | IPv6Network

SECONDS = "a number of seconds"
"""What to give for a duration."""

_A_DAY = 86_400.0


@attrs.frozen
class Number:
    """
    What an operator may give for a number, in words and as a check.

    :ivar meaning: The help of the option.
    :ivar what: What to give, for the message that refuses something else.
    """

    meaning: str
    what: str
    least: float
    most: float
    read: Callable[[str], float] = float

    def __call__(self, text: str) -> float:
        """
        Read a number.

        :raises ValueError: With what to give instead.
        """
        try:
            number = self.read(text)
        except ValueError:
            number = nan
        if not self.least <= number <= self.most:
            most = "" if self.most == inf else f" to {self.most:g}"
            raise ValueError(f"give {self.what} from {self.least:g}{most}")
        return number


def _seconds(default: float, meaning: str, least: float = 0) -> Any:  # noqa: ANN401 - a field of any type
    return attrs.field(default=default, metadata={Number: Number(meaning, SECONDS, least, _A_DAY)})


def _count(default: int, meaning: str, least: float = 1, most: float = inf) -> Any:  # noqa: ANN401 - see above
    return attrs.field(default=default, metadata={Number: Number(meaning, "a number", least, most, int)})


def _rate(default: float, meaning: str) -> Any:  # noqa: ANN401 - see above
    return attrs.field(default=default, metadata={Number: Number(meaning, "a number", 0.1, inf)})


@attrs.frozen(kw_only=True)
class Settings:
    """What an operator can choose; every duration is in seconds."""

    offline_delay: float = _seconds(5.0, "Seconds that a user stays online after the last socket ended.")
    broadcast_interval: float = _seconds(
        0.25, "Least seconds between two lists; 0 sends one for every change."
    )
    settle: float = _seconds(
        5.0, "Seconds after the start without a list, so that it does not grow in view; longer in a crowd."
    )

    handshake_timeout: float = _seconds(
        5.0, "Seconds that the opening handshake may take, TLS included.", 0.1
    )
    hello_timeout: float = _seconds(10.0, "Seconds that a connection may stay without a HELLO.", 0.1)
    message_timeout: float = _seconds(10.0, "Seconds from the first byte of a message to its last.", 0.1)
    stall_timeout: float = _seconds(10.0, "Seconds that a client may take nothing of what waits for it.", 0.1)
    linger: float = _seconds(2.0, "Seconds that a closing connection may take to send its rest.", 0.1)
    ping_interval: float = _seconds(25.0, "Seconds between two pings to a client.", 0.1)
    ping_timeout: float = _seconds(10.0, "Seconds after an unanswered ping until a client is dropped.", 0.1)
    drain: float = _seconds(5.0, "Seconds over which clients are sent away at a stop; 0 for all at once.")
    token_recheck: float = _seconds(
        600.0, "Seconds after which a session's token is checked again; 0 for never."
    )

    max_message_bytes: int = _count(
        65_536, "The largest message that a client may send, in bytes.", 1024, 2**24
    )
    max_connections: int = _count(10_000, "Connections at once.")
    max_unidentified: int = _count(5_000, "Connections at once that have no user yet.")
    max_connections_per_address: int = _count(1_000, "Connections at once of an IPv4 address or an IPv6 /64.")
    max_sockets_per_user: int = _count(16, "Sockets of a user; one more closes the oldest.")

    accept_rate: int = _count(1_000, "New connections a second; more of them wait to be accepted.")
    request_rate: float = _rate(50.0, "Requests a second of one connection, in the long run.")
    request_burst: int = _count(200, "Requests at once of one connection.")
    user_request_rate: float = _rate(200.0, "Requests a second of all sockets of a user, in the long run.")
    user_request_burst: int = _count(800, "Requests at once of all sockets of a user.")

    compression: bool = True
    """Whether large frames go compressed to clients that can read it."""

    fast_path: bool = True
    """Whether to take the short ways past Autobahn and the reactor, for small frames."""

    allowed_origins: frozenset[str] = frozenset()
    """The web origins whose pages may connect; empty for all."""

    trusted_proxies: tuple[Network, ...] = ()
    """From where ``X-Forwarded-For`` is believed."""
