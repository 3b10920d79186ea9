"""A daemon that gets other settings while clients are connected."""

from __future__ import annotations

from random import SystemRandom

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.trial.unittest import TestCase

from presence.config import Settings
from presence.tap import make_daemon
from presence.testing import FakeTokenChecker
from tests.canary import TOKEN
from tests.real.talker import Talker, talk
from tests.real.test_api_faults import ANYWHERE
from tests.real.test_endpoints import to


class ReconfigureTests(TestCase):
    timeout = 20

    async def start(self) -> Talker:
        """Start a daemon with a client, and then give it other settings."""
        endpoints = {ANYWHERE: serverFromString(reactor, ANYWHERE)}
        settings = Settings(settle=0, drain=0)
        self.parts = make_daemon(settings, endpoints, FakeTokenChecker(), reactor, SystemRandom())
        self.parts.service.startService()
        self.addCleanup(self.parts.service.stopService)
        client = await self.connect()
        await client.hello(1, TOKEN)
        other = Settings(settle=0, drain=0, max_message_bytes=1024, ping_interval=7, max_sockets_per_user=1)
        self.parts.reconfigure(other)
        return client

    async def connect(self) -> Talker:
        """Return a client that has just connected."""
        (listener,) = self.parts.service
        return await talk(self, to(listener.host.port))

    async def test_new(self) -> None:
        """Who connects from now on is told the new settings, and held to them."""
        await self.start()
        client = await self.connect()
        told = await client.hello(2, TOKEN)
        self.assertEqual((told["maxbytes"], told["ping"]), (1024, 7))
        client.hello(2, TOKEN.ljust(2000, "t"))
        self.assertEqual(await client.ended, 1009)

    async def test_old(self) -> None:
        """Who is connected stays so, and may send what was said at first."""
        client = await self.start()
        self.assertEqual((await client.hello(1, TOKEN.ljust(2000, "t")))["type"], "OK")

    async def test_shared(self) -> None:
        """What counts for all connections together is the new one."""
        old = await self.start()
        await (await self.connect()).hello(1, TOKEN)
        self.assertEqual(await old.ended, 4409)
