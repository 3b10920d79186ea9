"""
How many connections there may be.

A limit has two edges. Beyond the first a connection is told to try again later, which
takes an opening handshake; a tenth above it, it is dropped at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import IntEnum

from presence.admission.addresses import client_address, neighbourhood
from presence.admission.limits import Limit, Limits
from presence.config import Settings

_MARGIN = 1.1


class Entrance(IntEnum):
    """What becomes of a new connection."""

    ADMITTED = 0
    TOLD_TO_WAIT = 1
    DROPPED = 2


class Admission:
    """
    Counts connections.

    :ivar settings: The most there may be of them, and ``trusted_proxies``.
    :param identified: Says how many of the connections have a user.
    """

    def __init__(self, settings: Settings, limits: Limits, identified: Callable[[], int]) -> None:
        self.settings = settings
        self.limits = limits
        self.identified = identified
        self.connections = 0
        self.at_places: Counter[bytes] = Counter()

    def visit(self, peer: str) -> Visit:
        """Count a connection; ``peer`` is for the log."""
        return Visit(self, peer)


class Visit:
    """
    One connection among all.

    :ivar peer: The address of the other end, for people; the client's once it is known.
    :ivar place: Where the client comes from, an IPv4 address or IPv6 /64; None while that is not known.
    :ivar entrance: What is to become of it.
    """

    __slots__ = ("_admission", "entrance", "peer", "place")

    def __init__(self, admission: Admission, peer: str) -> None:
        self.peer = peer
        self._admission = admission
        self.place: bytes | None = None
        admission.connections += 1
        unidentified = admission.connections - admission.identified()
        settings = admission.settings
        self.entrance = max(
            self._judge(Limit.CONNECTIONS, admission.connections, settings.max_connections),
            self._judge(Limit.UNIDENTIFIED, unidentified, settings.max_unidentified),
        )

    def come_from(self, host: str | None, forwarded_for: str = "") -> None:
        """
        Count the connection at its place, as soon as that is known.

        :param host: The address of the other end, if it has one.
        :param forwarded_for: What proxies say of whom they speak for.
        """
        settings = self._admission.settings
        address = client_address(host, forwarded_for, settings.trusted_proxies)
        if self.place is not None or address is None:
            return
        if str(address) != host:
            self.peer = str(address)
        self.place = neighbourhood(address)
        self._admission.at_places[self.place] += 1
        count = self._admission.at_places[self.place]
        judgement = self._judge(Limit.ADDRESS, count, settings.max_connections_per_address)
        self.entrance = max(self.entrance, judgement)

    def end(self) -> None:
        """Count the connection no more."""
        self._admission.connections -= 1
        places = self._admission.at_places
        if self.place is not None:
            places[self.place] -= 1
            if not places[self.place]:
                del places[self.place]

    def _judge(self, limit: Limit, count: int, most: int) -> Entrance:
        if count <= most:
            return Entrance.ADMITTED
        self._admission.limits.exceed(limit, self.peer)
        return Entrance.TOLD_TO_WAIT if count <= most * _MARGIN + 1 else Entrance.DROPPED
