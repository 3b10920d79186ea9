"""The daemon asks the account API, and nothing but an answer decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived
from twisted.web.iweb import IAgent
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from presence.tokens.api import DEADLINE_SECONDS, LARGEST_BODY, MOST_AT_ONCE, ApiTokenChecker
from presence.tokens.verdict import Judge
from presence.wire.errors import ErrorCode, Refused


class Me(Resource):
    """``/users/me`` of an account API that does what the test says."""

    isLeaf = True

    def __init__(self, answer: Callable[[Request], Any]) -> None:
        super().__init__()
        self.asked: list[Request] = []
        self._answer = answer

    def render_GET(self, request: Request) -> Any:  # noqa: ANN401
        """Answer as told."""
        self.asked.append(request)
        return self._answer(request)


@implementer(IAgent)
class BrokenAgent:
    """An agent whose requests fail."""

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    def request(self, *_: object) -> Deferred[Any]:
        """Fail."""
        return fail(self._problem)


class CheckTests(SynchronousTestCase):
    def make_checker(self, answer: Callable[[Request], Any]) -> ApiTokenChecker:
        """Return a checker of an API that answers so."""
        self.clock = Clock()
        self.me = Me(answer)
        self.agent = RequestTraversalAgent(self.me)
        return ApiTokenChecker(self.agent, self.clock, "http://api.example/v1", Judge())

    def check(self, answer: Callable[[Request], Any], token: str = "good") -> Deferred[None]:
        """Check a token of user 7 at an API that answers so."""
        checked = self.make_checker(answer).check(7, token)
        self.agent.flush()
        return checked

    def assert_unavailable(self, checked: Deferred[None], *, temporary: bool = True) -> None:
        """Check that nothing was decided, and that no timer is left."""
        refused = self.failureResultOf(checked, Refused).value
        self.assertEqual((refused.code, refused.temporary), (ErrorCode.AUTH_UNAVAILABLE, temporary))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_accepted(self) -> None:
        """The API is asked with the token, and no timer is left."""
        self.assertIsNone(self.successResultOf(self.check(lambda _: b'{"id":7}')))
        (request,) = self.me.asked
        self.assertEqual(request.uri, b"/v1/users/me")
        self.assertEqual(request.getHeader("authorization"), "Bearer good")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_rejected(self) -> None:
        """A token that the API rejects is rejected."""

        def forbid(request: Request) -> bytes:
            request.setResponseCode(403)
            return b""

        refused = self.failureResultOf(self.check(forbid), Refused).value
        self.assertEqual(refused.code, ErrorCode.TOKEN_REJECTED)

    def test_no_token(self) -> None:
        """What cannot be a token is rejected without asking."""
        refused = self.failureResultOf(self.check(lambda _: b"", "a b"), Refused).value
        self.assertEqual(refused.code, ErrorCode.TOKEN_REJECTED)
        self.assertEqual(self.me.asked, [])

    def test_nobody(self) -> None:
        """An API that names nobody is not worth asking again."""
        self.assert_unavailable(self.check(lambda _: b"{}"), temporary=False)

    def test_redirect(self) -> None:
        """A redirect, to a login page perhaps, is not followed and decides nothing."""

        def redirect(request: Request) -> bytes:
            request.redirect(b"http://api.example/login")
            return b'{"id":7}'

        self.assert_unavailable(self.check(redirect))
        self.assertEqual(len(self.me.asked), 1)

    def test_no_cookies(self) -> None:
        """A cookie that came with one user's answer does not go out with another's token."""

        def set_cookie(request: Request) -> bytes:
            request.addCookie("session", "7")
            return b'{"id":7}'

        checker = self.make_checker(set_cookie)
        for _ in range(2):
            checker.check(7, "good")
            self.agent.flush()
        self.assertIsNone(self.me.asked[1].getHeader("cookie"))

    def test_hang(self) -> None:
        """An API that does not answer decides nothing, after the deadline."""
        checked = self.check(lambda _: NOT_DONE_YET)
        self.clock.advance(DEADLINE_SECONDS - 0.1)
        self.assertNoResult(checked)
        self.clock.advance(0.1)
        self.assert_unavailable(checked)

    def test_drip(self) -> None:
        """A body that drips ends at the same deadline, and its connection is dropped."""

        def drip(request: Request) -> int:
            request.write(b'{"id":')
            return NOT_DONE_YET

        checked = self.check(drip)
        self.clock.advance(DEADLINE_SECONDS)
        self.assert_unavailable(checked)
        self.agent.flush()
        self.assertTrue(self.me.asked[0]._disconnected)

    def test_large_body(self) -> None:
        """A body that is too large decides nothing."""
        self.assert_unavailable(self.check(lambda _: b'{"id":7}' + b" " * LARGEST_BODY))

    def test_body_without_length(self) -> None:
        """A body that ends with its connection is whole."""

        def answer(request: Request) -> int:
            request.clientproto = b"HTTP/1.0"  # so without chunks
            request.write(b'{"id":7}')
            request.finish()
            return NOT_DONE_YET

        self.assertIsNone(self.successResultOf(self.check(answer)))

    def test_broken_body(self) -> None:
        """A body whose connection breaks decides nothing."""

        def answer(request: Request) -> int:
            request.setHeader("content-length", "100")
            request.write(b'{"id":7}')
            request.loseConnection()
            return NOT_DONE_YET

        self.assert_unavailable(self.check(answer))

    def test_unreachable(self) -> None:
        """An API that cannot be reached decides nothing; the reason is in the log alone."""
        self.clock = Clock()
        problem = ResponseNeverReceived([Failure(Refusal("reason-for-the-log"))])
        checker = ApiTokenChecker(BrokenAgent(problem), self.clock, "http://api.example", Judge())
        with capturedLogs() as events:
            checked = checker.check(7, "canary")
        self.assertNotIn("reason-for-the-log", self.failureResultOf(checked, Refused).value.text)
        (event,) = events
        self.assertIn("reason-for-the-log", event["reason"])
        self.assertNotIn("canary", repr(event))

    def test_cancelled(self) -> None:
        """A check that is cancelled ends as cancelled, and is no fault of the API."""
        with capturedLogs() as events:
            checked = self.check(lambda _: NOT_DONE_YET)
            checked.cancel()
        self.failureResultOf(checked, CancelledError)
        self.assertEqual(events, [])

    def test_cancelled_while_connecting(self) -> None:
        """A request that is cancelled while it connects ends as cancelled too, whatever it says."""

        @implementer(IAgent)
        class Connecting:
            def request(self, *_: object) -> Deferred[Any]:
                return Deferred(lambda asked: asked.errback(Refusal("cancelled")))

        checker = ApiTokenChecker(Connecting(), Clock(), "http://api.example", Judge())
        with capturedLogs() as events:
            checked = checker.check(7, "good")
            checked.cancel()
        self.failureResultOf(checked, CancelledError)
        self.assertEqual(events, [])

    def test_cancelled_gives_its_place(self) -> None:
        """A check that is cancelled ends its request, and the next one has its place at once."""
        checker = self.make_checker(lambda _: NOT_DONE_YET)
        checks = [checker.check(7, "good") for _ in range(MOST_AT_ONCE + 1)]
        checks[0].cancel()
        self.agent.flush()
        self.assertEqual(len(self.me.asked), MOST_AT_ONCE + 1)
        for check in checks:
            check.cancel()
            self.failureResultOf(check, CancelledError)

    def test_most_at_once(self) -> None:
        """So many requests are under way at once; the next one goes when one of them ends."""
        checker = self.make_checker(lambda _: NOT_DONE_YET)
        checks = [checker.check(7, "good") for _ in range(MOST_AT_ONCE + 1)]
        self.agent.flush()
        self.assertEqual(len(self.me.asked), MOST_AT_ONCE)
        self.me.asked[0].write(b'{"id":7}')
        self.me.asked[0].finish()
        self.agent.flush()
        self.assertIsNone(self.successResultOf(checks[0]))
        self.assertEqual(len(self.me.asked), MOST_AT_ONCE + 1)
        for check in checks[1:]:
            check.cancel()
            self.failureResultOf(check, CancelledError)
