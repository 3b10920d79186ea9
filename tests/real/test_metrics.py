"""A daemon, as Prometheus sees it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet import reactor
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, readBody

from tests.canary import secret, tells
from tests.real.account_api import USER, serve_api
from tests.real.processes import NO_FAULT, PRESENCE, TWISTD, reserve_port, spawn
from tests.real.talker import talk
from tests.real.test_endpoints import to

TCP = "tcp:{}:interface=127.0.0.1"


class ScrapeTests(TestCase):
    timeout = 30

    async def start(self) -> None:
        """Start a daemon."""
        self.api = await serve_api(self)
        self.port, self.ops_port = reserve_port(self), reserve_port(self)
        options = ("-e", TCP.format(self.port), "--ops-endpoint", TCP.format(self.ops_port), "--settle=0")
        self.daemon = spawn(self, *TWISTD, *PRESENCE, "--api-url", self.api.url, *options)
        await self.daemon.prints(f"listening on tcp:{self.port}")

    async def scrape(self) -> dict[tuple[str, ...], float]:
        """Return all numbers, by name and the values of labels."""
        response = await Agent(reactor).request(b"GET", b"http://127.0.0.1:%d/metrics" % self.ops_port)
        text = (await readBody(response)).decode()
        self.assertFalse(tells(text))
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(one.name, *(value for _, value in sorted(one.labels.items()))): one.value for one in samples}

    async def test_scrape(self) -> None:
        """What clients did shows at the next scrape, and the daemon ends as it should."""
        await self.start()
        client = await talk(self, to(self.port))
        await client.hello(USER.id, self.api.token(USER.id))
        await client.ask("sendMessageToUser", id=USER.id, message=secret("message"))
        await client.ask("getAllOnline", limit=0)
        numbers = await self.scrape()
        expected = {
            ("presence_ready",): 1,
            ("presence_connections",): 1,
            ("presence_users_online",): 1,
            ("presence_requests_total", "ok", "HELLO"): 1,
            ("presence_malformed_total",): 1,
            ("presence_messages_total", "client"): 1,
            ("presence_token_checks_total", "accepted"): 1,
            ("presence_token_check_seconds_count",): 1,
        }
        self.assertEqual({name: numbers[name] for name in expected}, expected)
        self.assertGreater(numbers["process_cpu_seconds_total",], 0)
        self.daemon.signal("TERM")
        self.assertEqual(await self.daemon.ended, 0)
        self.assertRegex(self.daemon.printed, NO_FAULT)
