"""One timer of the reactor serves all calls that are due at a tick."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.logs import Unforeseen
from presence.ticker import Ticker


class TickerTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Tick each two seconds, beginning within the first."""
        self.clock = Clock()
        self.clock.advance(0.5)
        self.ticker = Ticker(self.clock, 2)
        self.called: list[tuple[str, float]] = []

    def call(self, name: str) -> Callable[[], None]:
        """Return a call that is noted down with its time."""
        return lambda: self.called.append((name, self.clock.seconds()))

    def test_time(self) -> None:
        """It tells the time of its clock."""
        self.assertEqual(self.ticker.seconds(), 0.5)

    def test_next_tick(self) -> None:
        """A call comes at the first tick that is not too early for it."""
        for seconds in (0.1, 1.5, 1.6, 3.5):
            self.ticker.call_later(seconds, self.call(str(seconds)))
        self.clock.pump([0.5] * 8)
        self.assertEqual(sorted(self.called), [("0.1", 2.0), ("1.5", 2.0), ("1.6", 4.0), ("3.5", 4.0)])

    def test_now(self) -> None:
        """A call without delay comes too, at a tick that is now or later."""
        self.clock.advance(1.5)
        self.ticker.call_later(0, self.call("now"))
        self.clock.advance(0)
        self.assertEqual(self.called, [("now", 2.0)])

    def test_one_timer(self) -> None:
        """All calls of a tick share one timer, which is gone with the last of them."""
        calls = [self.call(str(number)) for number in range(5)]
        numbers = [self.ticker.call_later(1, call) for call in calls]
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for number, call in zip(numbers, calls, strict=True):
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
            self.ticker.cancel(number, call)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """A call that was cancelled does not come; the others of its tick do."""
        first, second = self.call("first"), self.call("second")
        number = self.ticker.call_later(1, first)
        self.ticker.call_later(1, second)
        self.ticker.cancel(number, first)
        self.clock.advance(2)
        self.assertEqual(self.called, [("second", 2.5)])

    def test_tick_again(self) -> None:
        """A tick whose calls were all cancelled can be asked for again."""
        call = self.call("call")
        self.ticker.cancel(self.ticker.call_later(1, call), call)
        self.ticker.call_later(1, call)
        self.clock.advance(2)
        self.assertEqual(len(self.called), 1)

    def test_same_moment(self) -> None:
        """A call that is asked for at the very moment of a tick, when that has passed, comes too."""
        self.ticker.call_later(1.5, self.call("first"))
        self.clock.advance(1.5)
        self.ticker.call_later(0, self.call("second"))
        self.clock.advance(0)
        self.assertEqual([name for name, _ in self.called], ["first", "second"])

    def test_cancelled_too_late(self) -> None:
        """It is no fault to cancel what was called, or cancelled, and changes nothing for others."""
        call, other = self.call("call"), self.call("other")
        number = self.ticker.call_later(1, call)
        self.clock.advance(2)
        self.ticker.cancel(number, call)
        number = self.ticker.call_later(1, other)
        self.ticker.cancel(number, call)
        self.clock.advance(2)
        self.assertEqual([name for name, _ in self.called], ["call", "other"])

    def test_one_cancels_another(self) -> None:
        """Of two calls that cancel each other only one comes, though both were due."""
        left: list[Callable[[], None]] = []

        def cancel() -> None:
            self.called.append(("one of them", self.clock.seconds()))
            for call in left:
                self.ticker.cancel(number, call)

        left += [lambda: cancel(), lambda: cancel()]  # noqa: PLW0108 - two objects are the point
        number, _ = (self.ticker.call_later(1, call) for call in left)
        self.clock.advance(2)
        self.assertEqual(len(self.called), 1)

    def test_again(self) -> None:
        """A call may ask to be called again, and comes once at each tick."""

        def call() -> None:
            self.called.append(("call", self.clock.seconds()))
            self.ticker.call_later(2, call)

        self.ticker.call_later(2, call)
        self.clock.pump([0.5] * 12)
        self.assertEqual([at for _, at in self.called], [4.0, 6.0])

    def test_fault(self) -> None:
        """A fault of ours in one call is logged, and the others are called."""

        def fail() -> None:
            raise ZeroDivisionError

        for call in (self.call("one"), fail, self.call("another")):
            self.ticker.call_later(1, call)
        self.clock.advance(2)
        self.assertEqual(len(self.called), 2)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)

    def test_late(self) -> None:
        """After a stall what is due comes, and what follows has its whole time."""
        self.ticker.call_later(1, self.call("late"))
        self.clock.advance(9)
        self.ticker.call_later(2, self.call("next"))
        self.clock.pump([0.5] * 5)
        self.assertEqual(self.called, [("late", 9.5), ("next", 12.0)])
