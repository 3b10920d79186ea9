"""The daemon as a service."""

from __future__ import annotations

from random import Random

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.admission.limits import Limits
from presence.broadcast import Broadcast
from presence.config import Settings
from presence.interfaces import Socket
from presence.roster.embedded import EmbeddedRoster
from presence.roster.history import Cause
from presence.service import PresenceService
from presence.testing import FakeConnection, fake_frame
from presence.wire.closing import CloseCode


class Port(Service):
    """A port that takes its time to close."""

    accepts = True
    listens = True

    def __init__(self) -> None:
        self.closed: Deferred[None] = Deferred()

    def stopService(self) -> Deferred[None]:
        """Begin to close."""
        super().stopService()
        self.listens = False
        return self.closed

    def pause(self) -> None:
        """Accept nothing."""
        self.accepts = False

    def resume(self) -> None:
        """Accept again."""
        self.accepts = True


class ServiceTestCase(SynchronousTestCase):
    drain = 0.0

    def setUp(self) -> None:
        """Start a service with a port."""
        self.clock = Clock()
        self.roster = EmbeddedRoster(self.clock, Random(1))  # noqa: S311 - no secret
        journal = self.roster.journal
        broadcast = Broadcast(journal, fake_frame, self.clock, interval_seconds=1, settle_seconds=5)
        self.limits = Limits(self.clock)
        settings = Settings(accept_rate=100, drain=self.drain)
        self.service = PresenceService(self.roster, broadcast, self.limits, self.clock, settings)
        self.port = Port()
        self.port.setServiceParent(self.service)
        self.service.startService()

    def connect(self, count: int) -> list[FakeConnection]:
        """Let so many connections come."""
        connections = [FakeConnection() for _ in range(count)]
        for connection in connections:
            self.service.opened(connection)
        return connections


class ServiceTests(ServiceTestCase):
    def test_starts(self) -> None:
        """It starts its port, and to settle."""
        self.assertTrue(self.port.running)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_ports_first(self) -> None:
        """It closes its connections only when its ports are closed, so that none comes after them."""
        connection = FakeConnection()
        self.service.opened(connection)
        stopped = self.service.stopService()
        self.assertIsNone(connection.closed_with)
        self.port.closed.callback(None)
        self.assertEqual(connection.closed_with, CloseCode.GOING_AWAY)
        self.assertNoResult(stopped)

    def test_waits_for_the_last(self) -> None:
        """It has stopped when the last connection is gone; then no timer is left."""
        connections = [FakeConnection(), FakeConnection()]
        for connection in connections:
            self.service.opened(connection)
        self.port.closed.callback(None)
        stopped = self.service.stopService()
        self.service.ended(connections[0])
        self.assertNoResult(stopped)
        self.service.ended(connections[1])
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nobody(self) -> None:
        """Without connections it stops as soon as its ports are closed."""
        connection = FakeConnection()
        self.service.opened(connection)
        self.service.ended(connection)
        self.port.closed.callback(None)
        self.successResultOf(self.service.stopService())

    def test_pace(self) -> None:
        """What comes too fast is left in the queues of its ports for a moment."""
        for _ in range(2):
            self.assertTrue(self.port.accepts)
            self.service.opened(FakeConnection())
        self.assertFalse(self.port.accepts)
        self.clock.advance(0.02)
        self.assertTrue(self.port.accepts)
        self.assertEqual(self.limits.exceeded, {})

    def test_listening(self) -> None:
        """It listens while all its ports are open."""
        self.assertTrue(self.service.listening)
        self.port.listens = False
        self.assertFalse(self.service.listening)


class DrainTests(ServiceTestCase):
    drain = 2.0

    def stop(self, count: int) -> tuple[list[FakeConnection], Deferred[None]]:
        """Let so many connections come, and begin to stop."""
        connections = self.connect(count)
        self.clock.advance(1)  # the pace is over
        self.port.closed.callback(None)
        return connections, self.service.stopService()

    def sent_away(self, connections: list[FakeConnection]) -> int:
        """Count those who were sent away."""
        return sum(connection.closed_with is CloseCode.SERVICE_RESTART for connection in connections)

    def test_spread(self) -> None:
        """Connections are sent away over the time of the drain, and not all at once."""
        connections, _ = self.stop(100)
        counts = [self.sent_away(connections)]
        for _ in range(20):
            self.clock.advance(0.1)
            counts.append(self.sent_away(connections))
        self.assertEqual(counts, [*range(5, 101, 5), 100])

    def test_hint(self) -> None:
        """Each is told to come back after the rest of the drain and a moment for the restart."""
        connections, _ = self.stop(20)
        self.clock.pump([0.1] * 20)
        hints = [connection.received[0]["after"] for connection in connections]
        self.assertEqual((round(hints[0], 1), round(hints[-1], 1)), (3.0, 1.1))
        self.assertEqual(hints, sorted(hints, reverse=True))

    def test_hint_of_few(self) -> None:
        """Few are gone long before the end of the time, and told to come back as much sooner."""
        connections, _ = self.stop(3)
        self.clock.pump([0.1] * 3)
        hints = [round(connection.received[0]["after"], 1) for connection in connections]
        self.assertEqual(hints, [1.3, 1.2, 1.1])

    def test_held(self) -> None:
        """A user who is sent away stays online until the daemon is likely to be back."""
        (connection, *_), _ = self.stop(20)
        socket = Socket("a", 7, connection, 0.0)
        self.roster.join(socket)
        self.roster.leave(socket, 5, Cause.DRAINED)
        self.assertEqual(self.roster.held_until(7), self.clock.seconds() + 5 + 3)

    def test_ends_early(self) -> None:
        """When the last connection is gone, it does not wait for the rest of the drain."""
        connections, stopped = self.stop(2)
        for connection in connections:
            self.service.ended(connection)
        self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_says_so(self) -> None:
        """It drains from the first moment, before its ports are closed."""
        self.assertFalse(self.service.draining)
        self.service.stopService()
        self.assertTrue(self.service.draining)
