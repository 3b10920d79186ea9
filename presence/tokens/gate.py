"""How many checks reach the account API at once, and none while it is sick."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import implementer

from presence.interfaces import ITokenChecker
from presence.tokens.breaker import Breaker
from presence.tokens.places import Places


@implementer(ITokenChecker)
class GatedTokenChecker:
    """Lets checks through to another checker, which asks the account API."""

    def __init__(self, checker: ITokenChecker, places: Places, breaker: Breaker) -> None:
        self._checker = checker
        self._places = places
        self._breaker = breaker

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:
        """Check when its turn comes; fail at once while the API is left alone."""
        return Deferred.fromCoroutine(self._check(user_id, token, place))

    async def _check(self, user_id: int, token: str, place: bytes | None) -> None:
        self._breaker.refuse_if_open()
        await self._places.enter(place)
        # Whoever leaves now does not end the request: the API works on it all the same, so it
        # counts as one of them, and a probe whose client leaves has to come to an end.
        await _let_run(Deferred.fromCoroutine(self._ask(user_id, token, place)))

    async def _ask(self, user_id: int, token: str, place: bytes | None) -> None:
        try:
            # Asks the breaker again, which may have opened during the wait.
            with self._breaker.watch():
                await self._checker.check(user_id, token, place)
        finally:
            self._places.leave()


def _let_run(asked: Deferred[None]) -> Deferred[None]:
    verdict: Deferred[None] = Deferred()
    asked.addBoth(verdict.callback)
    return verdict
