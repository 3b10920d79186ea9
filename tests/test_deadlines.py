"""One timer of the reactor serves all calls that have the same time."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.deadlines import Deadline, Deadlines
from presence.logs import Unforeseen


class SettableClock(Clock):
    def set_back(self, seconds: float) -> None:
        """Tell an earlier time from now on; what is to come still comes when it was to."""
        self.rightNow -= seconds


class DeadlinesTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Let some time have passed."""
        self.clock = SettableClock()
        self.clock.advance(7200)
        self.started_at = self.clock.seconds()
        self.deadlines = Deadlines(self.clock)
        self.called: list[tuple[str, float]] = []

    def call(self, name: str, seconds: float = 5) -> Deadline:
        """Let it be noted down that something was called, and after how long."""

        def note() -> None:
            self.called.append((name, self.clock.seconds() - self.started_at))

        return self.deadlines.call_later(seconds, note)

    def test_time(self) -> None:
        """Each is called when its own time is over, however many come in between."""
        for name in "abc":
            self.call(name)
            self.clock.advance(0.75)
        self.clock.pump([0.25] * 20)
        self.assertEqual(self.called, [("a", 5.0), ("b", 5.75), ("c", 6.5)])

    def test_times(self) -> None:
        """Those with a shorter time do not wait for others."""
        self.call("long", 7)
        self.call("short", 3)
        self.clock.pump([1] * 8)
        self.assertEqual(self.called, [("short", 3.0), ("long", 7.0)])

    def test_at(self) -> None:
        """It is known when a call comes."""
        self.assertEqual(self.call("a").at, self.started_at + 5)

    def test_one_timer(self) -> None:
        """All that have the same time share one timer, which is gone with the last of them."""
        deadlines = [self.call(name) for name in "abc"]
        for deadline in deadlines:
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
            deadline.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_left(self) -> None:
        """After the last call there is no timer either."""
        self.call("a")
        self.clock.advance(5)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """What was cancelled is not called, and the others are; to cancel again does nothing."""
        deadline = self.call("a")
        self.call("b")
        deadline.cancel()
        deadline.cancel()
        self.clock.advance(5)
        deadline.cancel()
        self.assertEqual(self.called, [("b", 5.0)])

    def test_cancelled_by_another(self) -> None:
        """A call may cancel one that is due at the same time, and begin one."""

        def go_on() -> None:
            other.cancel()
            self.call("c")

        self.deadlines.call_later(5, go_on)
        other = self.call("b")
        self.clock.pump([5, 5])
        self.assertEqual(self.called, [("c", 10.0)])

    def test_fault(self) -> None:
        """A call that fails is logged, and keeps nobody from being called."""
        self.deadlines.call_later(5, self.fail)
        self.call("b")
        self.clock.advance(5)
        self.assertEqual(self.called, [("b", 5.0)])
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)

    def test_clock_set_back(self) -> None:
        """When the clock is set back, nobody waits until it has caught up, once there is somebody new."""
        self.call("a")
        self.clock.set_back(3600)
        self.call("b")
        self.started_at = self.clock.seconds()
        self.clock.advance(5)
        self.assertEqual(self.called, [("a", 5.0), ("b", 5.0)])
