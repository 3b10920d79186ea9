"""Tests of ``presence.demo.service``, over real loopback sockets."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from io import BytesIO
from random import Random
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, serverFromString
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import FileBodyProducer, readBody
from twisted.web.http_headers import Headers

from presence.demo.accounts import SAMPLE_ACCOUNTS, Accounts
from presence.demo.faults import Fault
from presence.demo.service import API_URL, DemoService
from tests.canary import secret
from tests.demo.exchange import USER, make_accounts

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@attrs.define(eq=False)
class Line(Protocol):
    """A connection that notices when it is made and when it ends."""

    made: Deferred[None] = attrs.field(factory=Deferred)
    ended: Deferred[None] = attrs.field(factory=Deferred)

    def connectionMade(self) -> None:
        """Notice."""
        self.made.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002 - any will do
        """Notice."""
        self.ended.callback(None)


class DemoServiceTests(TestCase):
    def start(
        self,
        description: str = "tcp:0:interface=127.0.0.1",
        visitors: int = 0,
        websocket_url: Callable[[], str] = lambda: "ws://127.0.0.1:9/",
    ) -> DemoService:
        """Start the demo, by default on a free port and without visitors, and stop it after the test."""
        self.accounts: Accounts = make_accounts(Clock())
        service = DemoService(
            description=description,
            endpoint=serverFromString(reactor, description),
            accounts=self.accounts,
            websocket_url=websocket_url,
            visitors=visitors,
            reactor=reactor,
            random=Random(7),  # noqa: S311 - the same at each run
        )
        self.addCleanup(lambda: service.stopService() if service.running else None)
        service.startService()
        return service

    async def fetch(
        self, service: DemoService, url: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """Ask the demo through its own agent; a body makes it a form."""
        method, producer = (b"GET", None) if body is None else (b"POST", FileBodyProducer(BytesIO(body)))
        fields = Headers({name: [value] for name, value in (headers or FORM).items()})
        response = await service.agent.request(method, url.encode(), fields, producer)
        return response.code, await readBody(response)

    async def connect(self, service: DemoService) -> Line:
        """Open a connection to the demo and leave it idle."""
        *_, host, port = service.page_url.strip("/").replace("/", ":").split(":")
        line: Line = await connectProtocol(HostnameEndpoint(reactor, host, int(port)), Line())
        return line

    async def test_page(self) -> None:
        """The page is where the service says it is, also on a port that the system chose."""
        service = self.start()
        status, body = await self.fetch(service, service.page_url)
        self.assertEqual(status, 200)
        self.assertIn(b"<!doctype html>", body)

    async def test_page_on_ipv6(self) -> None:
        """An IPv6 address stands in brackets."""
        service = self.start("tcp6:0:interface=\\:\\:1")
        self.assertRegex(service.page_url, r"^http://\[::1\]:\d+/$")
        self.assertEqual((await self.fetch(service, service.page_url))[0], 200)

    async def test_agent(self) -> None:
        """The agent asks the account API wherever it listens, though the URL names no port."""
        service = self.start()
        token = self.accounts.mint(USER).access_token
        status, body = await self.fetch(service, f"{API_URL}/users/me", Authorization=f"Bearer {token}")
        self.assertEqual((status, json.loads(body)["id"]), (200, 1))

    async def test_agent_elsewhere(self) -> None:
        """The agent leads every host to the demo, which then does not answer for it."""
        service = self.start()
        self.assertEqual((await self.fetch(service, "http://api.example/users/me"))[0], 421)

    async def test_faults(self) -> None:
        """The account API misbehaves as the service's switches say."""
        service = self.start()
        service.faults.fault = Fault.ERROR
        self.assertEqual((await self.fetch(service, f"{API_URL}/users/me"))[0], 500)

    async def test_no_access_log(self) -> None:
        """The site logs no requests, of which the daemon alone makes one for each HELLO."""
        service = self.start()
        with capturedLogs() as events:
            await self.fetch(service, f"{API_URL}/users/me")
        self.assertFalse([event for event in events if "/users/me" in (formatEvent(event) or "")])

    async def test_facts(self) -> None:
        """The page learns the daemon's address and the visitors' names."""
        service = self.start(visitors=2)
        facts = json.loads((await self.fetch(service, f"{API_URL}/demo.json"))[1])
        self.assertEqual((facts["websocket"], len(facts["visitors"])), ("ws://127.0.0.1:9/", 2))

    def test_port_taken(self) -> None:
        """A port that is taken ends the process, in words that name the endpoint."""
        port = self.start().page_url.strip("/").rpartition(":")[2]
        description = f"tcp:{port}:interface=127.0.0.1"
        ending = self.assertRaises(SystemExit, self.start, description)
        self.assertIn(description, str(ending))

    async def test_stop_closes_connections(self) -> None:
        """Stopping ends connections that browsers keep open, and those that wait for an answer."""
        service = self.start()
        service.faults.fault = Fault.HANG
        idle, waiting = await self.connect(service), await self.connect(service)
        assert waiting.transport is not None
        waiting.transport.write(b"GET /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await self.fetch(service, service.page_url)  # so that both have been accepted
        await service.stopService()
        await idle.ended
        await waiting.ended

    async def test_visitors_come(self) -> None:
        """Visitors connect to the daemon, and stopping ends their connections."""
        lines: list[Line] = [Line()]
        factory = Factory.forProtocol(lambda: lines[0])
        port: Any = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        service = self.start(visitors=1, websocket_url=lambda: f"ws://127.0.0.1:{port.getHost().port}/")
        await lines[0].made
        await service.stopService()
        await lines[0].ended

    def banner(self) -> list[str]:
        """Start the demo and return what it logs."""
        with capturedLogs() as events:
            self.service = self.start()
        self.assertEqual({event["log_level"] for event in events}, {LogLevel.info})
        return [formatEvent(event) for event in events]

    def test_banner(self) -> None:
        """At most twelve lines say where page and WebSocket are, and who can log in."""
        lines = self.banner()
        self.assertLessEqual(len(lines), 12)
        told = [self.service.page_url, "ws://127.0.0.1:9/", *(account.email for account in SAMPLE_ACCOUNTS)]
        for fact in told:
            self.assertTrue(any(fact in line for line in lines), fact)

    async def test_curl_line(self) -> None:
        """The command in the banner gets a token."""
        (line,) = (line for line in self.banner() if "curl" in line)
        _, url, *options = shlex.split(line.partition("curl ")[2])
        form = "&".join(option for option in options if option != "-d").encode()
        status, body = await self.fetch(self.service, url, form)
        self.assertEqual((status, json.loads(body)["access_token"]), (200, secret("token-1")))
