"""Limits are counted, and said to be exceeded now and then."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.admission.limits import Limit, Limits
from presence.admission.pace import Pace
from presence.options import Options


class LimitsTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make the limits of a daemon."""
        self.clock = Clock()
        self.limits = Limits(self.clock)

    def exceed(self, times: int, limit: Limit = Limit.REQUESTS) -> list[tuple[str, int]]:
        """Exceed a limit so many times; return what was logged of it."""
        with capturedLogs() as events:
            for _ in range(times):
                self.limits.exceed(limit, "192.0.2.1")
        return [(event["limit"], event["times"]) for event in events]

    def test_summed_up(self) -> None:
        """What is exceeded many times is counted each time, and logged each ten seconds at most."""
        self.assertEqual(self.exceed(100), [("--request-rate", 1)])
        self.clock.advance(10)
        self.assertEqual(self.exceed(100), [("--request-rate", 100)])
        self.assertEqual(self.limits.exceeded, {Limit.REQUESTS: 200})

    def test_apart(self) -> None:
        """One limit does not keep another one silent."""
        self.exceed(2)
        self.assertEqual(self.exceed(1, Limit.SOCKETS), [("--max-sockets-per-user", 1)])

    def test_clock_set_back(self) -> None:
        """A clock that is set back silences nothing."""
        self.clock.advance(1000)
        self.exceed(1)
        self.clock.rightNow = 10
        self.assertEqual(len(self.exceed(1)), 1)

    def test_names(self) -> None:
        """A limit goes by the name of the option that sets it."""
        options = Options()
        self.assertEqual([limit for limit in Limit if limit.removeprefix("--") not in options], [])


class PaceTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a pace of 150 in a second, which is three in a fiftieth."""
        self.clock = Clock()
        self.told: list[str] = []
        self.limits = Limits(self.clock)
        self.pace = Pace(
            150,
            self.limits,
            self.clock,
            lambda: self.told.append("pause"),
            lambda: self.told.append("resume"),
        )

    def pass_by(self, count: int) -> None:
        """Let so many pass."""
        for _ in range(count):
            self.pace.passed("peer")

    def test_slow_enough(self) -> None:
        """Who comes slowly enough is never kept waiting."""
        for _ in range(5):
            self.pass_by(2)
            self.clock.advance(0.02)
        self.assertEqual(self.told, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_fast(self) -> None:
        """Beyond the pace others wait for a fiftieth of a second, also when some were under way."""
        self.pass_by(5)
        self.assertEqual(self.told, ["pause"])
        self.clock.advance(0.02)
        self.assertEqual(self.told, ["pause", "resume"])
        self.pass_by(2)
        self.assertEqual(self.told, ["pause", "resume"])

    def test_exceeded(self) -> None:
        """The limit is exceeded once for each second that was full from end to end."""
        exceeded = []
        for _ in range(101):
            self.pass_by(3)
            self.clock.advance(0.02)
            exceeded.append(self.limits.exceeded[Limit.ACCEPTS])
        self.assertEqual((exceeded.index(1), exceeded.index(2), exceeded[-1]), (49, 99, 2))

    def test_not_exceeded(self) -> None:
        """A moment with room in it begins a new second."""
        for count in [*[3] * 49, 2, *[3] * 49]:
            self.pass_by(count)
            self.clock.advance(0.02)
        self.assertEqual(self.limits.exceeded, {})

    def test_far_between(self) -> None:
        """Moments that are full are no full second when nobody comes between them."""
        for _ in range(100):
            self.pass_by(3)
            self.clock.advance(0.02)
            self.clock.advance(0.5)
        self.assertEqual(self.limits.exceeded, {})

    def test_stopped(self) -> None:
        """Once it is stopped nothing is called any more."""
        self.pace.stop()
        self.pass_by(3)
        self.pace.stop()
        self.clock.advance(0.02)
        self.assertEqual(self.told, ["pause"])

    def test_few(self) -> None:
        """A pace of less than fifty lets one pass at a time."""
        Pace(
            4,
            Limits(self.clock),
            self.clock,
            lambda: self.told.append("pause"),
            lambda: self.told.append("resume"),
        ).passed("peer")
        self.clock.pump([0.125])
        self.assertEqual(self.told, ["pause"])
        self.clock.pump([0.125])
        self.assertEqual(self.told, ["pause", "resume"])
