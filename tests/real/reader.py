"""A client that does not read."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.real.crowd import Client
from tests.real.kernel import is_established, unread_bytes


class Reader(Client):
    """
    One who stops to read as soon as it is in, until it is told to go on.

    :ivar found: How many messages it read.
    :ivar answered: Fires when it read the reply to a PING.
    :ivar full_at: When its own end of the connection was seen to have no room for more; the
        kernel refuses the daemon's bytes only later, when there is none at the other end either.
    :ivar closed_at: When the daemon was seen to have closed its end.
    """

    def __init__(self, user_id: int) -> None:
        super().__init__(user_id)
        self.found = 0
        self.answered: Deferred[None] = Deferred()
        self.full_at = 0.0
        self.closed_at = 0.0
        self.entered.addCallback(self._stop_reading)
        self._last_look = (0.0, 0)

    def hear(self, payload: bytes) -> None:
        """Count messages."""
        if payload.startswith(b'{"type":"message"'):
            self.found += 1
        elif payload.startswith(b'{"type":"OK"'):
            self.answered.callback(None)

    def _stop_reading(self, _: None) -> None:
        self.transport.pauseProducing()

    def read_on(self) -> None:
        """Read again."""
        self.transport.resumeProducing()

    def look(self, now: float) -> None:
        """See how the connection is, which nothing tells one who does not read."""
        connection = self.transport.getHandle()
        unread = unread_bytes(connection)
        looked_at, before = self._last_look
        self._last_look = now, unread
        if unread == before > 0 and not self.full_at:
            self.full_at = looked_at
        if not self.closed_at and not is_established(connection):
            self.closed_at = now
