"""Telling systemd how the process is: the protocol of sd_notify(3)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic_ns
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from presence.logs import logger

_log = logger(__name__)


def notify_address(environment: Mapping[str, str]) -> str | None:
    """Return the address of the socket of NOTIFY_SOCKET, for Python's sockets; None without one."""
    address = environment.get("NOTIFY_SOCKET")
    # An abstract name begins with a null byte (unix(7)), which no environment can hold.
    return f"\0{address[1:]}" if address and address.startswith("@") else address or None


def watchdog_seconds(environment: Mapping[str, str], pid: int) -> float | None:
    """
    Return after how long a silence systemd takes this process for stuck; None if it never does.

    Source: ``sd_watchdog_enabled(3)``.
    """
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1_000_000 if microseconds.isdecimal() and int(microseconds) else None


class Notifier(Service):
    """
    Tells systemd when the process is ready, stops, reads its settings again, and that it is alive.

    Start it last: what was started before has its ports by then. Where nobody listens
    (there is no NOTIFY_SOCKET) it says nothing.

    :param reactor: IReactorCore and IReactorTime. It has to turn for the watchdog to be content.
    :param environment: Where systemd says what it wants to be told.
    """

    def __init__(self, reactor: Any, environment: Mapping[str, str]) -> None:  # noqa: ANN401 - two interfaces
        self._reactor = reactor
        self._environment = environment
        self._address = notify_address(environment)
        self._complained = False

    def startService(self) -> None:
        """Say that the process is ready, once the reactor runs."""
        super().startService()
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> Deferred[None] | None:
        """Say that the process stops; the watchdog is told on, since that may take its time."""
        super().stopService()
        self._send("STOPPING=1")
        return None

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Say that settings are read again, and afterwards that it is done, however it ended."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._send("READY=1")

    def status(self, text: str) -> None:
        """Say in one line how things are, for ``systemctl status``."""
        self._send(f"STATUS={' '.join(text.split())}")

    def _begin(self) -> None:
        self._send("READY=1")
        interval_seconds = watchdog_seconds(self._environment, os.getpid())
        if self._address is not None and interval_seconds is not None:
            alive = LoopingCall(self._send, "WATCHDOG=1")
            alive.clock = self._reactor
            alive.start(interval_seconds / 2)

    def _send(self, text: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(0)
                sender.sendto(text.encode(), self._address)
        except (OSError, ValueError) as problem:  # ValueError: a null byte in the text or the path
            if not self._complained:
                self._complained = True
                _log.warn("systemd cannot be told how the daemon is: {problem}", problem=str(problem))
