"""When the account API is left alone, and when it is asked again."""

from __future__ import annotations

import contextlib
from random import Random
from typing import cast

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.tokens.breaker import LATE_SECONDS, LEAST_CALLS, LONGEST_BREAK_SECONDS, Breaker
from presence.tokens.verdict import Undecided
from presence.wire.errors import ErrorCode, Refused


class BreakerCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a breaker that stays on time, but for jitter."""
        self.clock = Clock()
        self.breaker = Breaker(Random(1), self.clock.seconds)  # noqa: S311 - the same hints at each run

    def call(self, outcome: BaseException | None = None) -> None:
        """Make a call that returns, or raises what is given."""
        with self.breaker.watch():
            if outcome is not None:
                raise outcome

    def call_in_vain(self, reason: str = "the reason") -> Undecided:
        """Make a call that fails; return what its caller got."""
        with self.assertRaises(Undecided) as caught:
            self.call(Undecided(reason))
        return cast("Undecided", caught.exception)

    def open(self) -> None:
        """Let so many calls fail that the breaker opens."""
        for _ in range(LEAST_CALLS):
            self.call_in_vain()

    def assert_closed(self) -> None:
        """Check that calls go through."""
        self.breaker.refuse_if_open()

    def assert_open(self) -> float:
        """Check that no call goes through; return when clients are to come back."""
        with self.assertRaises(Undecided):
            self.breaker.refuse_if_open()
        with self.assertRaises(Undecided) as caught:
            self.call(AssertionError("the call went through"))
        return cast("float", caught.exception.after)

    def assert_probe_after(self, seconds: float) -> None:
        """Check that the next call goes through after this time, give or take a fifth."""
        self.clock.advance(seconds * 0.79)
        self.assert_open()
        self.clock.advance(seconds * 0.42)
        self.assert_closed()


class OpenTests(BreakerCase):
    def test_half(self) -> None:
        """It opens when half of enough calls of late failed."""
        for _ in range(LEAST_CALLS // 2):
            self.call()
        for _ in range(LEAST_CALLS // 2):
            self.assert_closed()
            self.call_in_vain()
        self.assert_open()

    def test_fewer_than_half(self) -> None:
        """It stays closed while fewer than half fail."""
        for _ in range(50):
            self.call()
            self.call()
            self.call_in_vain()
        self.assert_closed()

    def test_few_calls(self) -> None:
        """It does not judge by few calls."""
        for _ in range(LEAST_CALLS - 1):
            self.call_in_vain()
        self.assert_closed()
        self.call_in_vain()
        self.assert_open()

    def test_long_ago(self) -> None:
        """Calls that ended long ago count no more, whether they failed or not."""
        for _ in range(LEAST_CALLS - 1):
            self.call_in_vain()
        self.clock.advance(LATE_SECONDS)
        self.call_in_vain()
        self.assert_closed()
        for _ in range(LEAST_CALLS - 2):
            self.call()
        self.call_in_vain()
        self.assert_closed()

    def test_answers(self) -> None:
        """A flood of bad tokens does not open it, nor does an API that names nobody."""
        for problem in (
            Refused(ErrorCode.TOKEN_REJECTED, "rejected"),
            Refused(ErrorCode.USER_MISMATCH, "another's"),
            Undecided("names nobody", temporary=False, sick=False),
            Undecided("answered 400", sick=False),
        ):
            for _ in range(5 * LEAST_CALLS):
                with self.assertRaises(Refused):
                    self.call(problem)
        self.assert_closed()

    def test_nothing_said(self) -> None:
        """Cancelled calls count as nothing, neither as failed nor as answered."""
        for _ in range(5 * LEAST_CALLS):
            with self.assertRaises(CancelledError):
                self.call(CancelledError())
        for _ in range(LEAST_CALLS - 1):
            self.call_in_vain()
        self.assert_closed()
        self.call_in_vain()
        self.assert_open()

    def test_hints(self) -> None:
        """Clients are spread over some time after the next try."""
        self.open()
        hints = sorted(self.assert_open() for _ in range(1000))
        self.assertGreaterEqual(hints[0], 0.8)
        self.assertLessEqual(hints[-1], 1.2 + 10)
        middle = hints[100:-100]
        self.assertGreater(middle[-1] - middle[0], 6)
        self.assertGreater(len(set(hints)), 300)

    def test_hint_of_who_opened_it(self) -> None:
        """Whose call opens it is told to wait as well, and longer where the API says so."""
        for _ in range(LEAST_CALLS - 1):
            self.assertFalse(self.call_in_vain().after)
        self.assertGreaterEqual(cast("float", self.call_in_vain().after), 0.8)
        self.clock.advance(2)
        with self.assertRaises(Undecided) as caught:
            self.call(Undecided("429", after=60.0))
        self.assertEqual(caught.exception.after, 60)

    def test_reason(self) -> None:
        """Whose call does not go through is told why the last one failed."""
        self.open()
        with self.assertRaises(Undecided) as caught:
            self.call()
        self.assertEqual(caught.exception.reason, "not asked; before that: the reason")


class ProbeTests(BreakerCase):
    def test_one_probe(self) -> None:
        """When its time is over one call goes through, and no other until that one ended."""
        self.open()
        self.clock.advance(1.2)
        with self.breaker.watch():
            self.assert_open()
            self.clock.advance(1e6)
            self.assert_open()
        self.assert_closed()

    def test_longer_each_time(self) -> None:
        """Each probe that fails opens it for twice as long, up to half a minute."""
        self.open()
        for seconds in (1, 2, 4, 8, 16, 30, 30):
            self.assert_probe_after(seconds)
            self.call_in_vain()
        self.assertEqual(LONGEST_BREAK_SECONDS, 30)

    def test_jitter(self) -> None:
        """Of many daemons some ask again after less than a second, and some later."""
        closed = set()
        for seed in range(20):
            clock = self.clock = Clock()
            self.breaker = Breaker(Random(seed), clock.seconds)  # noqa: S311 - see setUp
            self.open()
            clock.advance(1)
            with contextlib.suppress(Undecided):
                self.breaker.refuse_if_open()
                closed.add(seed)
        self.assertTrue(4 < len(closed) < 16, closed)

    def test_probe_succeeds(self) -> None:
        """A probe that is answered closes it, and what failed before is forgotten."""
        self.open()
        self.clock.advance(1.2)
        self.call()
        for _ in range(LEAST_CALLS - 1):
            self.call_in_vain()
        self.assert_closed()
        self.call_in_vain()
        self.assert_probe_after(1)

    def test_probe_rejected(self) -> None:
        """An API that rejects the token of the probe is well."""
        self.open()
        self.clock.advance(1.2)
        with self.assertRaises(Refused):
            self.call(Refused(ErrorCode.TOKEN_REJECTED, "rejected"))
        self.assert_closed()
        self.call()
        self.assert_closed()

    def test_probe_cancelled(self) -> None:
        """A probe that is cancelled makes way for the next one."""
        self.open()
        self.clock.advance(1.2)
        for _ in range(3):
            with self.assertRaises(CancelledError):
                self.call(CancelledError())
        self.call_in_vain()
        self.assert_probe_after(2)

    def begin(self) -> contextlib.AbstractContextManager[None]:
        """Return a call that has begun."""
        call = self.breaker.watch()
        call.__enter__()
        return call

    def test_late_answer(self) -> None:
        """A call that began before it opened does not close it, however it ends."""
        answered, failed = self.begin(), self.begin()
        self.open()
        answered.__exit__(None, None, None)
        self.assert_open()
        late = Undecided("late")
        self.assertFalse(failed.__exit__(Undecided, late, None))
        self.assertGreaterEqual(cast("float", late.after), 0.8)
        self.assert_probe_after(1)

    def test_late_failure(self) -> None:
        """A call that began before it opened does not open it again."""
        call = self.begin()
        self.open()
        self.clock.advance(2)
        self.call()
        call.__exit__(Undecided, Undecided("late"), None)
        self.assert_closed()

    def test_late_end_during_a_probe(self) -> None:
        """A call that began before it opened does not end the probe of another."""
        answered, failed, cancelled = (self.begin() for _ in range(3))
        self.open()
        self.clock.advance(2)
        with self.breaker.watch():
            answered.__exit__(None, None, None)
            failed.__exit__(Undecided, Undecided("late"), None)
            cancelled.__exit__(CancelledError, CancelledError(), None)
            self.assert_open()
        self.assert_closed()

    def test_clock_set_back(self) -> None:
        """A clock that is set back by an hour keeps it open no longer than it would have been."""
        self.clock.advance(3600)
        self.open()
        self.clock.rightNow -= 3600
        self.assert_open()
        self.assert_probe_after(1)
        self.call()
        self.assert_closed()


class LogTests(BreakerCase):
    def test_log(self) -> None:
        """Opening and closing are a line each, whatever happens in between."""
        with capturedLogs() as events:
            self.open()
            for _ in range(3):
                self.clock.advance(40)
                self.call_in_vain("another reason")
                self.assert_open()
            self.clock.advance(40)
            self.call()
        opened, closed = events
        self.assertEqual((opened["log_level"], closed["log_level"]), (LogLevel.warn, LogLevel.info))
        self.assertEqual((opened["calls"], opened["failures"]), (LEAST_CALLS, LEAST_CALLS))
        self.assertEqual(opened["reason"], "the reason")
