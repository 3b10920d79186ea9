"""How fast new connections are accepted."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from presence.admission.limits import Limit, Limits


class Pace:
    """
    Lets so many pass in a second; the others wait, in the queue of the system, for the next one.

    :param pause: Is called when the second is full.
    :param resume: Is called when it is over.
    """

    def __init__(
        self,
        most: int,
        limits: Limits,
        clock: IReactorTime,
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self._most = most
        self._limits = limits
        self._clock = clock
        self._pause = pause
        self._resume = resume
        self._passed = 0
        self._second: IDelayedCall | None = None

    def passed(self, peer: str) -> None:
        """Count one that passed; some more may after a pause."""
        self._passed += 1
        if self._second is None:
            self._second = self._clock.callLater(1, self._over)
        if self._passed == self._most:
            self._limits.exceed(Limit.ACCEPTS, peer)
            self._pause()

    def stop(self) -> None:
        """End; nothing is called any more."""
        if self._second is not None:
            self._second.cancel()
            self._second = None

    def _over(self) -> None:
        self._second = None
        full, self._passed = self._passed >= self._most, 0
        if full:
            self._resume()
