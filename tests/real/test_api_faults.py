"""An account API that misbehaves never lets a wrong token in, nor turns a good one away for good."""

from __future__ import annotations

from random import SystemRandom

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.ssl import PrivateCertificate, trustRootFromCertificates
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from presence.config import Settings
from presence.demo.accounts import SAMPLE_ACCOUNTS
from presence.demo.faults import Fault
from presence.host.requesting import KeptConnections
from presence.tap import make_daemon
from presence.tokens import Judge, make_token_checks
from presence.tokens.api import DEADLINE_SECONDS
from presence.tokens.breaker import LEAST_CALLS
from presence.tokens.cache import REFUSED_SECONDS
from tests.canary import secret
from tests.clocks import pass_time
from tests.real.account_api import CLIENT, USER, serve_api
from tests.real.certificates import Authority
from tests.real.talker import Frame, Talker, talk
from tests.real.test_endpoints import to

ANYWHERE = "tcp:0:interface=127.0.0.1"


class FaultCase(TestCase):
    timeout = 20

    async def start(self, *, tls: bool = False) -> None:
        """Start an account API and a daemon that asks it, whose deadlines are on ``self.clock``."""
        self.authority = Authority(self)
        self.api = await serve_api(self, self.authority.issue("127.0.0.1") if tls else None)
        self.clock = Clock()
        self.kept = KeptConnections(reactor)
        tokens = make_token_checks(
            self.api.url,
            Judge(),
            key=b"key",
            agent=self.kept.verifying_agent(trustRootFromCertificates([self.authority.certificate])),
            random=SystemRandom(),
            timer=self.clock.seconds,
            clock=self.clock,
        )
        endpoints = {ANYWHERE: serverFromString(reactor, ANYWHERE)}
        daemon = make_daemon(
            Settings(settle=0, drain=0), endpoints, tokens.checker, reactor, SystemRandom()
        ).service
        daemon.startService()
        self.addCleanup(self.kept.stopService)
        self.addCleanup(daemon.stopService)
        (listener,) = daemon
        self.port: int = listener.host.port

    async def connect(self) -> Talker:
        """Return a client that has not said HELLO yet."""
        return await talk(self, to(self.port))

    def assert_undecided(self, reply: Frame) -> None:
        """Assert that a token was neither accepted nor refused for good."""
        self.assertEqual((reply["code"], reply["temporary"]), ("auth_unavailable", True))

    def assert_ok(self, reply: Frame) -> None:
        """Assert that a token was accepted."""
        self.assertEqual(reply["type"], "OK")


class UndecidedTests(FaultCase):
    async def meet(self) -> None:
        """Have one client who is in, and many with good tokens who are not yet."""
        self.insider = await self.connect()
        self.assert_ok(await self.insider.hello(USER.id, self.api.token(USER.id)))
        await self.api.asked.get()
        people = [account.id for account in SAMPLE_ACCOUNTS] * 8
        self.crowd = [(await self.connect(), user_id, self.api.token(user_id)) for user_id in people]

    async def say_hello(self, *, hangs: bool = False) -> list[Frame]:
        """Return the replies to everybody's HELLO; a request that hangs ends by its deadline."""
        replies = gatherResults([client.hello(user_id, token) for client, user_id, token in self.crowd])
        if hangs:
            for _ in self.crowd:
                await self.api.asked.get()
            pass_time(self.clock, DEADLINE_SECONDS)
        return await replies

    async def endure(self, *, hangs: bool = False) -> list[Frame]:
        """Assert that everybody stays what they are while the API is sick; return the replies."""
        replies = await self.say_hello(hangs=hangs)
        for reply in replies:
            self.assert_undecided(reply)
        self.api.asked.pending.clear()
        stranger = await self.connect()
        self.assert_undecided(await stranger.hello(USER.id, secret("made-up")))
        self.assertEqual(self.api.asked.pending, [])  # since the API is left alone by now
        self.assert_ok(await self.insider.ask("getAllOnline"))
        return replies

    async def recover(self) -> None:
        """Assert that everybody gets in once the API is well, and that no connection to it is left over."""
        self.clock.advance(2)
        client, user_id, token = self.crowd[0]
        self.assert_ok(await client.hello(user_id, token))
        for reply in await self.say_hello():
            self.assert_ok(reply)
        await self.kept.stopService()
        await self.api.served.closed()

    async def assert_harmless(self, fault: Fault, *, hangs: bool = False) -> list[Frame]:
        """Assert that a fault is no more than a delay for those who are not in yet; return the replies."""
        await self.start()
        await self.meet()
        self.api.faults.fault = fault
        replies = await self.endure(hangs=hangs)
        self.api.faults.fault = Fault.NONE
        await self.recover()
        return replies

    async def test_error(self) -> None:
        """A 500 decides nothing."""
        await self.assert_harmless(Fault.ERROR)

    async def test_too_many_requests(self) -> None:
        """A 429 decides nothing, and clients are told to wait as long as it says."""
        waits = [reply["after"] for reply in await self.assert_harmless(Fault.TOO_MANY_REQUESTS)]
        told = self.api.faults.retry_after_seconds
        self.assertGreaterEqual(len([wait for wait in waits if wait >= told]), LEAST_CALLS)

    async def test_redirect(self) -> None:
        """A redirect decides nothing."""
        await self.assert_harmless(Fault.REDIRECT)

    async def test_truncated(self) -> None:
        """Half an answer decides nothing."""
        await self.assert_harmless(Fault.TRUNCATED)

    async def test_huge(self) -> None:
        """An answer of 10 MB decides nothing."""
        await self.assert_harmless(Fault.HUGE)

    async def test_gzip_bomb(self) -> None:
        """An answer that is 10 MB when decoded decides nothing."""
        await self.assert_harmless(Fault.GZIP_BOMB)

    async def test_drop(self) -> None:
        """A connection that closes decides nothing."""
        await self.assert_harmless(Fault.DROP)

    async def test_reset(self) -> None:
        """A connection that breaks decides nothing."""
        await self.assert_harmless(Fault.RESET)

    async def test_hang(self) -> None:
        """An API that never answers decides nothing, at the deadline."""
        await self.assert_harmless(Fault.HANG, hangs=True)

    async def test_drip(self) -> None:
        """An answer that never ends decides nothing, at the deadline."""
        await self.assert_harmless(Fault.DRIP, hangs=True)

    async def assert_certificate_harmless(self, certificate: PrivateCertificate) -> None:
        """Assert that a bad certificate is no more than a delay for those who are not in yet."""
        tls = self.api.served.tls
        assert tls is not None
        await self.meet()
        good, tls.certificate = tls.certificate, certificate
        await self.api.served.drop()
        await self.endure()
        tls.certificate = good
        await self.recover()

    async def test_expired(self) -> None:
        """A certificate that has expired decides nothing."""
        await self.start(tls=True)
        await self.assert_certificate_harmless(self.authority.issue_expired("127.0.0.1"))

    async def test_wrong_name(self) -> None:
        """A certificate of another host decides nothing."""
        await self.start(tls=True)
        await self.assert_certificate_harmless(self.authority.issue("api.example.com"))


class DecidedTests(FaultCase):
    async def test_wrong_id(self) -> None:
        """A good token of another user lets nobody in, and one's own does as soon as the API is well."""
        await self.start()
        client, token = await self.connect(), self.api.token(USER.id)
        self.api.faults.fault = Fault.WRONG_ID
        reply = await client.hello(USER.id, token)
        self.assertEqual((reply["code"], reply["temporary"]), ("user_mismatch", False))
        self.assertEqual((await client.ask("getAllOnline"))["code"], "not_identified")
        self.api.faults.fault = Fault.NONE
        self.clock.advance(REFUSED_SECONDS)
        self.assert_ok(await client.hello(USER.id, token))

    async def test_token_of_another(self) -> None:
        """Nobody is let in as the user of somebody else's token, not even right after them."""
        await self.start()
        owner, thief = await self.connect(), await self.connect()
        token = self.api.token(CLIENT.id)
        self.assert_ok(await owner.hello(CLIENT.id, token))
        for _ in range(2):
            self.assertEqual((await thief.hello(USER.id, token))["code"], "user_mismatch")

    async def test_unknown_token(self) -> None:
        """A token that the API does not know is rejected for good, also while it is remembered."""
        await self.start()
        client = await self.connect()
        for _ in range(2):
            reply = await client.hello(USER.id, secret("made-up"))
            self.assertEqual((reply["code"], reply["temporary"]), ("token_rejected", False))
