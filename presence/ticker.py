"""Timers for thousands of things that do not care about fractions of a second."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from presence.logs import logger, without_text

_log = logger(__name__)


@attrs.define
class _Tick:
    """
    A moment, and what is called then.

    :ivar calls: In any order; a dictionary to find one of them at once.
    """

    timer: IDelayedCall
    calls: dict[Callable[[], None], None] = attrs.Factory(dict)


class Ticker:
    """
    Calls what is due at the next tick, by one timer of the reactor for all that fall on it.

    A timer of the reactor is some 300 bytes and a place in a heap; here it is an entry of a dictionary.

    :param seconds: The time between two ticks, and how late a call may be.
    :ivar seconds: Returns what the clock says.
    """

    def __init__(self, clock: IReactorTime, seconds: float) -> None:
        self._clock = clock
        self.seconds = clock.seconds
        self._tick_seconds = seconds
        self._ticks: dict[int, _Tick] = {}
        self._passing: dict[Callable[[], None], None] = {}

    def call_later(self, seconds: float, call: Callable[[], None]) -> int:
        """Call this after some time; return the number of the tick, to cancel it by."""
        now = self.seconds()
        number = ceil((now + seconds) / self._tick_seconds)
        tick = self._ticks.get(number)
        if tick is None:
            timer = self._clock.callLater(max(0, number * self._tick_seconds - now), self._pass, number)
            tick = self._ticks[number] = _Tick(timer)
        tick.calls[call] = None
        return number

    def cancel(self, number: int, call: Callable[[], None]) -> None:
        """Do not call this; it may have been called."""
        self._passing.pop(call, None)
        tick = self._ticks.get(number)
        if tick is not None and call in tick.calls:
            del tick.calls[call]
            if not tick.calls:
                tick.timer.cancel()
                del self._ticks[number]

    def _pass(self, number: int) -> None:
        self._passing = self._ticks.pop(number).calls
        while self._passing:  # one call may cancel others
            call, _ = self._passing.popitem()
            try:
                call()
            except Exception:  # noqa: BLE001 - the others are due all the same
                _log.failure("internal error at a tick", failure=without_text(Failure()))
