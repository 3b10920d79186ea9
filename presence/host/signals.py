"""SIGTERM and Ctrl-C: the first ends the process in order, the second at once."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from twisted.application.service import Service

from presence.logs import logger

_log = logger(__name__)


class Signals(Service):
    """
    Ends the process with exit code 0 when it is told to end.

    Twisted's own SIGTERM stops the reactor too, but then kills the process with the same
    signal, so that whoever started it sees a crash; and a second one while it stops is a
    traceback.
    """

    def __init__(self, reactor: Any) -> None:  # noqa: ANN401 - IReactorCore and IReactorFromThreads
        self._reactor = reactor

    def startService(self) -> None:
        """Take the signals over: now, and again when the reactor has installed its own."""
        super().startService()
        self._install()
        self._reactor.callWhenRunning(self._install)

    def _install(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._received)

    def _received(self, number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        self._reactor.callFromThread(self._end, signal.Signals(number).name)

    def _end(self, name: str) -> None:
        _log.info("{signal}: ending; once more ends at once", signal=name)
        self._reactor.stop()
