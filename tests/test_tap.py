"""All parts, put together."""

from __future__ import annotations

import gc
import resource
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any, cast

import treq
import trustme
from twisted.application.service import IServiceMaker, MultiService
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import capturedLogs
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase, TestCase

from presence import tap
from presence.client import PresenceClient
from presence.config import Settings
from presence.demo.accounts import CLIENT_ID, CLIENT_SECRET, SAMPLE_ACCOUNTS, SAMPLE_PASSWORD
from presence.demo.service import DemoService
from presence.host.certificates import Certificates
from presence.host.garbage import OBJECTS_BETWEEN
from presence.host.listening import Listener
from presence.host.signals import Signals
from presence.ops.lag import Lag
from presence.ops.webhooks import Webhook
from presence.service import PresenceService
from presence.tap import Options, make_daemon, makeService
from presence.testing import FakeTokenChecker
from tests.ops.receivers import WEBHOOK_SECRET


def make(*arguments: str) -> MultiService:
    """Return the services of a command line."""
    options = Options()
    options.parseOptions(arguments)
    return cast("MultiService", makeService(options))


def parts(service: MultiService, kind: type[Any]) -> list[Any]:
    """Return the child services of a kind."""
    return [child for child in service if isinstance(child, kind)]


class PluginTests(SynchronousTestCase):
    def test_plugin(self) -> None:
        """``twistd`` knows presence, and finds its options and services."""
        (plugin,) = [one for one in getPlugins(IServiceMaker) if one.tapname == "presence"]
        self.assertIs(plugin.options, tap.Options)
        self.assertIs(plugin.makeService, tap.makeService)


class MakeServiceTests(SynchronousTestCase):
    def test_ports(self) -> None:
        """The daemon has a port for each endpoint."""
        services = make("--api-url", "https://api.example.com/", "-e", "tcp:0", "-e", "tcp:1")
        (daemon,) = parts(services, PresenceService)
        self.assertEqual([port.description for port in parts(daemon, Listener)], ["tcp:0", "tcp:1"])
        self.assertEqual(parts(services, DemoService), [])

    def test_reload(self) -> None:
        """What SIGHUP calls reads the certificates again."""
        pem, leaf = Path(self.mktemp()), trustme.CA().issue_cert
        leaf("localhost").private_key_and_cert_chain_pem.write_to_path(pem)
        services = make("--api-url", "https://api.example.com/", "-e", "tcp:0", "--tls-cert", str(pem))
        ((certificate,),), (signals,) = parts(services, Certificates), parts(services, Signals)
        expiry = datetime(2100, 1, 1, tzinfo=UTC)
        leaf("localhost", not_after=expiry).private_key_and_cert_chain_pem.write_to_path(pem)
        signals._reload()
        self.assertEqual(certificate.not_after, expiry.timestamp())

    def test_lag(self) -> None:
        """The lag of the event loop is measured where somebody can ask for it."""
        api = ("--api-url", "https://api.example.com/")
        self.assertEqual(len(parts(make(*api), Lag)), 1)
        self.assertEqual(parts(make(*api, "--ops-endpoint", "none"), Lag), [])

    def test_garbage(self) -> None:
        """The process looks for garbage less often."""
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(700)
        make("--api-url", "https://api.example.com/")
        self.assertEqual(gc.get_threshold()[0], OBJECTS_BETWEEN)

    def test_file_limit(self) -> None:
        """The process may have as many connections as the system lets it."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1000, hard), hard))
        make("--api-url", "https://api.example.com/")
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), (hard, hard))

    def test_webhook(self) -> None:
        """There is a webhook where one is wanted, which starts before the daemon and ends after it."""
        path = Path(self.mktemp())
        path.write_text(WEBHOOK_SECRET)
        api = ("--api-url", "https://api.example.com/")
        hook = ("--webhook", "https://www.example.com/", "--webhook-secret-file", str(path))
        kinds = [type(child) for child in make(*api, *hook)]
        self.assertLess(kinds.index(Webhook), kinds.index(PresenceService))
        self.assertEqual(parts(make(*api), Webhook), [])

    def test_nothing_to_do(self) -> None:
        """Without an API there is no service."""
        self.assertRaises(UsageError, make)


class ProxiedTests(SynchronousTestCase):
    def test_haproxy(self) -> None:
        """Connections that have not said yet whom they are for do not count as their proxy's."""
        reactor = MemoryReactorClock()
        description = "haproxy:tcp:80"
        endpoints = {description: serverFromString(reactor, description)}
        settings = Settings(settle=0, max_connections_per_address=1)
        make_daemon(settings, endpoints, FakeTokenChecker(), reactor, SystemRandom()).service.startService()
        proxy = IPv4Address("TCP", "192.0.2.1", 1024)
        transports = [StringTransport(peerAddress=proxy) for _ in range(3)]
        for transport in transports:
            cast("Protocol", reactor.tcpServers[0][1].buildProtocol(proxy)).makeConnection(transport)
        self.assertEqual([transport.disconnecting for transport in transports], [False] * 3)


class DemoTests(TestCase):
    timeout = 20

    def start(self, *endpoint: str) -> MultiService:
        """Start a demo on free ports."""
        services = make(
            "--demo",
            "--demo-visitors=0",
            "--demo-endpoint=tcp:0:interface=127.0.0.1",
            *(endpoint or ("-e", "tcp:0:interface=127.0.0.1")),
        )
        # Not the signals: the test runner has its own.
        self.daemon, self.demo = parts(services, PresenceService)[0], parts(services, DemoService)[0]
        for service in (self.daemon, self.demo):
            service.privilegedStartService()
            service.startService()
            self.addCleanup(service.stopService)
        return services

    def test_hello(self) -> Deferred[None]:
        """The demo's daemon asks the demo's account API, wherever that listens."""

        async def play() -> None:
            self.start()
            from twisted.internet import reactor  # noqa: PLC0415 - the test needs the real one

            connected: Deferred[None] = Deferred()
            client = PresenceClient(
                tap._websocket_url(self.daemon),
                on_connected=lambda: connected.callback(None),
                random=lambda: 0.5,
                reactor=reactor,
            )
            client.start()
            self.addCleanup(client.stop)
            await connected
            grant = {
                "grant_type": "password",
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "username": SAMPLE_ACCOUNTS[0].email,
                "password": SAMPLE_PASSWORD,
            }
            granted = await treq.post(f"{self.demo.page_url}oauth/token", data=grant, persistent=False)
            token = (await granted.json())["access_token"]
            reply = await client.hello(1, token)
            self.assertEqual(reply.userid, 1)

        return Deferred.fromCoroutine(play())

    def test_banner(self) -> None:
        """The banner has at most 12 lines, with the addresses of the page and the WebSocket."""
        with capturedLogs() as events:
            self.start()
        lines = [event for event in events if event["log_namespace"].startswith("presence")]
        self.assertLessEqual(len(lines), 12)
        urls = [event["url"] for event in lines if "url" in event]
        self.assertIn(tap._websocket_url(self.daemon), urls)

    def test_tls(self) -> None:
        """With a certificate the address says that there is TLS."""
        pem = self.mktemp()
        trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(pem)
        self.start("-e", "tcp:0:interface=127.0.0.1", "--tls-cert", pem)
        self.assertRegex(tap._websocket_url(self.daemon), r"^wss://127\.0\.0\.1:\d+/$")

    def test_ipv6(self) -> None:
        """The address of a WebSocket on IPv6 has brackets."""
        self.start("-e", r"tcp6:0:interface=\:\:1")
        self.assertRegex(tap._websocket_url(self.daemon), r"^ws://\[::1\]:\d+/$")
