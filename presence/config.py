"""The settings of the daemon, as values; ``presence.tap`` reads them from the command line."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """
    What an operator can choose; every duration is in seconds.

    :ivar offline_delay: How long a user stays online after the last socket ended.
    :ivar broadcast_interval: The least time between two publications of the list; 0
        publishes every change by itself.
    :ivar settle: How long after the start no list is published, so that clients do
        not watch it collapse and grow again.
    :ivar hello_timeout: How long a connection may stay without a user.
    :ivar ping_interval: The time between two ping frames.
    :ivar ping_timeout: How long after an unanswered ping a silent peer is dropped.
    :ivar max_message_bytes: The largest message a client may send.
    :ivar allowed_origins: The web origins whose pages may connect; empty for all.
    """

    offline_delay: float = 5.0
    broadcast_interval: float = 0.25
    settle: float = 5.0
    hello_timeout: float = 10.0
    ping_interval: float = 25.0
    ping_timeout: float = 10.0
    max_message_bytes: int = 65536
    allowed_origins: frozenset[str] = frozenset()
