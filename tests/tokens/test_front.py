"""What comes first in a check and what comes last."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.logs import SUMMARY_SECONDS
from presence.testing import FakeTokenChecker
from presence.tokens.front import FrontTokenChecker
from presence.tokens.verdict import Undecided
from presence.wire.errors import ErrorCode, Refused
from tests.canary import TOKEN

PLACE = bytes([192, 0, 2, 1])


class FrontTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an API that takes its time."""
        self.clock = Clock()
        self.api = FakeTokenChecker(waits=True)
        self.front = FrontTokenChecker(self.api, self.clock)

    def fail_checks(self, *reasons: str) -> None:
        """Let checks end undecided, for these reasons."""
        for reason in reasons:
            checked = self.front.check(7, TOKEN, PLACE)
            self.api.checks.pop().errback(Undecided(reason))
            self.failureResultOf(checked, Undecided)

    def test_shape(self) -> None:
        """What cannot be a token is rejected, and nobody is asked."""
        refused = self.failureResultOf(self.front.check(7, f"{TOKEN} {TOKEN}", PLACE), Refused).value
        self.assertEqual(refused.code, ErrorCode.TOKEN_REJECTED)
        self.assertEqual(self.api.asked, [])

    def test_token(self) -> None:
        """Anything else is asked for, in the name of the place that it came from."""
        checked = self.front.check(7, TOKEN, PLACE)
        self.assertEqual((self.api.asked, self.api.places), ([(7, TOKEN)], [PLACE]))
        self.assertNoResult(checked)
        self.api.checks[0].callback(None)
        self.assertIsNone(self.successResultOf(checked))

    def test_summary(self) -> None:
        """However many checks are undecided, one line in a while counts them and has the latest reason."""
        with capturedLogs() as events:
            self.fail_checks("first", *["more"] * 98, "last of them")
            self.clock.advance(SUMMARY_SECONDS - 0.1)
            self.fail_checks("still silent")
            self.clock.advance(0.1)
            self.fail_checks("latest")
        told = [(event["count"], event["reason"]) for event in events]
        self.assertEqual(told, [(1, "first"), (101, "latest")])

    def test_decided(self) -> None:
        """A refusal is no line, nor is a check that was cancelled."""
        with capturedLogs() as events:
            refused, cancelled = self.front.check(7, TOKEN, PLACE), self.front.check(7, TOKEN, PLACE)
            self.api.checks[0].errback(Refused(ErrorCode.TOKEN_REJECTED, "rejected"))
            cancelled.cancel()
        self.failureResultOf(refused, Refused)
        self.failureResultOf(cancelled, CancelledError)
        self.assertEqual(events, [])
