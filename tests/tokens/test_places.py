"""Places for requests, and the queue before them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.internet.base import DelayedCall
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.tokens.places import MOST_AT_ONCE, MOST_WAITING, PATIENCE_SECONDS, Places
from presence.tokens.verdict import Undecided
from tests.tokens.clocks import pass_time


class QueueClock(Clock):
    """A clock whose timers are all of one length; Twisted's sorts them at each call, thousands too."""

    def callLater(
        self,
        delay: float,
        callable: Callable[..., object],  # noqa: A002 - its name in Twisted
        *args: object,
        **kw: object,
    ) -> IDelayedCall:
        """Add a timer behind all others."""
        due = self.seconds() + delay
        later = DelayedCall(due, callable, args, kw, self.calls.remove, lambda _: None, self.seconds)
        self.calls.append(later)
        return later


class PlacesTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have all places taken."""
        self.clock = QueueClock()
        self.places = Places(Random(1), self.clock)  # noqa: S311 - the same hints at each run
        for _ in range(MOST_AT_ONCE):
            self.successResultOf(self.places.enter())

    def assert_turned_away(self, entered: Deferred[None]) -> None:
        """Check that somebody got no place, and is told when to come back."""
        undecided = self.failureResultOf(entered, Undecided).value
        self.assertTrue(1 <= undecided.after <= 10)

    def test_in_order(self) -> None:
        """A place that comes free is for who waited longest; each place is for one."""
        first, second = self.places.enter(), self.places.enter()
        self.assertNoResult(first)
        self.places.leave()
        self.successResultOf(first)
        self.assertNoResult(second)
        self.places.leave()
        self.successResultOf(second)
        self.assertNoResult(self.places.enter().addErrback(lambda _: None))

    def test_patience(self) -> None:
        """Who waited too long is turned away, and no timer is left of those who got a place."""
        lucky, unlucky = self.places.enter(), self.places.enter()
        self.places.leave()
        pass_time(self.clock, PATIENCE_SECONDS - 0.1)
        self.assertNoResult(unlucky)
        self.clock.advance(0.1)
        self.assert_turned_away(unlucky)
        self.successResultOf(lucky)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_busy(self) -> None:
        """Nobody is turned away because this process was too busy to look for a free place."""
        waiting = self.places.enter()
        self.clock.advance(3600)
        self.places.leave()
        self.successResultOf(waiting)

    def test_turned_away_takes_no_place(self) -> None:
        """A place does not go to who was turned away."""
        unlucky = self.places.enter()
        pass_time(self.clock, PATIENCE_SECONDS)
        self.assert_turned_away(unlucky)
        self.places.leave()
        self.successResultOf(self.places.enter())

    def test_cancelled(self) -> None:
        """Who gives up leaves the queue, and a place does not go to them."""
        gone, next_one = self.places.enter(), self.places.enter()
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.places.leave()
        self.successResultOf(next_one)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_full(self) -> None:
        """The queue is bounded, and has room again when somebody gives up."""
        waiting = [self.places.enter() for _ in range(MOST_WAITING)]
        self.assert_turned_away(self.places.enter())
        waiting[0].cancel()
        self.failureResultOf(waiting[0], CancelledError)
        self.assertNoResult(self.places.enter())

    def test_come_and_go(self) -> None:
        """A full queue of those who leave at once is served at once, within the stack."""
        left: list[int] = []

        def leave(_: None, number: int) -> None:
            left.append(number)
            self.places.leave()

        for number in range(MOST_WAITING):
            self.places.enter().addCallback(leave, number)
        self.places.leave()
        self.assertEqual(left, list(range(MOST_WAITING)))
        self.successResultOf(self.places.enter())
