"""Places for requests to the account API, and the queue before them."""

from __future__ import annotations

from collections import OrderedDict
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from presence.tokens.deadline import add_deadline
from presence.tokens.verdict import Undecided, spread

MOST_AT_ONCE = 32
"""How many requests are under way at once; each has a connection of its own."""

MOST_WAITING = 8192
"""How many more may wait for a place."""

PATIENCE_SECONDS = 5.0
"""How long one waits for a place; its request has its own time after that."""


class Places:
    """So many places, and a bounded queue for those who want one; first come, first served."""

    def __init__(self, random: Random, clock: IReactorTime) -> None:
        self._random = random
        self._clock = clock
        self._taken = 0
        self._waiting: OrderedDict[Deferred[None], None] = OrderedDict()
        self._serving = False

    def enter(self) -> Deferred[None]:
        """
        Fire with a place; whoever has got one leaves it.

        Fails with ``Undecided`` when the queue is full or none comes free in time. May be
        cancelled while it waits.
        """
        place: Deferred[None] = Deferred(self._waiting.pop)
        if self._taken < MOST_AT_ONCE and not self._waiting:
            self._taken += 1
            place.callback(None)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting[place] = None
            add_deadline(place, PATIENCE_SECONDS, self._lose_patience, self._clock)
        else:
            place.errback(self._crowded(f"{MOST_WAITING} checks wait for a place already"))
        return place

    def leave(self) -> None:
        """Give a place up; the next in the queue has it at once."""
        self._taken -= 1
        if self._serving:
            return
        # A loop, for who gets a place may leave it at once: while the API is not asked, the
        # whole queue comes and goes in here, and would not fit on the stack.
        self._serving = True
        while self._waiting and self._taken < MOST_AT_ONCE:
            self._taken += 1
            self._waiting.popitem(last=False)[0].callback(None)
        self._serving = False

    def _lose_patience(self, time: str) -> Undecided:
        return self._crowded(f"no place for a request {time}")

    def _crowded(self, reason: str) -> Undecided:
        return Undecided(reason, after=spread(self._random))
