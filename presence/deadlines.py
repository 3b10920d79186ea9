"""Timers for thousands of things that wait equally long, to the moment; most are cancelled before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from presence.logs import logger, without_text

_log = logger(__name__)


class Deadline:
    """
    A call that is to come.

    :ivar at: When, by the clock.
    """

    __slots__ = ("_queue", "at", "call")

    def __init__(self, at: float, call: Callable[[], None], queue: _Queue) -> None:
        self.at = at
        self.call = call
        self._queue = queue

    def cancel(self) -> None:
        """Do not call; it may have been called."""
        self._queue.remove(self)


class Deadlines:
    """
    Calls many things later, with one timer of the reactor for all that have the same time.

    A timer of the reactor is three objects and a place in a heap, which are dear to compare; here it
    is an object and an entry of a dictionary. What may be a little late has :class:`presence.ticker.Ticker`,
    which also takes times of any length together.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._queues: dict[float, _Queue] = {}

    def call_later(self, seconds: float, call: Callable[[], None]) -> Deadline:
        """Call this after some time, which many others have too."""
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = _Queue(self._clock, seconds, self._queues)
        return queue.add(call)


class _Queue:
    """The calls that have the same time; the first that is due comes first."""

    __slots__ = ("_clock", "_deadlines", "_latest", "_queues", "_seconds", "_timer")

    def __init__(self, clock: IReactorTime, seconds: float, queues: dict[float, _Queue]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._queues = queues
        # A plain dictionary keeps a hole for each one that was deleted, and looks through them for the first.
        self._deadlines: OrderedDict[Deadline, None] = OrderedDict()
        self._latest = 0.0
        self._timer: IDelayedCall = clock.callLater(seconds, self._look)

    def add(self, call: Callable[[], None]) -> Deadline:
        """Add a call."""
        at = self._clock.seconds() + self._seconds
        if at < self._latest:  # the clock was set back, and nobody is to wait until it has caught up
            for deadline in self._deadlines:
                deadline.at = at
            self._timer.reset(self._seconds)
        self._latest = at
        deadline = Deadline(at, call, self)
        self._deadlines[deadline] = None
        return deadline

    def remove(self, deadline: Deadline) -> None:
        """Forget a call, which may have come; without any the queue is over."""
        if deadline in self._deadlines:
            del self._deadlines[deadline]
            if not self._deadlines:
                self._timer.cancel()
                del self._queues[self._seconds]

    def _look(self) -> None:
        self._timer = self._clock.callLater(self._seconds, self._look)
        now = self._clock.seconds()
        while self._deadlines:
            first = next(iter(self._deadlines))
            if first.at > now:
                self._timer.reset(first.at - now)
                return
            self.remove(first)
            try:
                first.call()
            except Exception:  # noqa: BLE001 - the others are due all the same
                _log.failure("internal error at a deadline", failure=without_text(Failure()))
