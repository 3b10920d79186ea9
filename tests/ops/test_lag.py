"""How late the event loop is."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.ops.lag import PERIOD_SECONDS, Lag


class LagTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Begin to measure."""
        self.clock = Clock()
        self.lag = Lag(self.clock)
        self.lag.startService()

    def assert_measured(self, count: int, total_seconds: float) -> None:
        """Check how often it was measured, and how late it was in all."""
        self.assertEqual((self.lag.seconds.count, self.lag.seconds.total), (count, total_seconds))

    def test_in_time(self) -> None:
        """A timer that comes in time counts as no lag, again and again."""
        self.clock.pump([PERIOD_SECONDS] * 3)
        self.assert_measured(3, 0)

    def test_late(self) -> None:
        """A timer that comes late counts by how late it came, and the next by itself."""
        self.clock.pump([PERIOD_SECONDS + 2, PERIOD_SECONDS + 1])
        self.assert_measured(2, 3)

    def test_clock_set_back(self) -> None:
        """A clock that was set back makes nothing early."""
        (timer,) = self.clock.getDelayedCalls()
        self.clock.rightNow = -100
        timer.reset(0)
        self.clock.advance(0)
        self.assert_measured(1, 0)

    def test_stopped(self) -> None:
        """It leaves no timer behind, and can be stopped twice."""
        self.lag.stopService()
        self.lag.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
