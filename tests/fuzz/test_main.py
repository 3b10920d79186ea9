"""The command that looks for what nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.__main__ import EXAMPLES, explore
from tests.fuzz.properties import Property


class ExploreTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Note what is tried and said; each property takes a second."""
        self.tried: list[tuple[str, int | None]] = []
        self.said: list[str] = []

    def note(self, name: str) -> Property:
        """Return a property that holds."""
        return lambda _, number: self.tried.append((name, number))

    def explore(self, properties: dict[str, Property], seconds: float) -> int:
        """Explore from seed 5 on."""
        time: Iterator[int] = count()
        return explore(properties, seconds, 5, lambda: next(time), self.said.append)

    def test_time(self) -> None:
        """The properties are tried in turn, with a new seed each round, until the time is over."""
        code = self.explore({"a": self.note("a"), "b": self.note("b")}, seconds=4)
        self.assertEqual(code, 0)
        self.assertEqual(self.tried, [("a", 5), ("b", 5), ("a", 6)])
        self.assertIn(f"{3 * EXAMPLES} examples: all is well", self.said[-1])

    def test_once(self) -> None:
        """Each property is tried once however short the time is."""
        self.explore({"a": self.note("a"), "b": self.note("b")}, seconds=0)
        self.assertEqual(self.tried, [("a", 5), ("b", 5)])

    def test_failure(self) -> None:
        """The smallest example is told, and how to try it again."""

        def find(how: settings, number: int | None) -> None:
            @given(st.integers())
            def is_small(number: int) -> None:
                assert number < 1000

            seed(number)(how(is_small))()

        code = self.explore({"small": find}, seconds=100)
        self.assertEqual(code, 1)
        self.assertIn("number=1000", self.said[-2])
        self.assertEqual(self.said[-1], "again: python -m tests.fuzz --seconds 0 --seed 5 --only small")
