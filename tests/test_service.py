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
from presence.roster.embedded import EmbeddedRoster
from presence.service import PresenceService
from presence.testing import FakeConnection, fake_frame
from presence.wire.closing import CloseCode


class Port(Service):
    """A port that takes its time to close."""

    accepts = True

    def __init__(self) -> None:
        self.closed: Deferred[None] = Deferred()

    def stopService(self) -> Deferred[None]:
        """Begin to close."""
        super().stopService()
        return self.closed

    def pause(self) -> None:
        """Accept nothing."""
        self.accepts = False

    def resume(self) -> None:
        """Accept again."""
        self.accepts = True


class ServiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Start a service with a port."""
        self.clock = Clock()
        roster = EmbeddedRoster(self.clock, Random(1))  # noqa: S311 - no secret
        broadcast = Broadcast(roster.journal, fake_frame, self.clock, interval_seconds=1, settle_seconds=5)
        self.limits = Limits(self.clock)
        settings = Settings(accept_rate=100)
        self.service = PresenceService(roster, broadcast, self.limits, self.clock, settings)
        self.port = Port()
        self.port.setServiceParent(self.service)
        self.service.startService()

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
