"""Services in their order."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from presence.host.ordered import Ordered


class Slow(Service):
    """A service that says when it starts and stops, and takes its time for the latter."""

    def __init__(self, name: str, log: list[str]) -> None:
        self._name = name
        self._log = log
        self.stopped: Deferred[None] = Deferred()

    def startService(self) -> None:
        """Start."""
        super().startService()
        self._log.append(f"{self._name} starts")

    def stopService(self) -> Deferred[None]:
        """Begin to stop."""
        super().stopService()
        self._log.append(f"{self._name} stops")
        return self.stopped


class OrderedTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Start two services."""
        self.log: list[str] = []
        self.first, self.second = Slow("first", self.log), Slow("second", self.log)
        self.ordered = Ordered(self.first, self.second)
        self.ordered.startService()

    def test_start(self) -> None:
        """They start in their order."""
        self.assertEqual(self.log, ["first starts", "second starts"])

    def test_stop(self) -> None:
        """The last one stops first, and the one before it when that is done."""
        stopped = self.ordered.stopService()
        self.assertEqual(self.log[2:], ["second stops"])
        self.second.stopped.callback(None)
        self.assertEqual(self.log[2:], ["second stops", "first stops"])
        self.assertNoResult(stopped)
        self.first.stopped.callback(None)
        self.successResultOf(stopped)

    def test_fails(self) -> None:
        """One that fails to stop is noted, and keeps none of the others from it."""
        stopped = self.ordered.stopService()
        self.second.stopped.errback(ZeroDivisionError())
        self.first.stopped.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(len(self.flushLoggedErrors()), 1)
