"""How values are distributed, in as little time and memory as it takes to know roughly."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for durations."""

SIZES = (1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0)
"""Bounds for numbers of sockets."""


class Distribution:
    """
    Counts values by the bounds between which they lie.

    :param bounds: Ascending; each counts for what is below it.
    :ivar total: The sum of all values.
    """

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Return for each bound, and at last for infinity, how many values do not exceed it."""
        return zip((*self._bounds, float("inf")), accumulate(self._counts), strict=True)
