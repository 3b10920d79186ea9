"""Peers are pinged, and those who give no sign of life are dropped."""

from __future__ import annotations

from typing import cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.ticker import Ticker
from presence.websocket.draining import Drain
from presence.websocket.liveness import Liveness
from tests.websocket.peer import HELLO, PING, PONG, Peer, frame, make_daemon


class LivenessTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Open a connection that is pinged each 20 seconds and dropped 10 seconds later."""
        self.daemon = make_daemon(Settings(settle=0, ping_interval=20, ping_timeout=10, hello_timeout=1000))
        self.peer = Peer(self.daemon)
        self.peer.shake_hands()

    def pings(self) -> int:
        """Count the pings since the last call."""
        return sum(opcode == PING for opcode, _ in self.peer.frames(self.peer.take()))

    def test_ping(self) -> None:
        """A peer is sent a ping each interval."""
        self.daemon.clock.advance(19.9)
        self.assertEqual(self.pings(), 0)
        self.daemon.clock.advance(0.1)
        self.assertEqual(self.pings(), 1)
        self.peer.send(frame(PONG, b""))
        self.daemon.clock.advance(20)
        self.assertEqual(self.pings(), 1)

    def test_silent(self) -> None:
        """A peer that was silent for interval and timeout is dropped."""
        self.daemon.clock.advance(20)
        self.daemon.clock.advance(9.9)
        self.assertFalse(self.peer.aborted)
        self.daemon.clock.pump([0.1, 0])
        self.assertTrue(self.peer.aborted)

    def test_stalled_daemon(self) -> None:
        """After a stall of the daemon a peer whose bytes wait to be read is not dropped."""
        self.daemon.clock.advance(20)
        self.daemon.clock.callLater(100, self.peer.send, frame(PONG, b""))  # read after the timers
        self.daemon.clock.advance(100)
        self.assertFalse(self.peer.aborted)
        self.daemon.clock.pump([20, 10, 0])
        self.assertTrue(self.peer.aborted)

    def test_late_answer(self) -> None:
        """A peer that answers a ping before the timeout stays, and is pinged at the usual time."""
        self.daemon.clock.advance(20)
        self.daemon.clock.advance(5)
        self.peer.send(frame(PONG, b""))
        self.pings()
        self.daemon.clock.advance(5)
        self.assertFalse(self.peer.aborted)
        self.daemon.clock.advance(10)
        self.assertEqual(self.pings(), 1)

    def test_long_stall(self) -> None:
        """After a stall in which nobody was pinged, a peer has the time to answer a ping first."""
        self.daemon.clock.advance(19)
        self.peer.send(frame(PONG, b""))
        self.daemon.clock.advance(100)
        self.assertEqual(self.pings(), 1)
        self.daemon.clock.advance(9.9)
        self.assertFalse(self.peer.aborted)
        self.daemon.clock.pump([0.1, 0])
        self.assertTrue(self.peer.aborted)

    def test_any_byte(self) -> None:
        """Any byte is a sign of life, and none puts off the next ping."""
        self.daemon.clock.advance(19)
        self.peer.send(HELLO[:1])
        self.daemon.clock.advance(1)
        self.assertEqual(self.pings(), 1)
        self.daemon.clock.advance(20)
        self.assertFalse(self.peer.aborted)
        self.daemon.clock.pump([9, 0])
        self.assertTrue(self.peer.aborted)

    def test_all_taken(self) -> None:
        """A peer that took all that waited for it has given a sign of life."""
        self.peer.protocol.pauseProducing()
        self.daemon.clock.pump([5, 4])
        self.peer.protocol.resumeProducing()
        self.daemon.clock.pump([11, 10, 8.9, 0])
        self.assertFalse(self.peer.aborted)
        self.daemon.clock.pump([0.1, 0])
        self.assertTrue(self.peer.aborted)


class SlowDrain:
    """
    A drain that moves when the test says so.

    :ivar moves: Whether the next look finds that bytes were taken.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.moved_at = 0.0
        self.held_up = True
        self.moves = False

    def look(self) -> None:
        """See whether it moved."""
        if self.moves:
            self.moved_at = self._clock.seconds()
            self.moves = False


class SlowReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Ping a peer with a slow drain each 20 seconds, and drop it 10 seconds later."""
        self.clock = Clock()
        self.drain = SlowDrain(self.clock)
        self.dropped_at: list[float] = []
        self.pinged_at: list[float] = []
        Liveness(
            cast("Drain", self.drain),
            20,
            10,
            Ticker(self.clock, 1),
            lambda: self.pinged_at.append(self.clock.seconds()),
            lambda: self.dropped_at.append(self.clock.seconds()),
        )

    def test_moves(self) -> None:
        """A peer that takes a little now and then is not dropped for a pong that is missing."""
        for _ in range(10):
            self.drain.moves = True
            self.clock.pump([5, 5, 5, 5])
        self.assertEqual(self.dropped_at, [])
        self.assertEqual(self.pinged_at, [20 * number for number in range(1, 11)])

    def test_stands_still(self) -> None:
        """A peer that takes no more is dropped the usual time after the last that it took."""
        self.drain.moves = True
        self.clock.pump([20] + [1] * 100)
        self.assertEqual(self.dropped_at, [51])

    def test_moves_at_last(self) -> None:
        """A peer that has much to take before the ping has a second to be seen taking some."""
        self.clock.pump([20, 10])
        self.drain.moves = True
        self.clock.pump([1, 9])
        self.assertEqual(self.dropped_at, [])

    def test_nothing_waits(self) -> None:
        """A peer for whom nothing waits has no such second."""
        self.drain.held_up = False
        self.clock.pump([20, 10, 0])
        self.assertEqual(self.dropped_at, [30])
