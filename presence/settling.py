"""
The time after the start in which nobody is told a list, so that none sees it grow.

After a restart all clients come back at once, and how long that takes depends on how many
there are. So the time is fixed only at first, and goes on while a crowd still comes.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

LONGEST_CROWD_SECONDS = 30
"""How much longer a crowd can make the time."""

LARGEST_TRICKLE = 10
"""So few users between two looks are no crowd."""

LARGEST_TRICKLE_SHARE = 1 / 100
"""Nor are they if in a second no more came than this part of all who are online by then."""

_LOOK_SECONDS = 1.0
"""How long after a look the next one is."""


class Settling:
    """
    Waits after the start until no crowd comes any more.

    :param count_users: Returns how many users are online.
    :param settled: Is called once, at the end.
    :param seconds: How long it takes without a crowd; 0 for no time at all.
    """

    def __init__(
        self,
        count_users: Callable[[], int],
        settled: Callable[[], None],
        clock: IReactorTime,
        seconds: float,
    ) -> None:
        self._count_users = count_users
        self._settled = settled
        self._clock = clock
        self._seconds = seconds
        self._may_end_at = 0.0
        self._latest_end = 0.0
        self._looked_at = 0.0
        self._users = 0
        self._next_look: IDelayedCall | None = None

    @property
    def lasts(self) -> bool:
        """Whether it has begun and not ended."""
        return self._next_look is not None

    @property
    def seconds_left(self) -> float:
        """How long it goes on at least; a crowd can make it longer."""
        return self._may_end_at - self._clock.seconds()

    def start(self) -> None:
        """Begin."""
        if self._seconds == 0:
            self._settled()
            return
        self._looked_at = self._clock.seconds()
        self._may_end_at = self._looked_at + self._seconds
        self._latest_end = self._may_end_at + LONGEST_CROWD_SECONDS
        # Too early for an end, but then the next look knows who came in the last second.
        self._look_after(max(0, self._seconds - _LOOK_SECONDS))

    def stop(self) -> None:
        """End without a word."""
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _look_after(self, seconds: float) -> None:
        self._next_look = self._clock.callLater(seconds, self._look)

    def _look(self) -> None:
        now, users = self._clock.seconds(), self._count_users()
        # The share goes by the time that has really passed: under a crowd the reactor is late.
        share = LARGEST_TRICKLE_SHARE * users * (now - self._looked_at)
        crowded = users - self._users > max(LARGEST_TRICKLE, share)
        self._looked_at, self._users = now, users
        if crowded and now >= self._may_end_at:
            self._may_end_at = min(now + _LOOK_SECONDS, self._latest_end)
        if now < self._may_end_at:
            self._look_after(self._may_end_at - now)
        else:
            self._next_look = None
            self._settled()
