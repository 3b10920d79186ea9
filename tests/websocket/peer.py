"""A peer of the daemon's WebSocket that speaks bytes, so that it can say anything."""

from __future__ import annotations

import struct
from typing import Any, cast

import msgspec
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.config import Settings
from presence.interfaces import IConnection, IConnections
from presence.testing import FakeDaemon
from presence.websocket.factory import PresenceFactory
from presence.websocket.protocol import PresenceProtocol, make_frame
from presence.websocket.traffic import Traffic
from tests.canary import TOKEN

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

HELLO = b'{"type":"HELLO","userid":1,"accesstoken":"%s"}' % TOKEN.encode()


def frame(opcode: int, payload: bytes, *, first: int = 0x80) -> bytes:
    """Return a client's frame, masked with zeros; ``first`` holds FIN and the reserved bits."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first | opcode, 0x80 | 127, size)
    return head + bytes(4) + payload


class Transport(StringTransport):
    """
    A transport that is asked for what only TCP has, and told twice to forget its producer.

    :ivar writes: What it was given at each call.
    """

    no_delay = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - StringTransport's
        super().__init__(*args, **kwargs)
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Remember it."""
        super().write(data)
        self.writes.append(data)

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: FBT001
        """Remember it."""
        self.no_delay = enabled

    def unregisterProducer(self) -> None:
        """Forget the producer, as real transports do, whether there is one or not."""
        self.producer = None


def make_daemon(settings: Settings | None = None) -> FakeDaemon:
    """Return a daemon whose connections are WebSockets."""
    return FakeDaemon(settings, make_frame)


@implementer(IConnections)
class Connections:
    """Remembers the connections."""

    def __init__(self) -> None:
        self.open: list[IConnection] = []

    def opened(self, connection: IConnection) -> None:
        """Remember it."""
        self.open.append(connection)

    def ended(self, connection: IConnection) -> None:
        """Forget it."""
        self.open.remove(connection)


def make_factory(
    daemon: FakeDaemon, connections: Connections | None = None, *, proxied: bool = False
) -> PresenceFactory:
    """Return what makes the connections of a daemon."""
    return PresenceFactory(
        daemon.settings,
        daemon.clock,
        daemon.random,
        connections or Connections(),
        daemon.admission,
        Traffic(),
        daemon.make_session,
        proxied=proxied,
    )


class Peer:
    """
    One connection to a daemon without sockets.

    :ivar transport: What the daemon writes to.
    :ivar traffic: What the daemon counted.
    """

    def __init__(
        self,
        daemon: FakeDaemon,
        connections: Connections | None = None,
        host: str = "192.0.2.1",
        *,
        proxied: bool = False,
    ) -> None:
        self.daemon = daemon
        self.transport = Transport(peerAddress=IPv4Address("TCP", host, 1024))
        factory = make_factory(daemon, connections, proxied=proxied)
        self.traffic = factory.traffic
        self.protocol = cast("PresenceProtocol", factory.buildProtocol(None))
        self.protocol.makeConnection(self.transport)

    def shake_hands(self, *headers: str) -> bytes:
        """Send the opening handshake; return the answer."""
        lines = [
            f"GET /any/path?token={TOKEN} HTTP/1.1",
            "Host: localhost",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            f"Cookie: session={TOKEN}",
            *headers,
        ]
        return self.send("\r\n".join([*lines, "", ""]).encode())

    def send(self, data: bytes) -> bytes:
        """Send bytes; return what was written since."""
        self.protocol.dataReceived(data)
        return self.take()

    def say(self, text: bytes) -> list[dict[str, Any]]:
        """Send a text frame; return the messages that came back."""
        return self.messages(self.send(frame(TEXT, text)))

    def take(self) -> bytes:
        """Return what was written since the last call."""
        written: bytes = self.transport.value()
        self.transport.clear()
        return written

    @staticmethod
    def frames(data: bytes) -> list[tuple[int, bytes]]:
        """Return the server's frames as opcodes and payloads."""
        found = []
        while data:
            size, start = data[1], 2
            if size == 126:
                size, start = struct.unpack("!H", data[2:4])[0], 4
            elif size == 127:
                size, start = struct.unpack("!Q", data[2:10])[0], 10
            found.append((data[0] & 0x0F, data[start : start + size]))
            data = data[start + size :]
        return found

    def messages(self, data: bytes) -> list[dict[str, Any]]:
        """Return the messages in the server's text frames."""
        return [msgspec.json.decode(payload) for opcode, payload in self.frames(data) if opcode == TEXT]

    def close_code(self, data: bytes) -> int | None:
        """Return the code of the server's close frame, if there is one."""
        closes = [payload for opcode, payload in self.frames(data) if opcode == CLOSE]
        return int.from_bytes(closes[0][:2]) if closes else None

    @property
    def aborted(self) -> bool:
        """Whether the daemon dropped the connection."""
        return self.transport.disconnected or self.transport.disconnecting

    def vanish(self) -> None:
        """End the connection."""
        self.protocol.connectionLost(Failure(ConnectionDone()))
