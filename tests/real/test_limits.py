"""Limits on connections, over real sockets and with the headers of real proxies."""

from __future__ import annotations

from ipaddress import ip_network
from random import SystemRandom

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.trial.unittest import TestCase

from presence.config import Settings
from presence.tap import make_daemon
from presence.testing import FakeTokenChecker
from tests.canary import TOKEN
from tests.real.talker import Talker, talk
from tests.real.test_api_faults import ANYWHERE
from tests.real.test_endpoints import to

THIS_MACHINE = (ip_network("127.0.0.0/8"),)


def haproxy_says(host: str) -> bytes:
    """Return what haproxy sends ahead for a client."""
    return f"PROXY TCP4 {host} 127.0.0.1 49152 443\r\n".encode()


class LimitsTests(TestCase):
    timeout = 30

    def start(self, settings: Settings, description: str = ANYWHERE) -> None:
        """Start a daemon that believes every token."""
        endpoints = {description: serverFromString(reactor, description)}
        daemon = make_daemon(settings, endpoints, FakeTokenChecker(), reactor, SystemRandom()).service
        daemon.startService()
        self.addCleanup(daemon.stopService)
        (listener,) = daemon
        self.port = listener.host.port

    async def come(self, preamble: bytes = b"", forwarded_for: str = "") -> Talker:
        """Return a client."""
        return await talk(self, to(self.port), preamble, {"X-Forwarded-For": forwarded_for})

    async def assert_let_in(self, preamble: bytes = b"", forwarded_for: str = "") -> None:
        """Check that a client is served."""
        client = await self.come(preamble, forwarded_for)
        self.assertEqual((await client.hello(1, TOKEN))["type"], "OK")

    async def assert_told_to_wait(self, preamble: bytes = b"", forwarded_for: str = "") -> None:
        """Check that a client is closed 1013."""
        client = await self.come(preamble, forwarded_for)
        self.assertEqual(await client.ended, 1013)

    async def test_haproxy(self) -> None:
        """Behind haproxy its clients are counted, and not haproxy."""
        self.start(Settings(settle=0, max_connections_per_address=1), f"haproxy:{ANYWHERE}")
        await self.assert_let_in(haproxy_says("192.0.2.7"))
        await self.assert_let_in(haproxy_says("192.0.2.8"))
        await self.assert_told_to_wait(haproxy_says("192.0.2.7"))

    async def test_trusted_proxy(self) -> None:
        """Behind a proxy that is trusted its clients are counted."""
        self.start(Settings(settle=0, max_connections_per_address=1, trusted_proxies=THIS_MACHINE))
        await self.assert_let_in(forwarded_for="198.51.100.1, 192.0.2.7")
        await self.assert_let_in(forwarded_for="198.51.100.1, 192.0.2.8")
        await self.assert_told_to_wait(forwarded_for="203.0.113.9, 192.0.2.7")

    async def test_untrusted_proxy(self) -> None:
        """A header that anybody may have written counts for nothing."""
        self.start(Settings(settle=0, max_connections_per_address=1))
        for _ in range(3):
            await self.assert_let_in(forwarded_for="192.0.2.7")

    async def test_pace(self) -> None:
        """One that comes too fast is kept waiting, while others are served, and is not lost."""
        self.start(Settings(settle=0, accept_rate=3))
        served = [await self.come() for _ in range(3)]
        waiting = Deferred.fromCoroutine(self.come())
        for client in served * 3:
            self.assertEqual((await client.ask("PING"))["type"], "OK")
        self.assertFalse(waiting.called)
        self.assertEqual((await (await waiting).ask("PING"))["type"], "OK")
