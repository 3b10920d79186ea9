"""
How many requests to the account API are under way, and who waits to make the next.

Each place that clients come from has a queue of its own, and the queues take turns. So whoever
comes with thousands of bad tokens makes their neighbours wait, and everybody else for one
request more.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from presence.host.deadline import add_deadline
from presence.tokens.verdict import Undecided, spread

MOST_AT_ONCE = 32
"""How many requests are under way at once; each has a connection of its own."""

MOST_WAITING = 8192
"""How many more may wait for their turn."""

MOST_WAITING_OF_A_PLACE = 1024
"""How many of them may be from one place; where that is not known, there is only the bound above."""

PATIENCE_SECONDS = 5.0
"""How long one waits; the request has its own time after that."""


class Places:
    """
    So many requests at once, and a bounded queue for each place that wants to make more.

    :ivar waiting: How many wait for their turn.
    """

    def __init__(self, random: Random, clock: IReactorTime) -> None:
        self._random = random
        self._clock = clock
        self._taken = 0
        self.waiting = 0
        # In the order of their turns. A plain dict would look for its first key among all that
        # were deleted before it.
        self._queues: OrderedDict[bytes | None, OrderedDict[Deferred[None], None]] = OrderedDict()
        self._serving = False

    def enter(self, place: bytes | None) -> Deferred[None]:
        """
        Fire when a request may be made; whoever was let in leaves after it.

        Fails with ``Undecided`` when too many wait, or when the turn does not come in time. May
        be cancelled during the wait.

        :param place: Where the client comes from; None when that is not known.
        """
        entered: Deferred[None] = Deferred(partial(self._remove, place))
        if self._taken < MOST_AT_ONCE and not self.waiting:
            self._taken += 1
            entered.callback(None)
        elif self.waiting >= MOST_WAITING:
            entered.errback(self._crowded(f"{MOST_WAITING} checks wait already"))
        elif place is not None and len(self._queues.get(place, ())) >= MOST_WAITING_OF_A_PLACE:
            entered.errback(self._crowded(f"{MOST_WAITING_OF_A_PLACE} checks from one place wait already"))
        else:
            self._queues.setdefault(place, OrderedDict())[entered] = None
            self.waiting += 1
            add_deadline(entered, PATIENCE_SECONDS, self._lose_patience, self._clock)
        return entered

    def leave(self) -> None:
        """Let the next one in: the first of the place whose turn it is."""
        self._taken -= 1
        if self._serving:
            return
        # A loop, for who is let in may leave at once: while the API is not asked, all who wait
        # come and go in here, and would not fit on the stack.
        self._serving = True
        while self.waiting and self._taken < MOST_AT_ONCE:
            self._taken += 1
            self._take_next().callback(None)
        self._serving = False

    def _take_next(self) -> Deferred[None]:
        place = next(iter(self._queues))
        entered = next(iter(self._queues[place]))
        self._queues.move_to_end(place)
        self._remove(place, entered)
        return entered

    def _remove(self, place: bytes | None, entered: Deferred[None]) -> None:
        self.waiting -= 1
        queue = self._queues[place]
        del queue[entered]
        if not queue:
            del self._queues[place]

    def _lose_patience(self, time: str) -> Undecided:
        return self._crowded(f"no turn to ask {time}")

    def _crowded(self, reason: str) -> Undecided:
        return Undecided(reason, after=spread(self._random))
