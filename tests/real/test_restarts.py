"""A daemon that is restarted again and again behind a socket that somebody else holds."""

from __future__ import annotations

import socket
import sys

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.real.account_api import AccountApi, serve_api
from tests.real.processes import NO_FAULT, PRESENCE, TWISTD, Running, spawn
from tests.real.talker import talk
from tests.real.test_endpoints import to

RESTARTS = 50
CONNECT_SECONDS = 0.02

# What systemd does for a service with a socket unit: sd_listen_fds(3).
ACTIVATE = (
    "import os, sys\n"
    "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='presence.socket')\n"
    "os.execv(sys.argv[1], sys.argv[1:])"
)


class RestartTests(TestCase):
    timeout = 300

    def start(self, api: AccountApi) -> Running:
        """Start a daemon that is given the socket."""
        endpoint = ("-e", "systemd:domain=INET:index=0")
        words = (*TWISTD, *PRESENCE, "--api-url", api.url, "--settle=0", *endpoint)
        return spawn(self, sys.executable, "-c", ACTIVATE, *words, fds={3: self.socket.fileno()})

    async def connect_on_and_on(self) -> int:
        """Connect to the port, now and now, until the last restart; return how often."""
        connects = 0
        while not self.over:
            # Raises when it is refused; nothing is sent, for the daemon to drop it some time.
            with socket.create_connection(("127.0.0.1", self.port), timeout=10):
                connects += 1
            await deferLater(reactor, CONNECT_SECONDS)
        return connects

    async def test_no_refused_connect(self) -> None:
        """While it is restarted, everybody gets through to the socket, and is served by the next daemon."""
        api = await serve_api(self)
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.addCleanup(self.socket.close)
        self.port, self.over = self.socket.getsockname()[1], False
        connects = Deferred.fromCoroutine(self.connect_on_and_on())
        for _ in range(RESTARTS):
            daemon = self.start(api)
            client = await talk(self, to(self.port))  # it may wait for the daemon to come up
            self.assertEqual((await client.hello(1, api.token(1)))["type"], "OK")
            daemon.signal("TERM")
            self.assertEqual(await client.ended, 1001)
            self.assertEqual(await daemon.ended, 0)
            self.assertRegex(daemon.printed, NO_FAULT)
        self.over = True
        self.assertGreater(await connects, RESTARTS)
