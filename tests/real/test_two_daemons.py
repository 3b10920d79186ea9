"""Two daemons with different options live in one process."""

from __future__ import annotations

from random import SystemRandom

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.trial.unittest import TestCase

from presence.config import Settings
from presence.service import PresenceService
from presence.tap import make_daemon
from presence.testing import FakeTokenChecker
from tests.canary import SECRET, TOKEN
from tests.real.talker import Talker, talk
from tests.real.test_api_faults import ANYWHERE
from tests.real.test_endpoints import to


class TwoDaemonsTests(TestCase):
    timeout = 20

    def start(self, settings: Settings) -> PresenceService:
        """Start a daemon that believes every token."""
        endpoints = {ANYWHERE: serverFromString(reactor, ANYWHERE)}
        daemon = make_daemon(settings, endpoints, FakeTokenChecker(), reactor, SystemRandom()).service
        daemon.startService()
        self.addCleanup(lambda: daemon.stopService() if daemon.running else None)
        return daemon

    def start_two(self) -> None:
        """Start the daemons, with options that differ."""
        self.small = self.start(Settings(settle=0, drain=0, max_message_bytes=200, ping_interval=7))
        self.large = self.start(Settings(settle=0, drain=0, max_message_bytes=2000, ping_interval=8))

    async def connect(self, daemon: PresenceService) -> Talker:
        """Return a client of one of them."""
        (listener,) = daemon
        return await talk(self, to(listener.host.port))

    async def test_options(self) -> None:
        """Each tells its clients its own options."""
        self.start_two()
        told = []
        for daemon in (self.small, self.large):
            reply = await (await self.connect(daemon)).hello(1, TOKEN)
            told.append((reply["maxbytes"], reply["ping"]))
        self.assertEqual(told, [(200, 7), (2000, 8)])

    async def test_limits(self) -> None:
        """Each keeps to its own options."""
        self.start_two()
        small, large = await self.connect(self.small), await self.connect(self.large)
        self.assertEqual((await large.hello(1, TOKEN.ljust(1000, "t")))["type"], "OK")
        small.hello(1, TOKEN.ljust(1000, "t"))
        self.assertEqual(await small.ended, 1009)

    async def test_users(self) -> None:
        """Neither knows the users of the other, nor takes messages to them."""
        self.start_two()
        small, large = await self.connect(self.small), await self.connect(self.large)
        await small.hello(1, TOKEN)
        await large.hello(2, TOKEN)
        self.assertEqual((await small.ask("getAllOnline"))["online"], [1])
        sent = await small.ask("sendMessageToUser", id=2, message=SECRET)
        self.assertEqual(sent["delivered"], 0)

    async def test_stop_one(self) -> None:
        """One that stops closes its own connections, and the other goes on."""
        self.start_two()
        small, large = await self.connect(self.small), await self.connect(self.large)
        await self.small.stopService()
        self.assertEqual(await small.ended, 1001)
        self.assertEqual((await large.hello(2, TOKEN))["type"], "OK")

    async def test_stop_both(self) -> None:
        """Both stop with users online and held online, and leave no timer, port or connection."""
        self.start_two()
        clients = []
        for daemon in (self.small, self.large):
            gone, client = await self.connect(daemon), await self.connect(daemon)
            await gone.hello(1, TOKEN)
            await client.hello(2, TOKEN)
            gone.leave()  # so that its user is held online
            await gone.ended
            clients.append(client)
        await self.small.stopService()
        await self.large.stopService()
        # Trial looks for what is left in the reactor.
        self.assertEqual([await client.ended for client in clients], [1001, 1001])
