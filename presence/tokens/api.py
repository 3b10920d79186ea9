"""
Asks the platform's account API whose a token is: ``GET {api-url}/users/me``.

treq as it comes follows redirects (a 302 to a login page would end as 200), keeps one
cookie jar for all requests of a client (one user's cookie would go out with another
user's token), and its timeout ends when the headers arrive. Hence: no redirects, a
client per request, one deadline over everything, and a body of bounded size.
"""

from __future__ import annotations

from typing import Any, NoReturn, cast

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent
from zope.interface import implementer

from presence.interfaces import ITokenChecker
from presence.logs import logger
from presence.tokens.verdict import Judge, Undecided, check_shape
from presence.wire.errors import ErrorCode, Refused

DEADLINE_SECONDS = 5.0
"""How long a check may take, from the wait for a free place to the end of the body."""

MOST_AT_ONCE = 32
"""How many requests are under way at once; each has a connection of its own."""

LARGEST_BODY = 64 * 1024

_log = logger(__name__)


@implementer(ITokenChecker)
class ApiTokenChecker:
    """
    Checks tokens at the account API.

    :param agent: Makes the requests; decides which certificates are good.
    :param api_url: The address of the API, without a slash at its end.
    """

    def __init__(self, agent: IAgent, clock: IReactorTime, api_url: str, judge: Judge) -> None:
        self._agent = agent
        self._clock = clock
        self._url = f"{api_url}/users/me"
        self._judge = judge
        self._places = DeferredSemaphore(MOST_AT_ONCE)

    def check(self, user_id: int, token: str) -> Deferred[None]:
        """Fire with None when the account API says that the token is the user's."""
        asked = Deferred.fromCoroutine(self._check(user_id, token))

        def cancel(verdict: Deferred[None]) -> None:
            # A request that is cancelled fails in many ways; whoever cancels gets this one.
            verdict.errback(CancelledError())
            asked.cancel()

        def answer(result: Failure | None) -> None:
            if not verdict.called:
                verdict.callback(result)

        verdict: Deferred[None] = Deferred(cancel)
        asked.addBoth(answer)
        return verdict.addErrback(_tell)

    async def _check(self, user_id: int, token: str) -> None:
        check_shape(token)
        asked = self._places.run(lambda: Deferred.fromCoroutine(self._ask(user_id, token)))
        await asked.addTimeout(DEADLINE_SECONDS, self._clock, onTimeoutCancel=_too_late)

    async def _ask(self, user_id: int, token: str) -> None:
        response = await HTTPClient(self._agent).get(
            self._url,
            headers=Headers({"Authorization": [f"Bearer {token}"], "Accept": ["application/json"]}),
            allow_redirects=False,
            unbuffered=True,
            # Not used without a timeout; but None would fetch the global reactor.
            reactor=cast("Any", self._clock),
        )
        body = _Body()
        response.deliverBody(body)
        self._judge.judge(response.code, await body.whole, user_id)


class _Body(Protocol):
    """
    Collects a body of bounded size.

    ``treq.content`` cannot be cancelled: a body that drips would run on after it.

    :ivar whole: Fires with the body; cancelling it drops the connection.
    """

    transport: ITransport

    def __init__(self) -> None:
        self.whole: Deferred[bytes] = Deferred(lambda _: self._drop())
        self._bytes = bytearray()

    def dataReceived(self, data: bytes) -> None:
        """Keep what comes, up to the limit."""
        self._bytes.extend(data)
        if len(self._bytes) > LARGEST_BODY and not self.whole.called:
            self.whole.errback(Undecided(f"the account API answered with more than {LARGEST_BODY} bytes"))
            self._drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End; without a length or chunks, the end of the connection is the end of the body."""
        if self.whole.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(bytes(self._bytes))
        else:
            self.whole.errback(reason)

    def _drop(self) -> None:
        self.transport.loseConnection()


def _too_late(_result: object, timeout_seconds: float) -> NoReturn:
    raise Undecided(f"no answer within {timeout_seconds:g} s")


def _cause(problem: BaseException | None) -> BaseException | None:
    # A request whose connection broke fails with the list of what broke it.
    reasons = getattr(problem, "reasons", None)
    return _cause(reasons[0].value) if reasons else problem


def _tell(failure: Failure) -> NoReturn:
    """Raise what the client is told; why nothing was decided is for the log alone."""
    if failure.check(Refused, CancelledError):
        failure.raiseException()
    problem = _cause(failure.value)
    temporary = problem.temporary if isinstance(problem, Undecided) else True
    reason = str(problem) if isinstance(problem, Undecided) else f"{type(problem).__name__}: {problem}"
    _log.warn("token check undecided: {reason}", reason=reason)
    text = "the account API did not decide whether the token is good"
    raise Refused(ErrorCode.AUTH_UNAVAILABLE, text, temporary=temporary)
