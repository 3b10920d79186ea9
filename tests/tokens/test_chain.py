"""All layers of a check, put together."""

from __future__ import annotations

from random import Random
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.tokens import Judge, make_token_checker
from presence.tokens.breaker import LEAST_CALLS
from presence.tokens.verdict import Undecided
from presence.wire.errors import ErrorCode, Refused
from tests.canary import TOKEN, secret
from tests.tokens.test_api import Me


class ChainTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an API that accepts the token of user 7, and fails for all others."""

        def answer(request: Any) -> bytes:  # noqa: ANN401
            if request.getHeader("authorization") != f"Bearer {TOKEN}":
                request.setResponseCode(500)
            return b'{"id":7}'

        self.me = Me(answer)
        self.agent = RequestTraversalAgent(self.me)
        clock = Clock()
        self.checker = make_token_checker(
            "http://api.example",
            Judge(),
            key=b"key",
            agent=self.agent,
            random=Random(1),  # noqa: S311 - the same at each run
            timer=clock.seconds,
            clock=clock,
        )

    def check(self, token: str) -> Deferred[None]:
        """Check a token of user 7."""
        checked = self.checker.check(7, token)
        self.agent.flush()
        return checked

    def test_order(self) -> None:
        """An API that is left alone changes nothing for tokens that it need not be asked about."""
        self.assertIsNone(self.successResultOf(self.check(TOKEN)))
        for number in range(LEAST_CALLS):
            self.failureResultOf(self.check(secret(f"{number}")), Undecided)
        asked = len(self.me.asked)
        self.failureResultOf(self.check(secret("more")), Undecided)
        self.assertIsNone(self.successResultOf(self.check(TOKEN)))
        shapeless = self.failureResultOf(self.check(""), Refused).value
        self.assertEqual(shapeless.code, ErrorCode.TOKEN_REJECTED)
        self.assertEqual(len(self.me.asked), asked)
