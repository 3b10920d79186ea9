"""
Asks the platform's account API whose a token is: ``GET {api-url}/users/me``.

treq as it comes follows redirects (a 302 to a login page would end as 200), keeps one
cookie jar for all requests of a client (one user's cookie would go out with another
user's token), decodes what is encoded, and its timeout ends when the headers arrive. Hence:
no redirects, a client per request, no encodings, one deadline over everything, and a body of
bounded size.
"""

from __future__ import annotations

from typing import Any, cast

from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent
from zope.interface import implementer

from presence.host.answers import read_body
from presence.host.deadline import add_deadline
from presence.host.reasons import describe
from presence.interfaces import ITokenChecker
from presence.tokens.answer import PlainAgent
from presence.tokens.verdict import Judge, Undecided
from presence.wire.errors import Refused

DEADLINE_SECONDS = 5.0
"""How long a request may take, from the connection to the end of the body."""

_REMEDY = "see --api-ca"


@implementer(ITokenChecker)
class ApiTokenChecker:
    """
    Checks tokens of a good shape at the account API, by one request for each.

    :param api_url: The address of the API, without a slash at its end.
    :param agent: Makes the requests; decides which certificates are good.
    """

    def __init__(self, api_url: str, judge: Judge, agent: IAgent, clock: IReactorTime) -> None:
        self._url = f"{api_url}/users/me"
        self._judge = judge
        self._agent = PlainAgent(agent)
        self._clock = clock

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:  # noqa: ARG002 - ITokenChecker's
        """Fire with None when the account API says that the token is the user's."""
        asked = Deferred.fromCoroutine(self._ask(user_id, token))
        add_deadline(asked, DEADLINE_SECONDS, _too_late, self._clock)
        return _answer(asked.addErrback(_undecided))

    async def _ask(self, user_id: int, token: str) -> None:
        response = await HTTPClient(self._agent).get(
            self._url,
            headers=Headers({"Authorization": [f"Bearer {token}"], "Accept": ["application/json"]}),
            allow_redirects=False,
            unbuffered=True,
            # Not used without a timeout; but None would fetch the global reactor.
            reactor=cast("Any", self._clock),
        )
        body = await read_body(response)
        retry_after = response.headers.getRawHeaders(b"Retry-After", [b""])[0]
        self._judge.judge(response.code, body, user_id, retry_after)


def _answer(asked: Deferred[None]) -> Deferred[None]:
    """Return the same, but cancelled it fails as such: a request that is cancelled fails in many ways."""
    cancelled = False

    def cancel(_: Deferred[None]) -> None:
        nonlocal cancelled
        cancelled = True
        asked.cancel()

    def end(result: Failure | None) -> None:
        if not cancelled:
            verdict.callback(result)

    verdict: Deferred[None] = Deferred(cancel)
    asked.addBoth(end)
    return verdict


def _too_late(time: str) -> Undecided:
    return Undecided(f"no answer {time}")


def _undecided(failure: Failure) -> Failure:
    if failure.check(Refused):
        return failure
    return Failure(Undecided(describe(failure.value, _REMEDY)))
