"""An account API that misbehaves never lets a wrong token in, nor turns a good one away for good."""

from __future__ import annotations

from random import SystemRandom

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from presence.config import Settings
from presence.demo.api import Fault
from presence.host.requesting import KeptConnections
from presence.tap import make_daemon
from presence.tokens.api import DEADLINE_SECONDS, ApiTokenChecker
from presence.tokens.verdict import Judge
from tests.real.account_api import CLIENT, USER, serve_api
from tests.real.talker import Talker, talk
from tests.real.test_endpoints import to

ANYWHERE = "tcp:0:interface=127.0.0.1"


class FaultTests(TestCase):
    timeout = 20

    async def connect(self) -> Talker:
        """Return a client of a daemon that asks ``self.api``; its deadlines are on ``self.clock``."""
        self.api = await serve_api(self)
        self.clock = Clock()
        connections = KeptConnections(reactor)
        tokens = ApiTokenChecker(connections.verifying_agent(), self.clock, self.api.url, Judge())
        endpoints = {ANYWHERE: serverFromString(reactor, ANYWHERE)}
        daemon = make_daemon(Settings(settle=0), endpoints, tokens, reactor, SystemRandom())
        daemon.startService()
        self.addCleanup(connections.stopService)
        self.addCleanup(daemon.stopService)
        (listener,) = daemon
        return await talk(self, to(listener.host.port))

    async def assert_undecided(self, fault: Fault) -> None:
        """Assert that a good token is not decided on, and accepted as soon as the API is well."""
        client = await self.connect()
        self.api.faults.fault = fault
        token = self.api.token(USER.id)
        reply = await client.hello(USER.id, token)
        self.assertEqual((reply["code"], reply["temporary"]), ("auth_unavailable", True))
        self.api.faults.fault = Fault.NONE
        self.assertEqual((await client.hello(USER.id, token))["type"], "OK")

    async def test_error(self) -> None:
        """A 500 decides nothing."""
        await self.assert_undecided(Fault.ERROR)

    async def test_too_many_requests(self) -> None:
        """A 429 decides nothing."""
        await self.assert_undecided(Fault.TOO_MANY_REQUESTS)

    async def test_drop(self) -> None:
        """A connection that breaks decides nothing."""
        await self.assert_undecided(Fault.DROP)

    async def test_hang(self) -> None:
        """An API that never answers decides nothing, at the deadline."""
        client = await self.connect()
        self.api.faults.fault = Fault.HANG
        token = self.api.token(USER.id)
        answered = client.hello(USER.id, token)
        await self.api.asked.get()
        self.clock.advance(DEADLINE_SECONDS)
        reply = await answered
        self.assertEqual((reply["code"], reply["temporary"]), ("auth_unavailable", True))
        self.api.faults.fault = Fault.NONE
        self.assertEqual((await client.hello(USER.id, token))["type"], "OK")

    async def test_wrong_id(self) -> None:
        """A good token of another user lets nobody in."""
        client = await self.connect()
        self.api.faults.fault = Fault.WRONG_ID
        reply = await client.hello(USER.id, self.api.token(USER.id))
        self.assertEqual((reply["code"], reply["temporary"]), ("user_mismatch", False))
        self.assertEqual((await client.ask("getAllOnline"))["code"], "not_identified")

    async def test_token_of_another(self) -> None:
        """Nobody is let in as the user of somebody else's token."""
        client = await self.connect()
        reply = await client.hello(USER.id, self.api.token(CLIENT.id))
        self.assertEqual(reply["code"], "user_mismatch")

    async def test_unknown_token(self) -> None:
        """A token that the API does not know is rejected for good."""
        client = await self.connect()
        reply = await client.hello(USER.id, "made-up")
        self.assertEqual((reply["code"], reply["temporary"]), ("token_rejected", False))
