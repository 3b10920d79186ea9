"""The verdicts of the account API, shared and kept for a short time."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.testing import FakeTokenChecker
from presence.tokens.cache import (
    ACCEPTED_SECONDS,
    MOST_ACCEPTED,
    MOST_REFUSED,
    REFUSED_SECONDS,
    CachingTokenChecker,
)
from presence.tokens.counts import CheckCounts
from presence.tokens.verdict import Undecided
from presence.wire.errors import ErrorCode, Refused
from tests.canary import TOKEN, secret

REJECTED = Refused(ErrorCode.TOKEN_REJECTED, "rejected")
MISMATCH = Refused(ErrorCode.USER_MISMATCH, "another's")


class CacheCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an API that takes its time."""
        self.clock = Clock()
        self.api = FakeTokenChecker(waits=True)
        self.counts = CheckCounts()
        self.cache = CachingTokenChecker(self.api, b"key", self.counts, self.clock.seconds)

    def check(self, user_id: int = 7, token: str = TOKEN, place: bytes | None = None) -> Deferred[None]:
        """Begin a check."""
        return self.cache.check(user_id, token, place)

    def accept(self) -> None:
        """Let the API accept the latest token that it was asked for."""
        self.api.checks[-1].callback(None)

    def refuse(self, refusal: Refused) -> None:
        """Let the API refuse the latest token that it was asked for."""
        self.api.checks[-1].errback(refusal)

    def assert_asked(self, count: int) -> None:
        """Check how many times the API was asked."""
        self.assertEqual(len(self.api.asked), count)

    def assert_refused(self, check: Deferred[None], code: ErrorCode) -> None:
        """Check how a check ended."""
        self.assertEqual(self.failureResultOf(check, Refused).value.code, code)


class SharingTests(CacheCase):
    def test_place(self) -> None:
        """The request is made in the name of the place that asked first, also when that one leaves."""
        first, second = self.check(place=b"first"), self.check(place=b"second")
        first.addErrback(lambda _: None).cancel()
        self.accept()
        self.assertIsNone(self.successResultOf(second))
        self.assertEqual(self.api.places, [b"first"])

    def test_one_request(self) -> None:
        """Checks of the same token and user at the same time are one request with one verdict."""
        checks = [self.check() for _ in range(100)]
        self.assert_asked(1)
        self.accept()
        for check in checks:
            self.assertIsNone(self.successResultOf(check))

    def test_one_refusal(self) -> None:
        """A refusal is everybody's, and so is a check that was not decided."""
        for problem in (REJECTED, Undecided("sick")):
            checks = [self.check(token=secret(problem.code)) for _ in range(3)]
            self.refuse(problem)
            for check in checks:
                self.assert_refused(check, problem.code)

    def test_others(self) -> None:
        """Another token is another request, and so is another user with the same token."""
        checks = [self.check(7, secret("a")), self.check(7, secret("b")), self.check(8, secret("a"))]
        self.assertEqual(self.api.asked, [(7, secret("a")), (7, secret("b")), (8, secret("a"))])
        self.api.checks[0].callback(None)
        self.assertIsNone(self.successResultOf(checks[0]))
        self.assertNoResult(checks[1])
        self.assertNoResult(checks[2])

    def test_ids_and_tokens_do_not_run_together(self) -> None:
        """User 71 with one token is not user 7 with another that begins with a 1."""
        self.check(7, "1" + TOKEN)
        self.check(71, TOKEN)
        self.assert_asked(2)

    def test_one_cancels(self) -> None:
        """One who cancels changes nothing for the others."""
        first, second, third = (self.check() for _ in range(3))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.accept()
        for check in (second, third):
            self.assertIsNone(self.successResultOf(check))

    def test_last_cancels(self) -> None:
        """When the last one cancels, the request is cancelled, and whoever comes next asks anew."""
        checks = [self.check() for _ in range(3)]
        for check in checks:
            self.assertFalse(self.api.checks[0].called)
            check.cancel()
            self.failureResultOf(check, CancelledError)
        self.assertTrue(self.api.checks[0].called)
        again = self.check()
        self.assert_asked(2)
        self.accept()
        self.assertIsNone(self.successResultOf(again))

    def test_told_cancels_another(self) -> None:
        """Who is told the verdict may make another one cancel, and the rest are told all the same."""
        first, second, third = (self.check() for _ in range(3))
        first.addCallback(lambda _: second.cancel())
        self.accept()
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)
        self.assertIsNone(self.successResultOf(third))

    def test_told_asks_again(self) -> None:
        """Who is told that nothing was decided may ask again at once."""
        again: list[Deferred[None]] = []
        first, second = self.check(), self.check()
        first.addErrback(lambda _: again.append(self.check()))
        self.refuse(Undecided("sick"))
        self.assert_refused(second, ErrorCode.AUTH_UNAVAILABLE)
        self.assert_asked(2)
        self.accept()
        self.assertIsNone(self.successResultOf(again[0]))

    def test_answers_at_once(self) -> None:
        """An API that answers at once is as good."""
        self.api.waits = False
        self.assertIsNone(self.successResultOf(self.check()))


class MemoryTests(CacheCase):
    def assert_remembered(self, seconds: float) -> None:
        """Check that the verdict on the token is known for this time and not longer."""
        asked = len(self.api.asked)
        self.clock.advance(seconds - 0.1)
        self.check().addErrback(lambda _: None)
        self.assert_asked(asked)
        self.clock.advance(0.1)
        self.check()
        self.assert_asked(asked + 1)

    def test_accepted(self) -> None:
        """A good token is known as such for half a minute."""
        self.check()
        self.accept()
        self.assertIsNone(self.successResultOf(self.check()))
        self.assert_remembered(ACCEPTED_SECONDS)
        self.assertEqual(ACCEPTED_SECONDS, 30)

    def test_refused(self) -> None:
        """A refusal is known for some seconds, with its code."""
        for refusal in (REJECTED, MISMATCH):
            self.setUp()
            first = self.check()
            self.refuse(refusal)
            self.assert_refused(first, refusal.code)
            self.assert_refused(self.check(), refusal.code)
            self.assert_remembered(REFUSED_SECONDS)
        self.assertEqual(REFUSED_SECONDS, 5)

    def test_undecided(self) -> None:
        """What was not decided is asked again at once, even where it is not temporary."""
        for temporary in (True, False):
            first = self.check()
            asked = len(self.api.asked)
            self.refuse(Undecided("sick", temporary=temporary))
            self.assert_refused(first, ErrorCode.AUTH_UNAVAILABLE)
            second = self.check()
            self.assert_asked(asked + 1)
            second.cancel()
            self.failureResultOf(second, CancelledError)

    def test_fault_of_our_own(self) -> None:
        """A fault of our own is nothing to remember."""
        first = self.check()
        self.api.checks[-1].errback(ZeroDivisionError())
        self.failureResultOf(first, ZeroDivisionError)
        self.check()
        self.assert_asked(2)

    def test_cancelled(self) -> None:
        """A request that was cancelled leaves nothing to remember."""
        check = self.check()
        check.cancel()
        self.failureResultOf(check, CancelledError)
        self.check()
        self.assert_asked(2)

    def test_flood(self) -> None:
        """A flood of bad tokens does not drive out a good one."""
        self.check()
        self.accept()
        for number in range(MOST_REFUSED + 1):
            self.check(token=secret(f"bad-{number}")).addErrback(lambda _: None)
            self.refuse(REJECTED)
        asked = len(self.api.asked)
        self.assertIsNone(self.successResultOf(self.check()))
        self.assert_asked(asked)
        # The first of the bad ones had to go.
        self.check(token=secret("bad-0"))
        self.assert_asked(asked + 1)

    def test_bounded(self) -> None:
        """However many good tokens there are, a bounded number is remembered."""
        self.api.waits = False
        for number in range(MOST_ACCEPTED + 1):
            self.check(token=secret(f"{number}"))
        asked = len(self.api.asked)
        self.check(token=secret(f"{MOST_ACCEPTED}"))
        self.assert_asked(asked)
        self.check(token=secret("0"))
        self.assert_asked(asked + 1)

    def test_no_token_is_kept(self) -> None:
        """What is kept of a token is a digest that nobody can compute without the key."""
        digests = []
        for key in (b"key", b"another key"):
            cache = CachingTokenChecker(self.api, key, self.counts, self.clock.seconds)
            cache.check(7, TOKEN, None)
            (digest,) = cache._flights
            self.assertNotIn(TOKEN.encode(), digest)
            digests.append(digest)
        self.assertNotEqual(*digests)
