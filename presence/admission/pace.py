"""How fast new connections are accepted."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from presence.admission.limits import Limit, Limits

_PARTS = 50


class Pace:
    """
    Lets so many pass in a second; the others wait in the queue of the system.

    It does so in small parts of a second: whoever is let in costs time, and those who are in
    wait for as long as it takes for all who pass at once. The limit counts as exceeded for each
    whole second of which every part was full.

    :param pause: Is called when a part is full.
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
        self._most = max(1, most // _PARTS)
        self._seconds = self._most / most
        self._limits = limits
        self._clock = clock
        self._pause = pause
        self._resume = resume
        self._passed = 0
        self._full_seconds = 0.0
        self._ended_at = 0.0
        self._part: IDelayedCall | None = None

    def passed(self, peer: str) -> None:
        """Count one that passed; some more may after a pause."""
        self._passed += 1
        if self._part is None:
            if self._clock.seconds() - self._ended_at > self._seconds:  # nobody came in between
                self._full_seconds = 0
            self._part = self._clock.callLater(self._seconds, self._over, peer)
        if self._passed == self._most:
            self._pause()

    def stop(self) -> None:
        """End; nothing is called any more."""
        if self._part is not None:
            self._part.cancel()
            self._part = None

    def _over(self, peer: str) -> None:
        self._part = None
        self._ended_at = self._clock.seconds()
        full, self._passed = self._passed >= self._most, 0
        if not full:
            self._full_seconds = 0
            return
        self._full_seconds += self._seconds
        if self._full_seconds > 1 - self._seconds / 2:  # the parts do not add up exactly
            self._full_seconds = 0
            self._limits.exceed(Limit.ACCEPTS, peer)
        self._resume()
