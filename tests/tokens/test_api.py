"""One request to the account API, and nothing but a whole answer decides."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived
from twisted.web.iweb import IAgent
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from presence.host.answers import LARGEST_BODY
from presence.tokens.api import DEADLINE_SECONDS, ApiTokenChecker
from presence.tokens.verdict import Judge, Undecided
from presence.wire.errors import ErrorCode, Refused
from tests.canary import TOKEN
from tests.clocks import pass_time


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


@implementer(IAgent)
class ConnectingAgent:
    """An agent that connects until it is cancelled, and says something else then."""

    def request(self, *_: object) -> Deferred[Any]:
        """Connect."""
        return Deferred(lambda asked: asked.errback(Refusal("cancelled")))


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a clock."""
        self.clock = Clock()

    def make_checker(self, agent: IAgent) -> ApiTokenChecker:
        """Return a checker of an API behind an agent."""
        return ApiTokenChecker("http://api.example/v1", Judge(), agent, self.clock)

    def check(self, answer: Callable[[Request], Any]) -> Deferred[None]:
        """Check a token of user 7 at an API that answers so."""
        self.me = Me(answer)
        self.agent = RequestTraversalAgent(self.me)
        checked = self.make_checker(self.agent).check(7, TOKEN, None)
        self.agent.flush()
        return checked

    def assert_undecided(self, checked: Deferred[None], *, temporary: bool = True) -> Undecided:
        """Check that nothing was decided, and that no timer is left."""
        refused: Undecided = self.failureResultOf(checked, Undecided).value
        self.assertEqual((refused.code, refused.temporary), (ErrorCode.AUTH_UNAVAILABLE, temporary))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return refused

    def assert_dropped(self) -> None:
        """Check that the connection of the request is gone."""
        self.agent.flush()
        self.assertTrue(self.me.asked[0]._disconnected)

    def test_accepted(self) -> None:
        """The API is asked with the token, and no timer is left."""
        self.assertIsNone(self.successResultOf(self.check(lambda _: b'{"id":7}')))
        (request,) = self.me.asked
        self.assertEqual(request.uri, b"/v1/users/me")
        self.assertEqual(request.getHeader("authorization"), f"Bearer {TOKEN}")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_rejected(self) -> None:
        """A token that the API rejects is rejected."""

        def forbid(request: Request) -> bytes:
            request.setResponseCode(403)
            return b""

        refused = self.failureResultOf(self.check(forbid), Refused).value
        self.assertEqual(refused.code, ErrorCode.TOKEN_REJECTED)

    def test_nobody(self) -> None:
        """An API that names nobody is not worth asking again."""
        self.assert_undecided(self.check(lambda _: b"{}"), temporary=False)

    def test_patience(self) -> None:
        """An API that says when to come back is believed."""

        def overloaded(request: Request) -> bytes:
            request.setResponseCode(503)
            request.setHeader("Retry-After", "17")
            return b""

        self.assertEqual(self.assert_undecided(self.check(overloaded)).after, 17)

    def test_redirect(self) -> None:
        """A redirect, to a login page perhaps, is not followed and decides nothing."""

        def redirect(request: Request) -> bytes:
            request.redirect(b"http://api.example/login")
            return b'{"id":7}'

        self.assert_undecided(self.check(redirect))
        self.assertEqual(len(self.me.asked), 1)

    def test_no_cookies(self) -> None:
        """A cookie that came with one user's answer does not go out with another's token."""

        def set_cookie(request: Request) -> bytes:
            request.addCookie("session", "7")
            return b'{"id":7}'

        me = Me(set_cookie)
        agent = RequestTraversalAgent(me)
        checker = self.make_checker(agent)
        for _ in range(2):
            checker.check(7, TOKEN, None)
            agent.flush()
        self.assertIsNone(me.asked[1].getHeader("cookie"))

    def test_no_encodings(self) -> None:
        """The API is asked not to encode its answer."""
        self.check(lambda _: b'{"id":7}')
        (encodings,) = self.me.asked[0].requestHeaders.getRawHeaders(b"Accept-Encoding", [])
        self.assertEqual(encodings, b"identity")

    def test_encoded(self) -> None:
        """An answer that is encoded all the same decides nothing, and is not decoded."""

        def encode(request: Request) -> bytes:
            request.setHeader("Content-Encoding", "gzip")
            return gzip.compress(b'{"id":7}')

        self.assertIn("encoded", self.assert_undecided(self.check(encode)).reason)

    def test_endless_encoded(self) -> None:
        """The connection of an encoded answer is dropped, however much is still to come."""

        def encode(request: Request) -> int:
            request.setHeader("Content-Encoding", "br")
            request.write(b"x")
            return NOT_DONE_YET

        self.assert_undecided(self.check(encode))
        self.assert_dropped()

    def test_hang(self) -> None:
        """An API that does not answer decides nothing, after the deadline."""
        checked = self.check(lambda _: NOT_DONE_YET)
        pass_time(self.clock, DEADLINE_SECONDS - 0.1)
        self.assertNoResult(checked)
        self.clock.advance(0.1)
        self.assert_undecided(checked)
        self.assert_dropped()

    def test_busy(self) -> None:
        """An answer that came while this process was too busy to look, or stopped, is not late."""
        checked = self.check(lambda _: NOT_DONE_YET)
        self.clock.advance(3600)
        self.me.asked[0].write(b'{"id":7}')
        self.me.asked[0].finish()
        self.agent.flush()
        self.assertIsNone(self.successResultOf(checked))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_drip(self) -> None:
        """A body that drips ends at the same deadline, and its connection is dropped."""

        def drip(request: Request) -> int:
            request.write(b'{"id":')
            return NOT_DONE_YET

        checked = self.check(drip)
        pass_time(self.clock, DEADLINE_SECONDS)
        self.assert_undecided(checked)
        self.assert_dropped()

    def test_large_body(self) -> None:
        """A body that is too large decides nothing."""
        largest = b'{"id":7}'.ljust(LARGEST_BODY)
        self.assertIsNone(self.successResultOf(self.check(lambda _: largest)))
        self.assert_undecided(self.check(lambda _: largest + b" "))

    def test_endless_body(self) -> None:
        """The connection of a body that is too large is dropped at once, and nothing of it is kept."""

        def flood(request: Request) -> int:
            for _ in range(3):
                request.write(b" " * LARGEST_BODY)
            return NOT_DONE_YET

        self.assert_undecided(self.check(flood))
        self.assert_dropped()

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

        self.assert_undecided(self.check(answer))

    def test_unreachable(self) -> None:
        """An API that cannot be reached decides nothing; the reason is not for clients."""
        problem = ResponseNeverReceived([Failure(Refusal("reason-for-the-log"))])
        undecided = self.assert_undecided(self.make_checker(BrokenAgent(problem)).check(7, TOKEN, None))
        self.assertIn("reason-for-the-log", undecided.reason)
        self.assertNotIn("reason-for-the-log", undecided.text)
        self.assertIs(undecided.after, UNSET)

    def test_cancelled(self) -> None:
        """A check that is cancelled ends as such, and its connection is dropped."""
        checked = self.check(lambda _: NOT_DONE_YET)
        checked.cancel()
        self.failureResultOf(checked, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assert_dropped()

    def test_cancelled_while_connecting(self) -> None:
        """A request that is cancelled while it connects ends as such too, whatever it says."""
        checked = self.make_checker(ConnectingAgent()).check(7, TOKEN, None)
        checked.cancel()
        self.failureResultOf(checked, CancelledError)

    def test_too_late_to_connect(self) -> None:
        """The time it takes to connect counts."""
        checked = self.make_checker(ConnectingAgent()).check(7, TOKEN, None)
        pass_time(self.clock, DEADLINE_SECONDS)
        self.assertIn("5 s", self.assert_undecided(checked).reason)
