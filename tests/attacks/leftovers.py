"""What a daemon leaves behind, counted."""

from __future__ import annotations

import ctypes
import gc
import os
from collections import Counter
from collections.abc import Iterator, MutableMapping, MutableSequence, MutableSet
from pathlib import Path
from typing import Any

BOUNDED = {
    "Journal._published": "the last 1000 publications",
    "Change": "the same",
    "Change.came": "the same",
    "Change.went": "the same",
    "TokenBucket": "those of the last 65536 users who left",
    "Rates._remembered": "the same",
    "Rates._of_users": "the same",
    "SharedFrame": "the latest list",
    "Limits.exceeded": "one for each limit there is",
    "History._transitions": "the last 10,000",
    "Transition": "the same",
    "History.counts": "one for each cause there is",
    "Traffic.refusals": "the last 100",
    "Refusal": "the same",
    "Traffic.closed": "one for each code that is counted",
    "Traffic.requests": "one for each kind of request and error",
    "CheckCounts.results": "one for each result there is",
    "Waiting": "one for each connection",
}
"""What is kept for good reasons, and how much of it at most; the rest must not grow."""

FILES, CALLS, READERS, WRITERS = "open files", "delayed calls", "readers", "writers"


NOTHING = Path(os.devnull)


def count_reactor(reactor: Any) -> Counter[str]:  # noqa: ANN401 - a reactor is many interfaces
    """Count what the process and its reactor have open."""
    return Counter(
        {
            # Twisted keeps one of these, from its first port on, for when there are no more files.
            FILES: sum(file.resolve() != NOTHING for file in Path("/proc/self/fd").iterdir()),
            CALLS: len(reactor.getDelayedCalls()),
            READERS: len(reactor.getReaders()),
            WRITERS: len(reactor.getWriters()),
        }
    )


def count_objects() -> Counter[str]:
    """Count the objects of presence that are alive, and how much each collection in them holds."""
    gc.collect()
    found: Counter[str] = Counter()
    for thing in gc.get_objects():
        kind = type(thing)
        if str(kind.__module__).startswith("presence."):  # of some types it is no string
            found[kind.__qualname__] += 1
            for name, value in _fields(thing):
                if isinstance(value, MutableMapping | MutableSequence | MutableSet):
                    found[f"{kind.__qualname__}.{name}"] += len(value)
    return found


def grown(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """Return what there is more of than before, but for what is bounded anyway."""
    return {name: more for name, more in (after - before).items() if name not in BOUNDED}


def memory_bytes() -> int:
    """Return how much memory the process has in use, once it has handed back what is free."""
    gc.collect()
    # glibc keeps most of what was once in use.
    ctypes.CDLL(None).malloc_trim(0)
    resident_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return resident_pages * os.sysconf("SC_PAGE_SIZE")


def _fields(thing: object) -> Iterator[tuple[str, object]]:
    yield from getattr(thing, "__dict__", {}).items()
    for kind in type(thing).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if hasattr(thing, name):
                yield name, getattr(thing, name)
