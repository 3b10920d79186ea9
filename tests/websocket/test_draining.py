"""Whether the other end takes what waits for it is seen, and when it has not for too long."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.protocols.haproxy._wrapper import HAProxyWrappingFactory
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from presence.websocket.draining import MOST_UNSENT_BYTES, Drain
from presence.websocket.internals import find_socket, look_at, send_at_once
from tests.websocket.sockets import Sending


class FindSocketTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Open a connection."""
        self.connection = Sending(self).connection

    def found_below(self, factory: WrappingFactory[Any]) -> object:
        """Return what is found from inside of a wrapper of the connection."""
        wrapper: Any = factory.buildProtocol(None)
        wrapper.makeConnection(self.connection)
        return find_socket(wrapper.wrappedProtocol.transport)

    def test_itself(self) -> None:
        """A plain connection is found."""
        self.assertIs(find_socket(self.connection), self.connection)

    def test_below_tls(self) -> None:
        """The connection is found below TLS."""
        factory = TLSMemoryBIOFactory(CertificateOptions(), False, Factory.forProtocol(Protocol))  # noqa: FBT003
        self.assertIs(self.found_below(factory), self.connection)

    def test_below_proxy_headers(self) -> None:
        """The connection is found below PROXY headers."""
        self.assertIs(
            self.found_below(HAProxyWrappingFactory(Factory.forProtocol(Protocol))), self.connection
        )

    def test_none(self) -> None:
        """A transport without a socket has none."""
        self.assertIsNone(find_socket(StringTransport()))


class LookTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Look at the drain of a connection, 5 seconds after the beginning of time."""
        self.clock = Clock()
        self.clock.advance(5)
        self.sending = Sending(self)
        self.drain = Drain(self.sending.connection, 10, self.clock, at_once=False)

    def fill(self) -> None:
        """Let more wait than the kernel takes, and look."""
        self.sending.write(50_000)
        self.sending.flush()
        self.drain.look()

    def assert_moves(self, moved_at: float) -> None:
        """Assert that a look finds that bytes were last taken then."""
        self.drain.look()
        self.assertEqual(self.drain.moved_at, moved_at)

    def test_nothing_waits(self) -> None:
        """Where nothing waits nothing moves."""
        self.drain.look()
        self.assertFalse(self.drain.held_up)
        self.assert_moves(0)

    def test_kernel_takes_all(self) -> None:
        """What the kernel takes at once is not taken by the other end."""
        for _ in range(3):
            self.sending.write(100)
            self.drain.look()
            self.sending.flush()
            self.assertFalse(self.drain.held_up)
            self.assert_moves(0)

    def test_not_offered_yet(self) -> None:
        """What waits for a turn of the reactor is not held up by the other end."""
        self.sending.write(50_000)
        self.drain.look()
        self.sending.flush()
        self.assert_moves(0)

    def test_offered_before(self) -> None:
        """What waits is held up at once where everything is offered to the kernel before it waits."""
        drain = Drain(self.sending.connection, 10, self.clock, at_once=True)
        sent = send_at_once(self.sending.connection, bytes(50_000))
        self.sending.write(50_000 - sent)
        drain.look()
        self.assertTrue(drain.held_up)
        self.sending.read(10_000)
        drain.look()
        self.assertEqual(drain.moved_at, 5)

    def test_held_up(self) -> None:
        """What the kernel refused is held up, and more behind it moves nothing."""
        self.fill()
        self.sending.write(50_000)
        self.assert_moves(0)
        self.assertTrue(self.drain.held_up)

    def test_taken(self) -> None:
        """Bytes that the other end takes are seen before the kernel asks for more."""
        self.fill()
        self.sending.read(1)
        self.assert_moves(0)  # it is the kernel's own buffer that must be given back
        self.sending.read(10_000)
        self.assert_moves(5)

    def test_taken_and_replaced(self) -> None:
        """As many bytes as were taken may come in their place."""
        self.fill()
        self.clock.advance(1)
        waiting = look_at(self.sending.connection, at_once=False)
        self.sending.read(20_000)
        self.sending.write(waiting.offset)
        self.sending.flush()
        after = look_at(self.sending.connection, at_once=False)
        self.assertEqual(
            (len(after.chunk), after.offset, after.in_kernel), (50_000, waiting.offset, waiting.in_kernel)
        )
        self.assert_moves(6)

    def test_all_taken(self) -> None:
        """A full drain is seen, once."""
        self.fill()
        while self.sending.connection.dataBuffer:
            self.sending.read(20_000)
            self.sending.flush()
        self.assert_moves(5)
        self.clock.advance(1)
        self.assert_moves(5)

    def test_unknown_kernel(self) -> None:
        """Where the kernel does not tell what it has, what it takes is seen."""
        with Path(os.devnull).open("rb") as no_socket:
            self.sending.connection.fileno = no_socket.fileno
            self.fill()
            self.sending.read(20_000)
            self.assert_moves(0)
            self.sending.flush()
            self.assert_moves(5)


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Watch the drain of a connection that is held up, for 10 seconds without progress."""
        self.clock = Clock()
        self.sending = Sending(self)
        self.stalled_at: list[float] = []
        self.drain = self.drain_of(self.sending.connection)
        self.sending.write(50_000)
        self.sending.flush()
        self.drain.watch(self.stalled)

    def drain_of(self, transport: object, timeout_seconds: float = 10) -> Drain:
        """Return the drain of a transport."""
        return Drain(transport, timeout_seconds, self.clock, at_once=False)

    def stalled(self) -> None:
        """Remember when it stalled."""
        self.stalled_at.append(self.clock.seconds())

    def test_stalls(self) -> None:
        """A drain that does not move for the whole time stalls, once."""
        self.clock.pump([1] * 30)
        self.assertEqual(self.stalled_at, [10])

    def test_more_behind_it(self) -> None:
        """More that waits does not put it off."""
        for _ in range(10):
            self.sending.write(1000)
            self.clock.advance(1)
        self.assertEqual(self.stalled_at, [10])

    def test_moves(self) -> None:
        """A drain that moves now and then does not stall before it stands still."""
        for _ in range(3):
            self.clock.pump([1] * 9)
            self.sending.read(20_000)
            self.sending.flush()
        self.assertEqual(self.stalled_at, [])
        self.clock.pump([1] * 11)
        self.assertEqual(self.stalled_at, [38])

    def test_after_a_stall_of_ours(self) -> None:
        """The other end may have taken bytes while nobody looked."""
        self.sending.read(20_000)
        self.clock.advance(100)
        self.assertEqual(self.stalled_at, [])

    def test_rests(self) -> None:
        """When everything was sent nothing is looked at any more, and nothing has stalled."""
        self.clock.pump([1] * 9)
        self.drain.rest()
        self.assertEqual((self.stalled_at, self.clock.getDelayedCalls()), ([], []))

    def test_all_was_taken(self) -> None:
        """That everything was sent in the end is progress."""
        self.clock.pump([1, 1, 0.5])
        while self.sending.connection.dataBuffer:
            self.sending.read(20_000)
            self.sending.flush()
        self.drain.rest()
        self.assertEqual(self.drain.moved_at, 2.5)

    def test_watched_again(self) -> None:
        """The time begins anew with the next watch."""
        self.clock.pump([1] * 9)
        self.drain.rest()
        self.drain.watch(self.stalled)
        self.clock.pump([1] * 9)
        self.assertEqual(self.stalled_at, [])

    def test_short_timeout(self) -> None:
        """A timeout is kept that is no whole number of looks."""
        self.drain_of(self.sending.connection, 2.5).watch(self.stalled)
        self.clock.pump([0.5] * 6)
        self.assertEqual(self.stalled_at, [2.5])

    def test_without_a_socket(self) -> None:
        """Of a transport without a socket it is seen only that everything was sent."""
        self.drain.stop()
        drain = self.drain_of(StringTransport())
        drain.watch(self.stalled)
        self.clock.pump([1] * 9)
        self.assertEqual((drain.moved_at, self.stalled_at), (0, []))
        drain.rest()
        self.assertEqual(drain.moved_at, 9)
        drain.watch(self.stalled)
        self.clock.pump([1] * 10)
        self.assertEqual(self.stalled_at, [19])


class KernelTests(SynchronousTestCase):
    def test_takes_little(self) -> None:
        """A TCP connection leaves little to the kernel that cannot be sent yet."""
        with socket.socket() as ours:
            Drain(Connection(ours, Protocol(), MemoryReactor()), 10, Clock(), at_once=False)
            self.assertEqual(ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT), MOST_UNSENT_BYTES)
