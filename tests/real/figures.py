"""
Figures that tests measure beside what they assert.

``python -m tests.real.test_storm`` runs the tests of that file, and prints theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from tempfile import TemporaryDirectory

from twisted.trial.reporter import TextReporter
from twisted.trial.runner import TestLoader, TrialRunner

_noted: list[str] = []


def note(what: str, figure: str) -> None:
    """Note a figure, for those who ask for it."""
    _noted.append(f"{what}: {figure}")


def round_trips(seconds: Iterable[float]) -> str:
    """Return what there is to say about how long replies took."""
    ordered = sorted(seconds)
    p50, p99 = (1000 * ordered[len(ordered) * percent // 100] for percent in (50, 99))
    longest = 1000 * ordered[-1]
    return f"{len(ordered)} round trips, p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {longest:.0f} ms"


def measure(tests: str) -> None:
    """Run the tests of a module, print the figures, and exit as trial would."""
    with TemporaryDirectory() as directory:
        result = TrialRunner(TextReporter, workingDirectory=f"{directory}/trial").run(
            TestLoader().loadByName(tests)
        )
    print(*_noted, sep="\n")  # noqa: T201 - what the command is for
    sys.exit(not result.wasSuccessful())
