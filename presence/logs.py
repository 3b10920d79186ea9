"""
Logs by ``twisted.logger``, with named fields.

``twistd`` writes whatever is logged, at any level, so presence drops by itself
what is below its level (``info`` at first) before a line is made.

No line, at any level, holds a token, a password or a payload.
"""

from __future__ import annotations

from twisted.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogPublisher,
)

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
