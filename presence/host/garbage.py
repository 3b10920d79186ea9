"""How often the process looks for garbage."""

from __future__ import annotations

import gc

OBJECTS_BETWEEN = 10_000
"""How many new objects there are before Python looks which of them are garbage; by itself 700 or 2000."""


def collect_seldom() -> None:
    """
    Let Python look for garbage more seldom.

    A connection makes some fifty objects and leaves no cycle of them behind, so that in a storm
    Python looks again and again, finds nothing, and takes a tenth of the time for it.
    """
    gc.set_threshold(OBJECTS_BETWEEN, *gc.get_threshold()[1:])
