"""How many checks reach the account API at once, and none while it is sick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.interfaces import ITokenChecker
from presence.tokens.breaker import Breaker
from presence.tokens.counts import ACCEPTED, CheckCounts
from presence.tokens.places import Places
from presence.wire.errors import Refused


@implementer(ITokenChecker)
class GatedTokenChecker:
    """
    Lets checks through to another checker, which asks the account API.

    :param timer: Returns the seconds since any moment; never goes back.
    """

    def __init__(
        self,
        checker: ITokenChecker,
        places: Places,
        breaker: Breaker,
        counts: CheckCounts,
        timer: Callable[[], float],
    ) -> None:
        self._checker = checker
        self._places = places
        self._breaker = breaker
        self._counts = counts
        self._timer = timer

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:
        """Check when its turn comes; fail at once while the API is left alone."""
        checked = Deferred.fromCoroutine(self._check(user_id, token, place))
        return checked.addCallbacks(self._count_accepted, self._count_refused)

    async def _check(self, user_id: int, token: str, place: bytes | None) -> None:
        self._breaker.refuse_if_open()
        await self._places.enter(place)
        # Whoever leaves now does not end the request: the API works on it all the same, so it
        # counts as one of them, and a probe whose client leaves has to come to an end.
        await _let_run(Deferred.fromCoroutine(self._ask(user_id, token, place)))

    async def _ask(self, user_id: int, token: str, place: bytes | None) -> None:
        try:
            # Asks the breaker again, which may have opened during the wait.
            with self._breaker.watch(), self._take_time():
                await self._checker.check(user_id, token, place)
        finally:
            self._places.leave()

    @contextmanager
    def _take_time(self) -> Iterator[None]:
        began = self._timer()
        try:
            yield
        finally:
            self._counts.request_seconds.add(self._timer() - began)

    def _count_accepted(self, _: None) -> None:
        self._counts.results[ACCEPTED] += 1

    def _count_refused(self, failure: Failure) -> Failure:
        if isinstance(failure.value, Refused):  # and no cancellation
            self._counts.results[failure.value.code.value] += 1
        return failure


def _let_run(asked: Deferred[None]) -> Deferred[None]:
    verdict: Deferred[None] = Deferred()
    asked.addBoth(verdict.callback)
    return verdict
