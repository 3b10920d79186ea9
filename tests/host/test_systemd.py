"""What systemd is told, over a real socket."""

from __future__ import annotations

import os
import socket
from time import monotonic_ns
from uuid import uuid4

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.host.systemd import Notifier, notify_address, watchdog_seconds

PID = 4711


class EnvironmentTests(SynchronousTestCase):
    def test_address(self) -> None:
        """The socket has a path, or an abstract name, or is not there."""
        self.assertEqual(notify_address({"NOTIFY_SOCKET": "/run/notify"}), "/run/notify")
        self.assertEqual(notify_address({"NOTIFY_SOCKET": "@notify"}), "\0notify")
        self.assertIsNone(notify_address({"NOTIFY_SOCKET": ""}))
        self.assertIsNone(notify_address({}))

    def test_watchdog(self) -> None:
        """The watchdog is in microseconds, and is this process's if it is nobody else's."""
        self.assertEqual(watchdog_seconds({"WATCHDOG_USEC": "3000000"}, PID), 3)
        self.assertEqual(watchdog_seconds({"WATCHDOG_USEC": "500", "WATCHDOG_PID": "4711"}, PID), 0.0005)
        self.assertIsNone(watchdog_seconds({"WATCHDOG_USEC": "500", "WATCHDOG_PID": "1"}, PID))

    def test_no_watchdog(self) -> None:
        """Without a number of microseconds there is no watchdog."""
        for text in ("", "0", "-1", "soon"):
            self.assertIsNone(watchdog_seconds({"WATCHDOG_USEC": text}, PID))
        self.assertIsNone(watchdog_seconds({}, PID))


class NotifierTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Listen as systemd does."""
        self.reactor = MemoryReactorClock()
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.systemd.close)
        self.systemd.settimeout(0)
        name = f"presence-{uuid4().hex}"
        self.systemd.bind(f"\0{name}")
        self.environment = {"NOTIFY_SOCKET": f"@{name}"}

    def start(self, **environment: str) -> Notifier:
        """Start the service on a reactor that begins to run."""
        notifier = Notifier(self.reactor, self.environment | environment)
        notifier.startService()
        self.assertEqual(self.told(), [])
        for hook, arguments, keywords in self.reactor.whenRunningHooks:
            hook(*arguments, **keywords)
        return notifier

    def told(self) -> list[str]:
        """Return what systemd was told since the last time."""
        told = []
        while True:
            try:
                told.append(self.systemd.recv(4096).decode())
            except BlockingIOError:
                return told

    def test_ready(self) -> None:
        """The process is ready when the reactor runs, and not before."""
        self.start()
        self.assertEqual(self.told(), ["READY=1"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_path(self) -> None:
        """A socket in the file system is written to as well."""
        path = f"/tmp/{uuid4().hex}"  # noqa: S108 - the paths of sockets have to be short
        self.addCleanup(os.unlink, path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listening.close)
        listening.bind(path)
        self.start(NOTIFY_SOCKET=path)
        self.assertEqual(listening.recv(100), b"READY=1")

    def test_watchdog(self) -> None:
        """A reactor that turns says twice in each interval that it is alive."""
        self.start(WATCHDOG_USEC="10000000", WATCHDOG_PID=str(os.getpid()))
        self.assertEqual(self.told(), ["READY=1", "WATCHDOG=1"])
        self.reactor.advance(4.9)
        self.assertEqual(self.told(), [])
        self.reactor.advance(0.2)
        self.assertEqual(self.told(), ["WATCHDOG=1"])

    def test_stopping(self) -> None:
        """The stop is told, and the watchdog too while it lasts."""
        notifier = self.start(WATCHDOG_USEC="10000000")
        self.told()
        self.assertIsNone(notifier.stopService())
        self.reactor.advance(5)
        self.assertEqual(self.told(), ["STOPPING=1", "WATCHDOG=1"])

    def test_reloading(self) -> None:
        """Reading again is told with the time of its beginning, and so is its end."""
        notifier = self.start()
        self.told()
        before = monotonic_ns()
        with notifier.reloading():
            (text,) = self.told()
        first, _, microseconds = text.partition("\nMONOTONIC_USEC=")
        self.assertEqual(first, "RELOADING=1")
        self.assertTrue(before // 1000 <= int(microseconds) <= monotonic_ns() // 1000)
        self.assertEqual(self.told(), ["READY=1"])

    def test_reload_fails(self) -> None:
        """The end of reading again is told when it fails too."""
        notifier = self.start()
        with self.assertRaises(LookupError), notifier.reloading():
            raise LookupError
        self.assertEqual(self.told()[-1], "READY=1")

    def test_status(self) -> None:
        """A status is one line, which cannot say anything else."""
        notifier = self.start()
        notifier.status("7 users\nSTOPPING=1")
        self.assertEqual(self.told()[-1], "STATUS=7 users STOPPING=1")

    def test_not_by_systemd(self) -> None:
        """Nothing happens where nobody wants to be told."""
        with capturedLogs() as events:
            self.start(NOTIFY_SOCKET="", WATCHDOG_USEC="10000000").stopService()
        self.assertEqual((events, self.told(), self.reactor.getDelayedCalls()), ([], [], []))

    def test_nobody_listens(self) -> None:
        """A socket that cannot be written to is logged once, and harms nobody."""
        with capturedLogs() as events:
            notifier = self.start(NOTIFY_SOCKET="@presence-nobody")
            notifier.status("nobody\0hears")
            notifier.stopService()
        self.assertEqual([event["log_level"].name for event in events], ["warn"])

    def test_full(self) -> None:
        """A socket that nobody reads holds nothing up."""
        notifier = self.start()
        with capturedLogs() as events:
            for _ in range(10_000):
                notifier.status("x")
        self.assertEqual(len(events), 1)
