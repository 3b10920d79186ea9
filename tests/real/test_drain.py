"""A daemon that ends in its order, as clients and load balancers see it."""

from __future__ import annotations

import socket
from http.client import HTTPConnection

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.real.account_api import serve_api
from tests.real.processes import NO_FAULT, TWISTD, Running, reserve_port, spawn
from tests.real.talker import Talker, talk
from tests.real.test_endpoints import to

CLIENTS = 20
DRAIN_SECONDS = 2
POLL_SECONDS = 0.05


class DrainTests(TestCase):
    timeout = 30

    async def start(self) -> None:
        """Start a daemon with clients of two users."""
        self.api = await serve_api(self)
        self.port, self.ops_port = reserve_port(self), reserve_port(self)
        self.daemon: Running = spawn(
            self,
            *(*TWISTD, "presence", "--api-url", self.api.url, "--drain", str(DRAIN_SECONDS)),
            *("-e", f"tcp:{self.port}:interface=127.0.0.1"),
            *("--ops-endpoint", f"tcp:{self.ops_port}:interface=127.0.0.1"),
        )
        await self.daemon.prints(f"listening on tcp:{self.port}")
        self.clients = [await self.come(1 + number % 2) for number in range(CLIENTS)]

    async def come(self, user_id: int) -> Talker:
        """Return a client that is not told who is online."""
        client = await talk(self, to(self.port))
        await client.hello(user_id, self.api.token(user_id), broadcast=False)
        return client

    def is_ready(self) -> tuple[int, bytes]:
        """Ask, as a load balancer does; return the status and what it says."""
        connection = HTTPConnection("127.0.0.1", self.ops_port, timeout=5)
        try:
            connection.request("GET", "/ready")
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    async def poll_until(self, over: Deferred[list[int | None]]) -> list[tuple[int, bytes]]:
        """Ask again and again until something has happened."""
        answers = []
        while not over.called:
            answers.append(await deferToThread(self.is_ready))
            await deferLater(reactor, POLL_SECONDS)
        return answers

    async def test_order(self) -> None:
        """It is not ready, its ports close, its clients go one by one, then the endpoint that says so."""
        await self.start()
        self.assertEqual((await deferToThread(self.is_ready))[0], 200)
        ended_at: list[float] = []

        def note(code: int | None) -> int | None:
            ended_at.append(reactor.seconds())
            return code

        all_gone = gatherResults([client.ended.addCallback(note) for client in self.clients])
        self.daemon.signal("TERM")
        await self.daemon.prints("sending 20 connections away within 2.0 s")
        self.assertRaises(ConnectionRefusedError, socket.create_connection, ("127.0.0.1", self.port))
        answers = await self.poll_until(all_gone)
        self.assertGreater(len(answers), 5)
        self.assertEqual({status for status, _ in answers}, {503})
        self.assertTrue(all(b"draining" in body for _, body in answers))
        self.assertEqual(await all_gone, [1012] * CLIENTS)
        self.assertGreater(ended_at[-1] - ended_at[0], DRAIN_SECONDS / 2)
        hints = [(await client.events.get())["after"] for client in self.clients]
        self.assertEqual((hints, max(hints)), (sorted(hints, reverse=True), DRAIN_SECONDS + 1))
        self.assertEqual(await self.daemon.ended, 0)
        self.assertRegex(self.daemon.printed, NO_FAULT)

    async def test_nobody_is_told(self) -> None:
        """Whoever is still connected does not see the others go: they are about to come back."""
        await self.start()
        watcher = await self.come(3)  # the latest is sent away last
        await watcher.ask("subscribeOnlineStatus")
        self.daemon.signal("TERM")
        event = await watcher.events.get()
        self.assertEqual(event["type"], "goingAway")
