"""
Logs by ``twisted.logger``, with named fields.

``twistd`` writes whatever is logged, at any level, so presence drops by itself
what is below its level (``info`` at first) before a line is made.

No line, at any level, holds a token, a password or a payload.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogPublisher,
)
from twisted.python.failure import Failure

SUMMARY_SECONDS = 10.0
"""How often a line is written that sums up what repeats."""

_levels = LogLevelFilterPredicate(defaultLogLevel=LogLevel.info)
_observer = FilteringLogObserver(globalLogPublisher, [_levels])


def logger(namespace: str) -> Logger:
    """Return a logger whose events below presence's level go nowhere."""
    return Logger(namespace, observer=_observer)


def set_level(name: str) -> None:
    """
    Let events of this level and above through, in this whole process.

    :raises InvalidLogLevelError: Where there is no level of this name.
    """
    _levels.setLogLevelForNamespace("", LogLevel.levelWithName(name))


class Summary:
    """Says when a line that repeats is due: at once, and then each ten seconds at most."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._written_at: float | None = None
        self._times = 0

    def add(self) -> int:
        """Count one more; return how many the line stands for, or 0 while none is due."""
        self._times += 1
        now = self._clock.seconds()
        if self._written_at is not None and 0 <= now - self._written_at < SUMMARY_SECONDS:
            return 0
        self._written_at = now
        times, self._times = self._times, 0
        return times


class Unforeseen(Exception):  # noqa: N818 - what happened, in the words of the log
    """Stands in the log for an exception whose text may hold what a client sent."""


def without_text(failure: Failure) -> Failure:
    """Return a failure that tells the kind of an exception and its place, and nothing else."""
    kind = failure.type.__qualname__ if failure.type is not None else "nothing"
    return Failure(Unforeseen(kind), Unforeseen, failure.getTracebackObject())
