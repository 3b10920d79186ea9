"""Webhooks of a real daemon, to a server that takes them as the documents say."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import DeferredQueue
from twisted.internet.ssl import PrivateCertificate
from twisted.trial.unittest import TestCase
from twisted.web.server import Request, Site

from tests.ops.receivers import WEBHOOK_SECRET, Hook, OnlineList
from tests.real.account_api import CLIENT, USER, AccountApi, serve, serve_api
from tests.real.certificates import Authority
from tests.real.processes import NO_FAULT, PRESENCE, TWISTD, Running, new_path, reserve_port, spawn
from tests.real.talker import Talker, talk
from tests.real.test_endpoints import to


class WebhookTests(TestCase):
    timeout = 30

    async def start(
        self, certificate: PrivateCertificate | None = None, trusted: Authority | None = None
    ) -> None:
        """Start a receiver, perhaps an ``https://`` one, and a daemon."""
        self.statuses: list[int] = []
        self.taken: DeferredQueue[Any] = DeferredQueue()
        self.hook = Hook(self.answer)
        site = Site(self.hook)
        site.noisy = False
        served = await serve(self, site, certificate)
        self.api: AccountApi = await serve_api(self)
        secret = new_path(self)
        secret.write_text(WEBHOOK_SECRET)
        self.port = reserve_port(self)
        self.daemon: Running = spawn(
            self,
            *(*TWISTD, *PRESENCE, "--api-url", self.api.url, "--ops-endpoint=none"),
            *("-e", f"tcp:{self.port}:interface=127.0.0.1", "--settle=0", "--drain=0"),
            *("--webhook", f"{served.url}/hook?of=presence", "--webhook-secret-file", secret),
            environment={} if trusted is None else {"SSL_CERT_FILE": str(trusted.write())},
        )
        await self.daemon.prints("listening on ")

    def answer(self, request: Request) -> bytes:
        """Answer with the next status that the test wants, or be content."""
        status = self.statuses.pop(0) if self.statuses else 200
        request.setResponseCode(status)
        if status == 200:
            self.taken.put(json.loads(self.hook.bodies[-1]))
        return b""

    async def come(self, user: int) -> Talker:
        """Return a client that has a user."""
        client = await talk(self, to(self.port))
        await client.hello(user, self.api.token(user))
        return client

    async def test_told(self) -> None:
        """A receiver has the list, though it was out of order for a while; nothing secret is logged."""
        await self.start()
        receiver = OnlineList()
        receiver.take(await self.taken.get())
        await self.come(USER.id)
        receiver.take(await self.taken.get())
        self.assertEqual(receiver.online, {USER.id})
        self.statuses = [500, 410]
        client = await self.come(CLIENT.id)
        receiver.take(await self.taken.get())
        self.assertEqual(receiver.online, {USER.id, CLIENT.id})
        await client.ask("GOODBYE")
        receiver.take(await self.taken.get())
        self.assertEqual(receiver.online, {USER.id})
        self.assertIn("webhook requests not taken: 1, the last one because", self.daemon.printed)
        self.daemon.signal("TERM")
        self.assertEqual(await self.daemon.ended, 0)
        self.assertRegex(self.daemon.printed, NO_FAULT)
        self.assertNotIn("/hook", self.daemon.printed)

    async def test_trusted(self) -> None:
        """A receiver with a certificate that is trusted is told."""
        authority = Authority(self)
        await self.start(authority.issue("127.0.0.1"), authority)
        self.assertTrue((await self.taken.get())["reset"])

    async def test_not_trusted(self) -> None:
        """A receiver that may be anybody is told nothing, and the operator what to do."""
        await self.start(Authority(self).issue("127.0.0.1"), Authority(self))
        await self.daemon.prints("not taken: 1, .*certificate verify failed.*SSL_CERT_FILE")
        self.assertEqual(self.hook.asked, [])

    async def test_stop(self) -> None:
        """A receiver that does not answer keeps the daemon from nothing, its end included."""
        await self.start()
        await self.taken.get()
        self.hook.answer = lambda _: 1  # NOT_DONE_YET
        await self.come(USER.id)
        self.daemon.signal("TERM")
        self.assertEqual(await self.daemon.ended, 0)
        self.assertRegex(self.daemon.printed, NO_FAULT)
