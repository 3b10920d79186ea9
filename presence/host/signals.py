"""SIGTERM or Ctrl-C ends the process in order, one more of them at once; SIGHUP lets it read again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.python.failure import Failure

from presence.logs import logger, without_text

_ENDING = (signal.SIGTERM, signal.SIGINT)

_log = logger(__name__)


class Signals(Service):
    """
    Ends the process with exit code 0 when it is told to end.

    Twisted's own SIGTERM stops the reactor too, but then kills the process with the same
    signal, so that whoever started it sees a crash; and a second one while it stops is a
    traceback.

    :param reload: Is called by the reactor after each SIGHUP, which would kill otherwise.
    """

    def __init__(self, reactor: Any, reload: Callable[[], object]) -> None:  # noqa: ANN401 - IReactorCore and IReactorFromThreads
        self._reactor = reactor
        self._reload = reload

    def startService(self) -> None:
        """Take the signals over: now, and again when the reactor has installed its own."""
        super().startService()
        self._install()
        self._reactor.callWhenRunning(self._install)

    def _install(self) -> None:
        for number in _ENDING:
            signal.signal(number, self._told_to_end)
        signal.signal(signal.SIGHUP, self._told_to_reload)

    # Anything may be half done when these two are called, so they do nothing themselves.

    def _told_to_end(self, number: int, _frame: FrameType | None) -> None:
        for one in _ENDING:
            signal.signal(one, signal.SIG_DFL)
        self._reactor.callFromThread(self._end, signal.Signals(number).name)

    def _told_to_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._read_again)

    def _end(self, name: str) -> None:
        _log.info("{signal}: ending; once more ends at once", signal=name)
        self._reactor.stop()

    def _read_again(self) -> None:
        _log.info("SIGHUP: reading again what may have changed")
        try:
            self._reload()
        except Exception:  # noqa: BLE001 - the daemon goes on with what it has
            _log.failure("internal error at SIGHUP", failure=without_text(Failure()))
