"""
Whose an access token is.

A check goes from layer to layer, each a :class:`presence.interfaces.ITokenChecker`:

:mod:`presence.tokens.front`
    refuses what cannot be a token, and logs the checks that were not decided;
:mod:`presence.tokens.cache`
    knows the verdicts of late, and makes one request of many that ask the same;
:mod:`presence.tokens.gate`
    lets so many through at once, place by place, and none while the account API is sick;
:mod:`presence.tokens.api`
    asks the account API.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IAgent

from presence.interfaces import ITokenChecker
from presence.tokens.api import ApiTokenChecker
from presence.tokens.breaker import Breaker
from presence.tokens.cache import CachingTokenChecker
from presence.tokens.counts import CheckCounts
from presence.tokens.front import FrontTokenChecker
from presence.tokens.gate import GatedTokenChecker
from presence.tokens.places import Places
from presence.tokens.verdict import Judge

__all__ = ["Judge", "TokenChecks", "make_token_checks"]


@attrs.frozen
class TokenChecks:
    """The layers, put together, and what there is to see of them."""

    checker: ITokenChecker
    counts: CheckCounts
    breaker: Breaker
    places: Places


def make_token_checks(
    api_url: str,
    judge: Judge,
    *,
    key: bytes,
    agent: IAgent,
    random: Random,
    timer: Callable[[], float],
    clock: IReactorTime,
) -> TokenChecks:
    """
    Put the layers together.

    :param api_url: The address of the account API, without a slash at its end.
    :param key: Random and secret, new in each process; digests of tokens are made with it.
    :param agent: Makes the requests; decides which certificates are good.
    :param timer: Returns the seconds since any moment, and never goes back.
    """
    counts = CheckCounts()
    places = Places(random, clock)
    breaker = Breaker(random, timer)
    api = ApiTokenChecker(api_url, judge, agent, clock)
    gate = GatedTokenChecker(api, places, breaker, counts, timer)
    checker = FrontTokenChecker(CachingTokenChecker(gate, key, counts, timer), clock)
    return TokenChecks(checker, counts, breaker, places)
