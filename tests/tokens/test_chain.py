"""All layers of a check, put together."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import NOT_DONE_YET, Request

from presence.tokens import Judge, make_token_checks
from presence.tokens.breaker import LEAST_CALLS
from presence.tokens.places import MOST_AT_ONCE
from presence.tokens.verdict import Undecided
from presence.wire.errors import ErrorCode, Refused
from tests.canary import TOKEN, secret
from tests.tokens.test_api import Me


class ChainTests(SynchronousTestCase):
    def have(self, answer: Callable[[Request], Any]) -> None:
        """Have an account API that answers so."""
        self.me = Me(answer)
        self.agent = RequestTraversalAgent(self.me)
        clock = Clock()
        self.checker = make_token_checks(
            "http://api.example",
            Judge(),
            key=b"key",
            agent=self.agent,
            random=Random(1),  # noqa: S311 - the same at each run
            timer=clock.seconds,
            clock=clock,
        ).checker

    def check(self, token: str, place: bytes | None = None) -> Deferred[None]:
        """Check a token of user 7."""
        checked = self.checker.check(7, token, place)
        self.agent.flush()
        return checked

    def finish(self, request: Request, code: int) -> None:
        """Answer a request that has been waiting, as if its token were of user 7."""
        request.setResponseCode(code)
        request.write(b'{"id":7}')
        request.finish()
        self.agent.flush()

    def test_order(self) -> None:
        """An API that is left alone changes nothing for tokens that it need not be asked about."""

        def answer(request: Request) -> bytes:
            if request.getHeader("authorization") != f"Bearer {TOKEN}":
                request.setResponseCode(500)
            return b'{"id":7}'

        self.have(answer)
        self.assertIsNone(self.successResultOf(self.check(TOKEN)))
        for number in range(LEAST_CALLS):
            self.failureResultOf(self.check(secret(f"{number}")), Undecided)
        asked = len(self.me.asked)
        self.failureResultOf(self.check(secret("more")), Undecided)
        self.assertIsNone(self.successResultOf(self.check(TOKEN)))
        shapeless = self.failureResultOf(self.check(""), Refused).value
        self.assertEqual(shapeless.code, ErrorCode.TOKEN_REJECTED)
        self.assertEqual(len(self.me.asked), asked)

    def test_flood(self) -> None:
        """Bad tokens from one place, however many, keep nobody from elsewhere waiting for more than one."""
        self.have(lambda _: NOT_DONE_YET)
        for number in range(MOST_AT_ONCE + 1000):
            self.check(secret(f"{number}"), b"flood").addErrback(lambda _: None)
        honest = self.check(TOKEN, b"elsewhere")
        self.finish(self.me.asked[0], 401)
        self.finish(self.me.asked[1], 401)
        self.finish(self.me.asked[-1], 200)
        self.assertIsNone(self.successResultOf(honest))
