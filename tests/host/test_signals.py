"""SIGTERM, Ctrl-C and SIGHUP."""

from __future__ import annotations

import os
import signal

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from presence.host.signals import Signals
from presence.logs import Unforeseen
from tests.canary import secret


class Reactor(MemoryReactorClock):
    """A reactor in memory that runs and can be told from a signal to stop."""

    stopped = 0

    def __init__(self) -> None:
        super().__init__()
        self.due: list[tuple[object, ...]] = []

    def callFromThread(self, *call: object) -> None:
        """Keep it for the next turn."""
        self.due.append(call)

    def turn(self) -> None:
        """Call what was kept."""
        while self.due:
            call, *arguments = self.due.pop(0)
            assert callable(call)
            call(*arguments)

    def stop(self) -> None:
        """Count."""
        self.stopped += 1


class SignalTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Start the service on a reactor that begins to run."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.reactor = Reactor()
        self.reloads = 0
        self.start()

    def start(self) -> None:
        """Take the signals over, as a process does that starts."""
        Signals(self.reactor, self.reload).startService()
        for hook, arguments, keywords in self.reactor.whenRunningHooks:
            hook(*arguments, **keywords)

    def reload(self) -> None:
        """Count, and fail at the second time."""
        self.reloads += 1
        if self.reloads == 2:
            raise LookupError(secret("reload"))

    def test_first(self) -> None:
        """The first signal stops the reactor, which ends the process with exit code 0."""
        for count, number in enumerate((signal.SIGTERM, signal.SIGINT), 1):
            self.start()
            os.kill(os.getpid(), number)
            self.reactor.turn()
            self.assertEqual(self.reactor.stopped, count)

    def test_second(self) -> None:
        """After the first one, another of either kind ends the process at once."""
        os.kill(os.getpid(), signal.SIGTERM)
        for number in (signal.SIGTERM, signal.SIGINT):
            self.assertEqual(signal.getsignal(number), signal.SIG_DFL)

    def test_hangup(self) -> None:
        """Each SIGHUP lets the reactor read settings again, and nothing happens before its turn."""
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual(self.reloads, 0)
        self.reactor.turn()
        self.assertEqual(self.reloads, 1)

    def test_reload_fails(self) -> None:
        """A fault while they are read is logged without its text, and the next SIGHUP reads them again."""
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
            self.reactor.turn()
        self.assertEqual(self.reloads, 3)
        (fault,) = self.flushLoggedErrors(Unforeseen)
        self.assertEqual(str(fault.value), "LookupError")
