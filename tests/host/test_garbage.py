"""The garbage collector is not to come by for every dozen clients."""

from __future__ import annotations

import gc

from twisted.trial.unittest import SynchronousTestCase

from presence.host.garbage import OBJECTS_BETWEEN, collect_seldom


class CollectSeldomTests(SynchronousTestCase):
    def test_seldom(self) -> None:
        """Young objects are looked at more seldom; of the old ones nothing changes."""
        before = gc.get_threshold()
        self.addCleanup(gc.set_threshold, *before)
        collect_seldom()
        self.assertEqual(gc.get_threshold(), (OBJECTS_BETWEEN, *before[1:]))
