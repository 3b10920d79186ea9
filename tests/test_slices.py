"""Tests of long work that leaves turns to others."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.task import Clock, SchedulerStopped
from twisted.trial.unittest import SynchronousTestCase

from presence.slices import Slices


class SlicesTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Note what is done."""
        self.clock = Clock()
        self.slices = Slices(self.clock)
        self.done: list[str] = []

    def work(self, name: str, slices: int) -> Iterator[None]:
        """Note each slice."""
        for number in range(slices):
            self.done.append(f"{name}{number}")
            if number < slices - 1:
                yield

    def broken(self, after: int) -> Iterator[None]:
        """Fail in a slice."""
        yield from self.work("a", after + 1)
        raise ZeroDivisionError

    def test_short(self) -> None:
        """Work without a pause is done at once."""
        self.assertIsNotNone(self.successResultOf(self.slices.run(self.work("a", 1))))
        self.assertEqual(self.done, ["a0"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_turns(self) -> None:
        """Long work is done slice by slice, and others have their turn between two of them."""
        outcome = self.slices.run(self.work("a", 3))
        self.assertNoResult(outcome)
        self.clock.callLater(0, self.done.append, "another")
        self.clock.advance(0)
        self.successResultOf(outcome)
        self.assertEqual(self.done, ["a0", "a1", "another", "a2"])

    def test_side_by_side(self) -> None:
        """Of two works each has a slice in a turn."""
        self.slices.run(self.work("a", 2))
        self.slices.run(self.work("b", 2))
        self.clock.advance(0)
        self.assertEqual(self.done, ["a0", "b0", "a1", "b1"])

    def test_fault(self) -> None:
        """A fault ends the work, in the first slice or in a later one."""
        self.failureResultOf(self.slices.run(self.broken(0)), ZeroDivisionError)
        outcome = self.slices.run(self.broken(1))
        self.clock.advance(0)
        self.failureResultOf(outcome, ZeroDivisionError)

    def test_stop(self) -> None:
        """Nothing is done after the stop."""
        outcome = self.slices.run(self.work("a", 3))
        self.slices.stop()
        self.clock.advance(0)
        self.failureResultOf(outcome, SchedulerStopped)
        self.assertEqual(self.done, ["a0"])
