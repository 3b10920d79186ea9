"""Connections that are waited for together read, pause and end as if the reactor waited for each."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable
from typing import cast

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.task import Clock
from twisted.internet.tcp import Port, Server
from twisted.internet.testing import AccumulatingProtocol, MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.logs import Unforeseen
from presence.websocket import polling
from presence.websocket.polling import Poll, make_poll
from tests.conformance.echo import EchoFactory, EchoProtocol
from tests.conformance.table import HANDSHAKE

SECRET = "a-token"


class Reading(AccumulatingProtocol):
    """Keeps what it reads, and does something then."""

    act: Callable[[], object] = staticmethod(lambda: None)

    def dataReceived(self, data: bytes) -> None:
        """Keep it first."""
        super().dataReceived(data)
        self.act()

    @property
    def end(self) -> type[BaseException] | None:
        """Why the connection ended; None while it is open."""
        return None if self.closedReason is None else self.closedReason.type


class Line:
    """A connection of this machine; ``theirs`` is the other end."""

    def __init__(self, test: SynchronousTestCase, reactor: MemoryReactorClock) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.theirs = socket.create_connection(listening.getsockname())
            ours, address = listening.accept()
        test.addCleanup(ours.close)
        test.addCleanup(self.theirs.close)
        self.protocol = Reading()
        self.connection = Server(ours, self.protocol, address, cast("Port", None), 0, reactor)
        self.protocol.makeConnection(self.connection)

    def put(self, data: bytes) -> None:
        """Send from the other end, and wait until it is there to be read."""
        self.theirs.sendall(data)
        self.wait()

    def wait(self) -> None:
        """Wait until something is there to be read, an end perhaps."""
        select.select([self.connection.fileno()], [], [], 5)


class PollTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Wait for two connections together."""
        self.reactor = MemoryReactorClock()
        self.poll = Poll(self.reactor)
        self.one, self.other = self.line(), self.line()

    def line(self) -> Line:
        """Return a connection that the poll waits for."""
        line = Line(self, self.reactor)
        self.poll.take(line.connection)
        return line

    def assert_read(self, one: bytes, other: bytes) -> None:
        """Assert what the two have read."""
        self.assertEqual((self.one.protocol.data, self.other.protocol.data), (one, other))

    def test_one_for_all(self) -> None:
        """The reactor waits for the poll alone, whose descriptor is ready when a connection is."""
        self.assertEqual(self.reactor.getReaders(), [self.poll])
        self.assertEqual(select.select([self.poll], [], [], 0)[0], [])
        self.other.put(b"a")
        self.assertEqual(select.select([self.poll], [], [], 0)[0], [self.poll])

    def test_read(self) -> None:
        """Those read that have something."""
        self.other.put(b"abc")
        self.poll.doRead()
        self.assert_read(b"", b"abc")

    def test_nothing(self) -> None:
        """Where nobody has, nobody does, and nothing waits."""
        self.poll.doRead()
        self.assert_read(b"", b"")

    def test_all(self) -> None:
        """All that have something read in one turn, however many they are."""
        lines = [self.line() for _ in range(300)]
        for line in lines:
            line.put(b"a")
        self.poll.doRead()
        self.assertEqual([line.protocol.data for line in lines], [b"a"] * 300)

    def test_paused(self) -> None:
        """Who is paused does not read until it goes on."""
        self.one.put(b"a")
        self.one.connection.pauseProducing()
        self.poll.doRead()
        self.assert_read(b"", b"")
        self.one.connection.resumeProducing()
        self.poll.doRead()
        self.assert_read(b"a", b"")

    def test_twice(self) -> None:
        """Going on or pausing twice is as once."""
        self.one.connection.resumeProducing()
        self.one.connection.pauseProducing()
        self.one.connection.pauseProducing()
        self.one.put(b"a")
        self.poll.doRead()
        self.assert_read(b"", b"")

    def test_closed(self) -> None:
        """A connection that the other end closes is done, and with the last of them the poll."""
        for line in (self.one, self.other):
            line.theirs.close()
            line.wait()
        self.poll.doRead()
        self.assertEqual((self.one.protocol.end, self.other.protocol.end), (ConnectionDone, ConnectionDone))
        self.assertEqual(self.reactor.getReaders(), [])

    def test_reset(self) -> None:
        """One that the other end resets is lost."""
        self.one.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.one.theirs.close()
        self.one.wait()
        self.poll.doRead()
        self.assertEqual(self.one.protocol.end, ConnectionLost)

    def test_fault(self) -> None:
        """One that raises is aborted and the log says so, without the text; the others read on."""
        self.one.protocol.act = lambda: int(SECRET)
        self.one.put(b"a")
        self.other.put(b"a")
        self.poll.doRead()
        self.reactor.advance(0)
        self.assert_read(b"a", b"a")
        self.assertEqual((self.one.protocol.end, self.other.protocol.end), (ConnectionAborted, None))
        (fault,) = self.flushLoggedErrors(Unforeseen)
        self.assertNotIn(SECRET, fault.getErrorMessage())

    def test_ended_by_another(self) -> None:
        """Who is ended by one that reads before it does not read."""
        self.one.put(b"a")
        self.other.put(b"a")
        for line, beside in ((self.one, self.other), (self.other, self.one)):
            line.protocol.act = beside.connection.abortConnection
        self.poll.doRead()
        self.assertEqual(self.one.protocol.data + self.other.protocol.data, b"a")

    def test_write(self) -> None:
        """What they have to write the reactor waits for."""
        self.one.connection.write(b"abc")
        self.assertEqual(self.reactor.getWriters(), [self.one.connection])
        self.one.connection.stopWriting()
        self.assertEqual(self.reactor.getWriters(), [])

    def test_again(self) -> None:
        """After all have gone, others may come."""
        for line in (self.one, self.other):
            line.connection.connectionLost(Failure(CONNECTION_LOST))
        self.line().put(b"a")
        self.assertEqual(self.reactor.getReaders(), [self.poll])

    def test_stopped(self) -> None:
        """When the reactor stops, all are lost, as it loses all that it waits for."""
        self.poll.connectionLost(Failure(CONNECTION_LOST))
        self.assertEqual((self.one.protocol.end, self.other.protocol.end), (ConnectionLost, ConnectionLost))

    def test_fault_of_one(self) -> None:
        """Then a fault of one of them, which the log tells, keeps nothing from the others."""
        self.patch(self.one.protocol, "connectionLost", lambda _: int(SECRET))
        self.poll.connectionLost(Failure(CONNECTION_LOST))
        self.assertEqual(self.other.protocol.end, ConnectionLost)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)

    def test_elsewhere(self) -> None:
        """A connection of another reactor is left to it."""
        reactor = MemoryReactorClock()
        line = Line(self, reactor)
        self.poll.take(line.connection)
        self.assertEqual(reactor.getReaders(), [line.connection])


class MakePollTests(SynchronousTestCase):
    def test_made(self) -> None:
        """There is one for a reactor that waits for descriptors."""
        self.assertIsInstance(make_poll(MemoryReactorClock()), Poll)

    def test_clock(self) -> None:
        """There is none for what is only a clock."""
        self.assertIsNone(make_poll(Clock()))

    def test_no_epoll(self) -> None:
        """There is none where the kernel has no epoll."""
        self.patch(polling, "select", socket)
        self.assertIsNone(make_poll(MemoryReactorClock()))


class WebSocketTests(SynchronousTestCase):
    def readers(self, *, fast_path: bool) -> list[object]:
        """Return the types of what the reactor waits for once a WebSocket is open."""
        reactor = MemoryReactorClock()
        factory = EchoFactory(Settings(fast_path=fast_path), reactor)
        line = Line(self, reactor)
        protocol = cast("EchoProtocol", factory.buildProtocol(None))
        line.connection.protocol = protocol
        protocol.makeConnection(line.connection)
        before = [type(reader) for reader in reactor.getReaders()]
        line.put(HANDSHAKE)
        line.connection.doRead()
        return [*before, *(type(reader) for reader in reactor.getReaders())]

    def test_open(self) -> None:
        """A WebSocket is polled with the others as soon as it is open."""
        self.assertEqual(self.readers(fast_path=True), [Server, Poll])

    def test_no_fast_path(self) -> None:
        """Without the fast path the reactor waits for each."""
        self.assertEqual(self.readers(fast_path=False), [Server, Server])
