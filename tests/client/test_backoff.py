"""Tests of the pauses between attempts."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.client import Backoff


class BackoffTests(SynchronousTestCase):
    def pauses(self, backoff: Backoff, count: int) -> list[float]:
        """Return the next pauses."""
        return [backoff(attempt) for attempt in range(count)]

    def test_doubles(self) -> None:
        """The ceiling doubles from half a second, up to twenty seconds."""
        backoff = Backoff(lambda: 1.0)
        self.assertEqual(self.pauses(backoff, 8), [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0])

    def test_full_jitter(self) -> None:
        """A pause is a random part of the ceiling, down to nothing."""
        parts = iter([0.0, 0.25, 0.75])
        self.assertEqual(self.pauses(Backoff(lambda: next(parts)), 3), [0.0, 0.25, 1.5])

    def test_reset(self) -> None:
        """After a reset the ceiling is the shortest again."""
        backoff = Backoff(lambda: 1.0)
        self.pauses(backoff, 5)
        backoff.reset()
        self.assertEqual(self.pauses(backoff, 2), [0.5, 1.0])

    def test_put_off(self) -> None:
        """What the server asked for comes on top, once."""
        backoff = Backoff(lambda: 0.5)
        backoff.put_off(7.0)
        self.assertEqual(self.pauses(backoff, 2), [7.25, 0.5])
