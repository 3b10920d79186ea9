"""How a guarded protocol gets its options: all of them as attributes of its class."""

from __future__ import annotations

from typing import TypeVar, cast

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.interfaces import IReactorTime

from presence.config import Settings
from presence.deadlines import Deadlines
from presence.ticker import Ticker
from presence.websocket.compression import agree_to_deflate, agree_to_nothing
from presence.websocket.guard import GuardedProtocol
from presence.websocket.internals import knows_buffers, options_of, what_is_common
from presence.websocket.polling import Poll
from presence.websocket.receiving import LONGEST_SHORT_TEXT

P = TypeVar("P", bound=GuardedProtocol)

_PING_LATENESS = 0.01
"""How late a ping may be, as a part of the interval."""


def configured(
    protocol: type[P],
    factory: WebSocketServerFactory,
    settings: Settings,
    clock: IReactorTime,
    poll: Poll | None = None,
) -> type[P]:
    """
    Return a subclass of a guarded protocol that has all its options, Autobahn's too, as attributes.

    A class of its own for each factory: two daemons may live in a process.

    :param poll: Waits for what open connections have to read, with the fast path.
    """
    common = what_is_common() if settings.fast_path else {}
    options = {
        **(options_of(factory, protocol) if settings.fast_path else {}),
        **common,
        "common": common,
        "clock": clock,
        "deadlines": Deadlines(clock),
        "ticker": Ticker(clock, settings.ping_interval * _PING_LATENESS),
        "handshake_timeout": settings.handshake_timeout,
        "message_timeout": settings.message_timeout,
        "stall_timeout": settings.stall_timeout,
        "linger": settings.linger,
        "ping_interval": settings.ping_interval,
        "ping_timeout": settings.ping_timeout,
        "fast_path": settings.fast_path,
        "poll": poll if settings.fast_path else None,
        "sends_at_once": settings.fast_path and knows_buffers(),
        "perMessageCompressionAccept": staticmethod(
            agree_to_deflate if settings.compression else agree_to_nothing
        ),
        "longest_short_text": min(LONGEST_SHORT_TEXT, settings.max_message_bytes),
        "maxMessagePayloadSize": settings.max_message_bytes,
        "maxFramePayloadSize": settings.max_message_bytes,
    }
    return cast("type[P]", type(protocol.__name__, (protocol,), options))
