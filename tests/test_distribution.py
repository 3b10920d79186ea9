"""How values are distributed."""

from __future__ import annotations

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from presence.distribution import Distribution

BOUNDS = (1.0, 10.0)


class DistributionTests(SynchronousTestCase):
    @given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 10.0, 11.0])))
    def test_buckets(self, values: list[float]) -> None:
        """Each bound counts the values that do not exceed it; the last one counts all."""
        distribution = Distribution(BOUNDS)
        for value in values:
            distribution.add(value)
        expected = [(bound, bisect_right(sorted(values), bound)) for bound in (*BOUNDS, float("inf"))]
        self.assertEqual((list(distribution.buckets()), distribution.total), (expected, sum(values)))
