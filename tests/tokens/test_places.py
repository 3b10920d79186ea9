"""Requests at once, and who makes the next one."""

from __future__ import annotations

from collections.abc import Callable
from gc import collect
from random import Random
from sys import getrefcount

from twisted.internet.base import DelayedCall
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.tokens.places import (
    MOST_AT_ONCE,
    MOST_WAITING,
    MOST_WAITING_OF_A_PLACE,
    PATIENCE_SECONDS,
    Places,
)
from presence.tokens.verdict import Undecided
from tests.clocks import pass_time


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


class PlacesCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Have all requests under way."""
        self.clock = QueueClock()
        self.places = Places(Random(1), self.clock)  # noqa: S311 - the same hints at each run
        for _ in range(MOST_AT_ONCE):
            self.successResultOf(self.places.enter(None))

    def assert_turned_away(self, entered: Deferred[None]) -> None:
        """Check that somebody got no place, and is told when to come back."""
        undecided = self.failureResultOf(entered, Undecided).value
        self.assertTrue(1 <= undecided.after <= 10)


class QueueTests(PlacesCase):
    def test_in_order(self) -> None:
        """A place that comes free is for who waited longest; each place is for one."""
        first, second = self.places.enter(None), self.places.enter(None)
        self.assertNoResult(first)
        self.places.leave()
        self.successResultOf(first)
        self.assertNoResult(second)
        self.places.leave()
        self.successResultOf(second)
        self.assertNoResult(self.places.enter(None).addErrback(lambda _: None))

    def test_patience(self) -> None:
        """Who waited too long is turned away, and no timer is left of those who got a place."""
        lucky, unlucky = self.places.enter(None), self.places.enter(None)
        self.places.leave()
        pass_time(self.clock, PATIENCE_SECONDS - 0.1)
        self.assertNoResult(unlucky)
        self.clock.advance(0.1)
        self.assert_turned_away(unlucky)
        self.successResultOf(lucky)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_busy(self) -> None:
        """Nobody is turned away because this process was too busy to look for a free place."""
        waiting = self.places.enter(None)
        self.clock.advance(3600)
        self.places.leave()
        self.successResultOf(waiting)

    def test_turned_away_takes_no_place(self) -> None:
        """A place does not go to who was turned away."""
        unlucky = self.places.enter(None)
        pass_time(self.clock, PATIENCE_SECONDS)
        self.assert_turned_away(unlucky)
        self.places.leave()
        self.successResultOf(self.places.enter(None))

    def test_cancelled(self) -> None:
        """Who gives up leaves the queue, and a place does not go to them."""
        gone, next_one = self.places.enter(None), self.places.enter(None)
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.places.leave()
        self.successResultOf(next_one)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_full(self) -> None:
        """All queues together are bounded, and there is room again when somebody gives up."""
        waiting = [self.places.enter(None) for _ in range(MOST_WAITING - 1)]
        self.assertNoResult(self.places.enter(b"place"))
        self.assert_turned_away(self.places.enter(None))
        self.assert_turned_away(self.places.enter(b"another"))
        waiting[0].cancel()
        self.failureResultOf(waiting[0], CancelledError)
        self.assertNoResult(self.places.enter(None))

    def test_come_and_go(self) -> None:
        """A full queue of those who leave at once is served at once, within the stack."""
        left: list[int] = []

        def leave(_: None, number: int) -> None:
            left.append(number)
            self.places.leave()

        for number in range(MOST_WAITING):
            self.places.enter(None).addCallback(leave, number)
        self.places.leave()
        self.assertEqual(left, list(range(MOST_WAITING)))
        self.successResultOf(self.places.enter(None))


class TurnsTests(PlacesCase):
    def setUp(self) -> None:
        """Note who is let in."""
        super().setUp()
        self.let_in: list[str] = []

    def wait(self, *names: str) -> list[Deferred[None]]:
        """Let people wait, each from the place of their first letter."""

        def enter(_: None, name: str) -> None:
            self.let_in.append(name)

        return [self.places.enter(name[:1].encode()).addCallback(enter, name) for name in names]

    def assert_next(self, *names: str) -> None:
        """Check who is let in next."""
        self.let_in.clear()
        for _ in names:
            self.places.leave()
        self.assertEqual(self.let_in, list(names))

    def test_turns(self) -> None:
        """One of each place is let in, then the next of each; of one place, who came first."""
        self.wait("a1", "a2", "a3", "b1", "c1", "c2")
        self.assert_next("a1", "b1", "c1", "a2", "c2", "a3")

    def test_newcomer(self) -> None:
        """A thousand who wait from one place delay one from another by a single request."""
        self.wait(*(f"a{number}" for number in range(1000)))
        self.assert_next("a0", "a1")
        self.wait("b")
        self.assert_next("a2", "b", "a3")

    def test_again(self) -> None:
        """Who leaves as soon as they were let in, and comes again, waits behind those who wait already."""

        def come_again(_: None) -> None:
            self.places.leave()
            self.wait("a2")

        self.places.enter(b"a").addCallback(come_again)
        self.wait("b1", "b2")
        self.assert_next("b1")
        self.assert_next("a2", "b2")

    def test_unknown(self) -> None:
        """Those of whom nobody knows where they come from take turns with the places, as one more."""
        unknown = [self.places.enter(None) for _ in range(2)]
        self.wait("a1", "a2")
        self.places.leave()
        self.successResultOf(unknown[0])
        self.assert_next("a1")
        self.assertNoResult(unknown[1])

    def test_full(self) -> None:
        """One place has a bound of its own, which leaves room for others, and for who comes after."""
        first, *_, too_many = self.wait(*["a"] * (MOST_WAITING_OF_A_PLACE + 1))
        self.assert_turned_away(too_many)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        for waiting in self.wait("a", "b"):
            self.assertNoResult(waiting)

    def test_cancelled(self) -> None:
        """Who gives up leaves the queue of their place, and takes the turn of nobody."""
        a1, _, _, b1, _ = self.wait("a1", "a2", "a3", "b1", "c1")
        for gone in (a1, b1):
            gone.cancel()
            self.failureResultOf(gone, CancelledError)
        self.assert_next("a2", "c1", "a3")

    def test_overdue(self) -> None:
        """So does who waited too long."""
        (overdue,) = self.wait("a1")
        pass_time(self.clock, PATIENCE_SECONDS - 1)
        self.wait("a2", "b1")
        self.clock.advance(1)
        self.assert_turned_away(overdue)
        self.assert_next("a2", "b1")

    def test_forgotten(self) -> None:
        """Nothing is kept of a place from which nobody waits, however their wait ended."""
        place = bytes([192, 0, 2, 1])
        kept = getrefcount(place)
        _, gone, _ = (self.places.enter(place).addErrback(lambda _: None) for _ in range(3))
        self.places.leave()
        gone.cancel()
        pass_time(self.clock, PATIENCE_SECONDS)
        del gone, _
        collect()
        self.assertEqual(getrefcount(place), kept)
