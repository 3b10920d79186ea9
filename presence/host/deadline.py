"""Deadlines that blame nobody else for a process that was too busy to look."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

T = TypeVar("T")

_STEPS = 5


def add_deadline(
    waiting: Deferred[T], seconds: float, too_late: Callable[[str], Exception], clock: IReactorTime
) -> Deferred[T]:
    """
    Cancel a Deferred that takes too long, and let it fail with an exception of its own.

    The time passes in steps, and each leaves the reactor a chance to read what has come. However
    long a process reads from thousands of clients, or is stopped, that is one step: an answer that
    lies in the kernel by then is not late.

    :param too_late: Makes the exception, from the time in words.
    """
    is_late = False
    timer: IDelayedCall

    def step(left: int) -> None:
        nonlocal is_late, timer
        if left:
            timer = clock.callLater(seconds / _STEPS, step, left - 1)
        else:
            is_late = True
            waiting.cancel()

    def end(result: T | Failure) -> T | Failure:
        if timer.active():
            timer.cancel()
        return Failure(too_late(f"within {seconds:g} s")) if is_late else result

    timer = clock.callLater(seconds / _STEPS, step, _STEPS - 1)
    return waiting.addBoth(end)
