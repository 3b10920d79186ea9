"""Processes of a test, which are told by what they print and never outlive the test."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests import canary


def new_path(test: TestCase) -> Path:
    """Return the path of something that is not there yet."""
    return Path(test.mktemp()).absolute()


def script(name: str) -> str:
    """Return the path of a program that was installed with the Python that runs."""
    return str(Path(sysconfig.get_path("scripts"), name))


TWISTD = (sys.executable, script("twistd"), "-n", "--pidfile=")
TWIST = (sys.executable, script("twist"))
PYTHON_M_TWISTED = (sys.executable, "-m", "twisted")

PRESENCE = ("presence", "--log-level=debug")
"""The daemon, telling all that it ever tells, for the canary to look at."""

_ENVIRONMENT = {"PRESENCE_OPS_ENDPOINT": "none", "PRESENCE_DRAIN": "0"}
"""Daemons live beside others, and end at once, unless a test says otherwise."""

_PIPES: Mapping[int, int | str] = {0: "w", 1: "r", 2: "r"}


class EndedEarly(Exception):  # noqa: N818 - what happened to a process
    """A process ended before it printed what a test waited for."""


class Running(ProcessProtocol):
    """
    A process that runs.

    :ivar printed: What came on stdout and stderr.
    :ivar exited: Fires with the exit code, or minus the signal, when the process has ended.
    :ivar ended: The same, once its pipes are closed too, by those who inherited them as well.
    """

    transport: IProcessTransport

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._awaited: list[tuple[re.Pattern[str], Deferred[re.Match[str]]]] = []
        self.exited: Deferred[int] = Deferred()
        self.ended: Deferred[int] = Deferred()
        self.alive = True

    @property
    def printed(self) -> str:
        """What the process printed up to now."""
        return self._bytes.decode(errors="replace")

    @property
    def pid(self) -> int:
        """The number of the process."""
        pid: int = self.transport.pid
        return pid

    def prints(self, pattern: str) -> Deferred[re.Match[str]]:
        """Fire with the first match of a pattern in what it printed; fail when it ends without."""
        awaited: Deferred[re.Match[str]] = Deferred()
        self._awaited.append((re.compile(pattern), awaited))
        self._look()
        if not self.alive:
            self._give_up()
        return awaited

    def signal(self, name: str) -> None:
        """Send a signal, by its name without SIG."""
        self.transport.signalProcess(name)

    def kill(self) -> Deferred[int] | None:
        """Make sure that it has ended."""
        if not self.alive:
            return None
        self.signal("KILL")
        return self.ended

    # Called by Twisted

    def childDataReceived(self, _fd: int, data: bytes) -> None:
        """Collect it, whatever pipe it is from."""
        self._bytes.extend(data)
        self._look()

    def processExited(self, reason: Failure) -> None:
        """Say so."""
        self.exited.callback(_code(reason))

    def processEnded(self, reason: Failure) -> None:
        """Say so, and give up what was waited for."""
        self.alive = False
        canary.look_at(self.printed)
        self._give_up()
        self.ended.callback(_code(reason))

    def _look(self) -> None:
        for waiting in self._awaited.copy():
            if found := waiting[0].search(self.printed):
                self._awaited.remove(waiting)
                waiting[1].callback(found)

    def _give_up(self) -> None:
        awaited, self._awaited = self._awaited, []
        for pattern, deferred in awaited:
            deferred.errback(EndedEarly(f"no {pattern.pattern!r} in:\n{self.printed}"))


def _code(reason: Failure) -> int:
    ending: Any = reason.value  # ProcessDone or ProcessTerminated
    code: int = -ending.signal if ending.exitCode is None else ending.exitCode
    return code


def spawn(
    test: TestCase,
    *argv: str | Path,
    fds: Mapping[int, int | str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Running:
    """
    Start a process in a directory of its own; it is killed after the test.

    :param fds: File descriptors that it gets beside the first three, as ``spawnProcess`` takes them.
    :param environment: What is different in its environment.
    """
    directory = new_path(test)
    directory.mkdir()
    process = Running()
    reactor.spawnProcess(
        process,
        str(argv[0]),
        [str(word) for word in argv],
        env={**os.environ, **_ENVIRONMENT, **(environment or {})},
        path=str(directory),
        childFDs={**_PIPES, **(fds or {})},
    )
    test.addCleanup(process.kill)
    return process


def reserve_port(test: TestCase, least: int = 0) -> int:
    """
    Return a TCP port of 127.0.0.1 that is nobody else's during the test.

    It is bound here but not listened on. So the kernel gives it to no one who asks for any
    port, while a daemon that asks for this one can have it (both sockets say SO_REUSEADDR).

    :param least: The lowest port to try; 0 lets the kernel choose.
    """
    holder = socket.socket()
    test.addCleanup(holder.close)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = least
    while True:
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            port += 1
        else:
            number: int = holder.getsockname()[1]
            return number


NO_FAULT = re.compile(r"(?s)\A(?!.*(Traceback|Unhandled)).*\Z")
"""Matches what is printed by a process in which nothing unforeseen happened."""

TERMINATED = -signal.SIGTERM
