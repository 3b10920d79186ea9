"""How late the event loop comes to what is due."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from presence.distribution import SECONDS, Distribution

PERIOD_SECONDS = 0.5
"""How often it is measured."""


class Lag(Service):
    """
    Measures it by a timer: as late as the timer comes, so late comes all else.

    A clock that is set forward looks like one lag of that size.

    :ivar seconds: How late each timer was.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.seconds = Distribution(SECONDS)
        self._clock = clock
        self._timer: IDelayedCall | None = None

    def startService(self) -> None:
        """Begin to measure."""
        super().startService()
        self._wait()

    def stopService(self) -> None:
        """Measure no more."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        due = self._clock.seconds() + PERIOD_SECONDS
        self._timer = self._clock.callLater(PERIOD_SECONDS, self._measure, due)

    def _measure(self, due: float) -> None:
        # The clock may have been set back.
        self.seconds.add(max(0.0, self._clock.seconds() - due))
        self._wait()
