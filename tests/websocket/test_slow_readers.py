"""Peers that read slowly, or not at all."""

from __future__ import annotations

import socket
import ssl
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IAddress
from twisted.internet.task import Clock, deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from presence.config import Settings
from tests.conformance.echo import EchoFactory, EchoProtocol
from tests.conformance.table import HANDSHAKE
from tests.real.certificates import Authority
from tests.real.processes import new_path
from tests.websocket.peer import Peer, make_daemon

SMALL = 2304
"""The smallest receive buffer that Linux gives."""

LARGE = 1_000_000

A_LOT = 200_000
"""So many bytes pause a connection."""


class PausedTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Open a connection that nothing else ends."""
        self.daemon = make_daemon(Settings(settle=0, hello_timeout=1000))
        self.peer = Peer(self.daemon)
        self.peer.shake_hands()

    def test_stands_still(self) -> None:
        """A peer that takes nothing of what waits for it is closed 4513."""
        self.peer.protocol.pauseProducing()
        self.daemon.clock.pump([1] * 9)
        self.peer.protocol.pauseProducing()  # said at every write
        self.assertEqual(self.peer.take(), b"")
        self.daemon.clock.advance(1)
        self.assertEqual(self.peer.close_code(self.peer.take()), 4513)

    def test_reads_on(self) -> None:
        """A peer that has taken all of it is not closed."""
        for _ in range(3):
            self.peer.protocol.pauseProducing()
            self.daemon.clock.pump([1] * 9)
            self.peer.protocol.resumeProducing()
        self.assertIsNone(self.peer.close_code(self.peer.take()))


class Server(EchoFactory):
    """
    The echo, which shows its connection.

    :ivar connected: Fires with the protocol of the only connection.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(Settings(max_message_bytes=10 * A_LOT), clock)
        self.connected: Deferred[EchoProtocol] = Deferred()

    def buildProtocol(self, address: IAddress | None) -> EchoProtocol:
        """Make the protocol, and show it."""
        protocol = cast("EchoProtocol", super().buildProtocol(address))
        protocol.is_open, protocol.is_closed = Deferred(), Deferred()  # the fast path makes none
        self.connected.callback(protocol)
        return protocol


class ReaderTests(TestCase):
    """
    The time of the server is the test's, while bytes take what they take.

    :ivar reader: The socket of a peer that reads only when told to.
    """

    timeout = 30
    reader: socket.socket

    async def serve(self, description: str) -> tuple[Server, Any]:
        """Serve with this endpoint; return the factory and the address."""
        self.clock = Clock()
        server = Server(self.clock)
        port: Any = await serverFromString(reactor, description).listen(server)
        self.addCleanup(port.stopListening)
        return server, port.getHost()

    async def connect(self, description: str, receive_buffer: int = SMALL, preamble: bytes = b"") -> None:
        """Serve on TCP, and open a connection."""
        server, address = await self.serve(description)
        self.reader = socket.socket()
        self.reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.reader.connect((address.host, address.port))
        await self.shake_hands(server, preamble)

    async def shake_hands(self, server: Server, preamble: bytes = b"") -> None:
        """Open the connection of the reader."""
        self.addCleanup(self.reader.close)
        self.reader.sendall(preamble + HANDSHAKE)
        self.protocol = await server.connected
        await self.protocol.is_open
        self.reader.settimeout(0)

    async def pass_second(self, reads: int = 0) -> None:
        """Let a second pass, in which so many bytes are read, and a few turns of the reactor."""
        if reads:
            socket.socket.recv(self.reader, reads)  # below TLS, if there is any
        for _ in range(5):
            await deferLater(reactor, 0)
        self.clock.advance(1)

    async def assert_closes(self) -> None:
        """Assert that the peer is closed 4513 within 11 seconds, and then dropped."""
        for _ in range(11):
            await self.pass_second()
        self.assertEqual(self.protocol.localCloseCode, 4513)
        self.clock.pump([1, 1])
        await self.protocol.is_closed
        await deferLater(reactor, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def assert_slow_reader_stays(self, reads: int = 1024) -> None:
        """Assert that a peer stays that reads so much each second, until it reads no more."""
        self.protocol.sendMessage(bytes(A_LOT), isBinary=True)
        await self.pass_second()
        for _ in range(40):
            await self.pass_second(reads)
        self.assertIsNone(self.protocol.localCloseCode)
        self.assertTrue(self.protocol.outlet.paused)
        await self.assert_closes()

    async def test_tcp(self) -> None:
        """A peer that reads 1 KB a second stays; once it reads no more it is closed."""
        await self.connect("tcp:0:interface=127.0.0.1")
        await self.assert_slow_reader_stays()

    async def test_proxied(self) -> None:
        """So it is behind a proxy that tells the address."""
        await self.connect(
            "haproxy:tcp:0:interface=127.0.0.1", preamble=b"PROXY TCP4 192.0.2.1 192.0.2.2 1024 80\r\n"
        )
        await self.assert_slow_reader_stays()

    async def test_tls(self) -> None:
        """So it is over TLS."""
        authority = Authority(self)
        pem = authority.write_pem("localhost")
        server, address = await self.serve(f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1")
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        plain.connect((address.host, address.port))
        context = ssl.create_default_context(cafile=str(authority.write()))
        self.reader = await deferToThread(context.wrap_socket, plain, server_hostname="localhost")
        await self.shake_hands(server)
        await self.assert_slow_reader_stays()

    async def test_unix(self) -> None:
        """So it is on a UNIX socket, which gives back in larger pieces what it has no more."""
        path = str(new_path(self))
        server, _ = await self.serve(f"unix:{path}")
        self.reader = socket.socket(socket.AF_UNIX)
        self.reader.connect(path)
        await self.shake_hands(server)
        self.protocol.sendMessage(bytes(2 * A_LOT), isBinary=True)
        await self.assert_slow_reader_stays(reads=8 * 1024)

    async def test_stands_still(self) -> None:
        """A peer that reads nothing at all is closed, and dropped, with all that waits for it."""
        await self.connect("tcp:0:interface=127.0.0.1")
        self.protocol.sendMessage(bytes(A_LOT), isBinary=True)
        for _ in range(9):
            await self.pass_second()
        self.assertIsNone(self.protocol.localCloseCode)
        await self.assert_closes()

    async def test_too_little_to_pause(self) -> None:
        """A peer that takes what waits for it is not dropped for a pong, though it is not paused."""
        await self.connect("tcp:0:interface=127.0.0.1")
        self.protocol.sendMessage(bytes(64_000), isBinary=True)
        await self.pass_second()
        for _ in range(60):
            await self.pass_second(reads=1024)
        self.assertFalse(self.protocol.outlet.paused)
        self.assertEqual(self.protocol.state, self.protocol.STATE_OPEN)
        self.clock.pump([1] * 60)
        await self.protocol.is_closed

    async def test_kernel_takes_all(self) -> None:
        """What its kernel takes is no sign of life of a peer that does not read."""
        await self.connect("tcp:0:interface=127.0.0.1", receive_buffer=LARGE)
        for _ in range(34):
            self.protocol.sendMessage(bytes(1000), isBinary=True)
            await self.pass_second()
        self.assertEqual(self.protocol.state, self.protocol.STATE_OPEN)
        self.clock.pump([1, 0])
        await self.protocol.is_closed
