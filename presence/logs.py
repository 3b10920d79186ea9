"""
Logs by ``twisted.logger``, with named fields.

``twistd`` writes whatever is logged, at any level, so presence drops by itself
what is below its level (``info`` at first) before a line is made.

No line, at any level, holds a token, a password or a payload.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from traceback import format_tb
from typing import BinaryIO

import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

SUMMARY_SECONDS = 10.0
"""How often a line is written that sums up what repeats."""

_json = msgspec.json.Encoder(enc_hook=str)  # types that are derived from numbers


class LevelLogger(Logger):
    """
    Drops what is below presence's level before it makes an event, which costs more than all the rest.

    :cvar least: The level of this whole process.
    """

    least = LogLevel.info

    def emit(self, level: LogLevel, format: str | None = None, **fields: object) -> None:  # noqa: A002 - Logger's
        """Make an event, and hand it to whoever observes the log."""
        if level >= LevelLogger.least:
            super().emit(level, format, **fields)


def logger(namespace: str) -> Logger:
    """Return a logger whose events below presence's level go nowhere."""
    return LevelLogger(namespace)


def set_level(name: str) -> None:
    """
    Let events of this level and above through, in this whole process.

    :raises InvalidLogLevelError: Where there is no level of this name.
    """
    LevelLogger.least = LogLevel.levelWithName(name)


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
    return Failure(Unforeseen(_kind(failure)), Unforeseen, failure.getTracebackObject())


def json_lines() -> ILogObserver:
    """
    Return an observer that writes each event to stdout, as one line of JSON.

    For ``twistd --logger=presence.logs.json_lines``, which wants a callable without arguments.
    """
    return JsonLines(sys.stdout.buffer)


@implementer(ILogObserver)
class JsonLines:
    """
    Writes each event as a flat JSON object on a line of its own, whatever it holds.

    First ``time`` (:rfc:`3339`, UTC), ``level``, ``namespace`` and ``message``; of a failure its
    kind and its ``traceback``, without the text of the exception; then those fields of the event
    that are text, numbers, truth values or nothing.

    :param stream: What is written to. Nothing can be said about it when that fails, so nothing is.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __call__(self, event: LogEvent) -> None:
        """Write an event."""
        try:
            line = _json.encode(_fields(event))
        except Exception:  # noqa: BLE001 - an event may hold anything, and a log must not raise
            line = _json.encode(_head(time.time(), "error", __name__, "an event cannot be written"))
        with suppress(OSError, ValueError):  # a full disk, a reader that is gone; or it is closed
            self._stream.write(line + b"\n")
            self._stream.flush()


def _head(seconds: float, level: str, namespace: str, message: str) -> dict[str, object]:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return {
        "time": moment.replace("+00:00", "Z"),
        "level": level,
        "namespace": _text(namespace),
        "message": _text(message),
    }


def _fields(event: LogEvent) -> dict[str, object]:
    values = (event.get("log_failure"), event.get("failure"))
    failure = next((value for value in values if isinstance(value, Failure)), None)
    if failure is not None and "log_text" in event:
        # By twisted.python.log, which made a text of the exception's own.
        message = str(event.get("why") or "unhandled error")
    else:
        message = formatEvent({name: _harmless(value) for name, value in event.items()})
    level = event.get("log_level", LogLevel.info).name
    fields = _head(event["log_time"], level, event.get("log_namespace", ""), message)
    if failure is not None:
        fields["failure"] = _kind(failure)
        fields["traceback"] = "".join(format_tb(failure.getTracebackObject()))
    for name, value in event.items():
        if not name.startswith("log_") and _text(name) not in fields and _is_scalar(value):
            fields[_text(name)] = _text(value) if isinstance(value, str) else value
    return fields


def _harmless(value: object) -> object:
    return without_text(value) if isinstance(value, Failure) else value


def _is_scalar(value: object) -> bool:
    if isinstance(value, int):
        return -(2**63) <= value < 2**64  # what other readers of JSON hold, and msgspec writes
    return value is None or isinstance(value, str | float)


def _text(text: str) -> str:
    # Half of a surrogate pair is no Unicode, and cannot be written as UTF-8.
    return text.encode(errors="backslashreplace").decode()


def _kind(failure: Failure) -> str:
    if isinstance(failure.value, Unforeseen):
        return str(failure.value)
    return failure.type.__qualname__ if failure.type is not None else "nothing"
