"""SIGTERM and Ctrl-C."""

from __future__ import annotations

import os
import signal

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from presence.host.signals import Signals


class Reactor(MemoryReactorClock):
    """A reactor in memory that runs and can be told from a signal to stop."""

    stopped = 0

    def callFromThread(self, call: object, *arguments: object) -> None:
        """Call at once."""
        assert callable(call)
        call(*arguments)

    def stop(self) -> None:
        """Count."""
        self.stopped += 1


class SignalTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Start the service on a reactor that begins to run."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.reactor = Reactor()
        Signals(self.reactor).startService()
        for hook, arguments, keywords in self.reactor.whenRunningHooks:
            hook(*arguments, **keywords)

    def test_first(self) -> None:
        """The first signal stops the reactor, which ends the process with exit code 0."""
        for count, number in enumerate((signal.SIGTERM, signal.SIGINT), 1):
            os.kill(os.getpid(), number)
            self.assertEqual(self.reactor.stopped, count)

    def test_second(self) -> None:
        """After the first one, another of its kind ends the process at once."""
        os.kill(os.getpid(), signal.SIGTERM)
        self.assertEqual(signal.getsignal(signal.SIGTERM), signal.SIG_DFL)
