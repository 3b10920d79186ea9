"""The line between a client of the second property and the daemon."""

from __future__ import annotations

import json
from typing import Any

from presence.testing import FakeDaemon
from presence.websocket.protocol import PresenceProtocol
from presence.wire.codec import decode_answer
from presence.wire.messages import Event, Reply
from tests.fuzz.reading import Opcode, read_server
from tests.websocket.peer import Connections, Peer


class Line:
    """
    A client's end of a connection, on which everything that comes is checked by itself.

    :ivar closed_with: The code of the server's close frame.
    :ivar over: Whether the connection is lost.
    :ivar pings: Those that came and are not answered.
    """

    def __init__(self, daemon: FakeDaemon, connections: Connections) -> None:
        self.closed_with: int | None = None
        self.over = False
        self.pings: list[bytes] = []
        self._peer = Peer(daemon, connections)
        self._peer.shake_hands()

    @property
    def connection(self) -> PresenceProtocol:
        """The daemon's end of it."""
        return self._peer.protocol

    @property
    def now(self) -> float:
        """The time."""
        return self.connection.clock.seconds()

    @property
    def closing(self) -> bool:
        """Whether the daemon takes no requests any more, which may show only later."""
        return self.connection.outlet.closed

    @property
    def aborted(self) -> bool:
        """Whether the daemon dropped it."""
        return self._peer.transport.disconnected

    @property
    def let_go(self) -> bool:
        """Whether the daemon ended it, one way or another."""
        return self._peer.aborted

    def send(self, data: bytes) -> None:
        """Send bytes."""
        if not self.over:
            self.connection.dataReceived(data)

    def take(self) -> list[dict[str, Any]]:
        """Return the messages that came since the last call."""
        found = []
        for opcode, payload in read_server(self._peer.take()):
            assert self.closed_with is None, "something comes after the close frame"
            assert not self.over, "something comes after the end"
            if opcode is Opcode.TEXT:
                assert isinstance(decode_answer(payload), Reply | Event), payload
                found.append(json.loads(payload))
            elif opcode is Opcode.CLOSE:
                self.closed_with = int.from_bytes(payload[:2])
            elif opcode is Opcode.PING:
                self.pings.append(payload)
        return found

    def stop_reading(self) -> None:
        """Read nothing any more, so that the connection is paused."""
        if not self.over and not self.connection.outlet.paused:
            self.connection.pauseProducing()

    def read_on(self) -> None:
        """Read everything, so that the connection drains."""
        if not self.over and self.connection.outlet.paused:
            self.connection.resumeProducing()

    def vanish(self) -> None:
        """Lose the connection."""
        if not self.over:
            self.over = True
            self._peer.vanish()
