"""
The verdicts of the account API, kept for a short time.

A storm of clients with the same token costs one request: those who come meanwhile wait for
it too, and those who come soon after get the same verdict. What was not decided is
never kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from hashlib import blake2b

import attrs
from cachetools import TTLCache
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.interfaces import ITokenChecker
from presence.tokens.counts import JOINED, REMEMBERED, CheckCounts
from presence.tokens.verdict import Undecided
from presence.wire.errors import ErrorCode, Refused

ACCEPTED_SECONDS = 30.0
MOST_ACCEPTED = 32_768

REFUSED_SECONDS = 5.0
MOST_REFUSED = 8192


@attrs.define(eq=False)
class _Flight:
    """A check that is under way, and all who wait for it."""

    asked: Deferred[None] = attrs.Factory(Deferred)
    waiting: OrderedDict[Deferred[None], None] = attrs.Factory(OrderedDict)


@implementer(ITokenChecker)
class CachingTokenChecker:
    """
    Asks another checker, once for all who want to know the same at a time: in the name of the first.

    :param key: Random and secret; tokens are only kept as digests under it.
    :param timer: Returns the seconds since any moment; never goes back.
    """

    def __init__(
        self, checker: ITokenChecker, key: bytes, counts: CheckCounts, timer: Callable[[], float]
    ) -> None:
        self._checker = checker
        self._results = counts.results
        self._key = key
        self._flights: dict[bytes, _Flight] = {}
        # Two, so that a flood of bad tokens does not drive out the good ones.
        self._accepted: TTLCache[bytes, None] = TTLCache(MOST_ACCEPTED, ACCEPTED_SECONDS, timer)
        self._refused: TTLCache[bytes, tuple[ErrorCode, str]] = TTLCache(MOST_REFUSED, REFUSED_SECONDS, timer)

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:
        """Give the verdict that is known, or ask for one; the last who cancels ends the asking."""
        name = blake2b(f"{user_id} {token}".encode(), key=self._key, digest_size=16).digest()
        if name in self._accepted:
            self._results[REMEMBERED] += 1
            return succeed(None)
        if (refused := self._refused.get(name)) is not None:
            self._results[REMEMBERED] += 1
            return fail(Refused(*refused))
        if (flight := self._flights.get(name)) is not None:
            self._results[JOINED] += 1
            return self._join(flight)
        flight = self._flights[name] = _Flight()
        verdict = self._join(flight)
        flight.asked = self._checker.check(user_id, token, place)
        flight.asked.addBoth(partial(self._land, name, flight))
        return verdict

    def _join(self, flight: _Flight) -> Deferred[None]:
        verdict: Deferred[None] = Deferred(partial(_quit, flight))
        flight.waiting[verdict] = None
        return verdict

    def _land(self, name: bytes, flight: _Flight, verdict: Failure | None) -> None:
        del self._flights[name]
        if verdict is None:
            self._accepted[name] = None
        elif isinstance(verdict.value, Refused) and not isinstance(verdict.value, Undecided):
            # Not the exception, whose traceback knows the token.
            self._refused[name] = verdict.value.code, verdict.value.text
        # One by one: whoever is told may make another one quit.
        while flight.waiting:
            flight.waiting.popitem(last=False)[0].callback(verdict)


def _quit(flight: _Flight, verdict: Deferred[None]) -> None:
    del flight.waiting[verdict]
    if not flight.waiting:
        flight.asked.cancel()
