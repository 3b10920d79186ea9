"""How many checks reach the account API, and none while it is sick."""

from __future__ import annotations

from random import Random

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.testing import FakeTokenChecker
from presence.tokens.breaker import LEAST_CALLS, Breaker
from presence.tokens.counts import CheckCounts
from presence.tokens.gate import GatedTokenChecker
from presence.tokens.places import MOST_AT_ONCE, PATIENCE_SECONDS, Places
from presence.tokens.verdict import Undecided
from tests.canary import TOKEN
from tests.clocks import pass_time


class GateTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an API that takes its time."""
        self.clock = Clock()
        self.api = FakeTokenChecker(waits=True)
        random = Random(1)  # noqa: S311 - the same hints at each run
        self.counts = CheckCounts()
        self.gate = GatedTokenChecker(
            self.api,
            Places(random, self.clock),
            Breaker(random, self.clock.seconds),
            self.counts,
            self.clock.seconds,
        )
        self.checks: list[Deferred[None]] = []

    def tearDown(self) -> None:
        """Give everything up; no timer is left then."""
        for check in self.checks:
            check.addErrback(lambda _: None).cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def check(self, count: int, place: bytes | None = None) -> list[Deferred[None]]:
        """Begin so many checks."""
        checks = [self.gate.check(7, TOKEN, place) for _ in range(count)]
        self.checks += checks
        return checks

    def cancel(self, check: Deferred[None]) -> None:
        """Cancel a check."""
        check.cancel()
        self.failureResultOf(check, CancelledError)

    def assert_asked(self, count: int) -> None:
        """Check how many requests have gone out."""
        self.assertEqual(len(self.api.asked), count)

    def sicken(self) -> list[Deferred[None]]:
        """Let enough requests fail, with more checks waiting; return those that waited to the end."""
        checks = self.check(MOST_AT_ONCE + 2 * LEAST_CALLS)
        for asked in self.api.checks[:LEAST_CALLS]:
            asked.errback(Undecided("sick"))
        return checks[MOST_AT_ONCE + LEAST_CALLS - 1 :]

    def test_verdict(self) -> None:
        """A verdict passes as it is."""
        accepted, failed = self.check(2)
        self.api.checks[0].callback(None)
        self.api.checks[1].errback(Undecided("sick"))
        self.assertIsNone(self.successResultOf(accepted))
        self.assertEqual(self.failureResultOf(failed, Undecided).value.reason, "sick")

    def test_most_at_once(self) -> None:
        """So many requests are under way at once; the next one goes when one of them ends."""
        self.check(MOST_AT_ONCE + 3)
        self.assert_asked(MOST_AT_ONCE)
        self.api.checks[0].callback(None)
        self.assert_asked(MOST_AT_ONCE + 1)
        self.api.checks[1].errback(Undecided("sick"))
        self.assert_asked(MOST_AT_ONCE + 2)

    def test_places(self) -> None:
        """Places take turns, and the next layer is told whose turn it is."""
        here, there = b"here", b"there"
        self.check(MOST_AT_ONCE + 2, here)
        self.check(1, there)
        for number in range(3):
            self.api.checks[number].callback(None)
        self.assertEqual(self.api.places, [here] * MOST_AT_ONCE + [here, there, here])

    def test_cancelled(self) -> None:
        """A check that is cancelled keeps its place until the API has answered, for that works on it."""
        first, *_ = self.check(MOST_AT_ONCE + 1)
        self.cancel(first)
        self.assertFalse(self.api.checks[0].called)
        self.assert_asked(MOST_AT_ONCE)
        self.api.checks[0].callback(None)
        self.assert_asked(MOST_AT_ONCE + 1)

    def test_cancelled_in_the_queue(self) -> None:
        """A check that is cancelled while it waits never becomes a request."""
        *_, last = self.check(MOST_AT_ONCE + 1)
        self.cancel(last)
        self.api.checks[0].callback(None)
        self.assert_asked(MOST_AT_ONCE)

    def test_open(self) -> None:
        """While the API is left alone a check fails at once, and nobody is asked."""
        self.sicken()
        asked = len(self.api.asked)
        (check,) = self.check(1)
        self.failureResultOf(check, Undecided)
        self.assert_asked(asked)

    def test_open_and_crowded(self) -> None:
        """It does so too while a probe is under way and all other places are taken."""
        self.check(MOST_AT_ONCE - 1)
        for _ in range(LEAST_CALLS):
            self.check(1)
            self.api.checks[-1].errback(Undecided("sick"))
        self.clock.advance(2)
        probe, check = self.check(2)
        self.assertNoResult(probe)
        self.failureResultOf(check, Undecided)

    def test_queue_while_open(self) -> None:
        """Those who still wait when the API is found sick do not ask it any more."""
        for check in self.sicken():
            self.failureResultOf(check, Undecided)
        self.assert_asked(MOST_AT_ONCE + LEAST_CALLS - 1)

    def test_waiting_is_no_failure(self) -> None:
        """Those who found no place in time say nothing about the API."""
        checks = self.check(MOST_AT_ONCE + LEAST_CALLS)
        pass_time(self.clock, PATIENCE_SECONDS)
        for check in checks[MOST_AT_ONCE:]:
            self.failureResultOf(check, Undecided)
        self.api.checks[0].callback(None)
        self.check(1)
        self.assert_asked(MOST_AT_ONCE + 1)

    def test_probe_cancelled(self) -> None:
        """A probe whose client leaves goes on, and is what the next ones are judged by."""
        self.sicken()
        self.clock.advance(2)
        (probe,) = self.check(1)
        self.cancel(probe)
        (check,) = self.check(1)
        self.failureResultOf(check, Undecided)
        self.api.checks[-1].callback(None)
        (check,) = self.check(1)
        self.api.checks[-1].callback(None)
        self.assertIsNone(self.successResultOf(check))
