"""``presencectl`` talks to the demo, as it was started by its command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from twisted.trial.unittest import TestCase

from presence.demo.accounts import SAMPLE_PASSWORD
from tests.canary import keep
from tests.real.account_api import CLIENT, USER
from tests.real.certificates import Authority
from tests.real.processes import PRESENCE, TWISTD, Running, script, spawn
from tests.real.talker import talk
from tests.real.test_endpoints import to

TCP = "tcp:0:interface=127.0.0.1"


class PresencectlTests(TestCase):
    timeout = 30

    async def start(self, endpoint: str = TCP) -> None:
        """Start the demo, and note the addresses in its banner."""
        options = ("--demo", "--demo-visitors=0", "--demo-endpoint", TCP, "-e", endpoint)
        demo = spawn(self, *TWISTD, *PRESENCE, *options)
        self.api: str = (await demo.prints(r"demo page: +(\S+)"))[1]
        self.url: str = (await demo.prints(r"WebSocket: +(\S+)"))[1]

    def run_ctl(self, *words: str | Path, **environment: str) -> Running:
        """Start a command of presencectl."""
        program = (sys.executable, script("presencectl"))
        return spawn(self, *program, *words, "--api", self.api, environment=environment)

    async def token(self, email: str) -> str:
        """Return the token that presencectl gets."""
        process = self.run_ctl("token", "--user", email, PRESENCE_PASSWORD=SAMPLE_PASSWORD)
        self.assertEqual(await process.ended, 0, process.printed)
        self.assertRegex(process.printed, r"\A\S+\n\Z")
        return keep(process.printed.strip())

    async def assert_smoke(self, *options: str | Path) -> None:
        """Assert that all of the protocol works for presencectl, and that it tells no token."""
        token = await self.token(USER.email)
        smoke = self.run_ctl("smoke", self.url, *options, PRESENCE_TOKEN=token)
        self.assertEqual(await smoke.ended, 0, smoke.printed)
        replies = [json.loads(line[2:]) for line in smoke.printed.splitlines() if line.startswith("← ")]
        asked = [reply["re"] for reply in replies if reply["type"] == "OK"]
        expected = ["HELLO", "subscribeOnlineStatus", "getAllOnline", "sendMessageToUser", "GOODBYE"]
        self.assertEqual(asked, expected)
        self.assertNotIn(token, smoke.printed)

    async def test_smoke(self) -> None:
        """``token`` and ``smoke`` work in the clear."""
        await self.start()
        self.assertEqual(urlsplit(self.url).scheme, "ws")
        await self.assert_smoke()

    async def test_smoke_by_tls(self) -> None:
        """``smoke`` works by TLS with an authority of one's own."""
        authority = Authority(self)
        pem = authority.write_pem("127.0.0.1")
        await self.start(f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1")
        self.assertEqual(urlsplit(self.url).scheme, "wss")
        await self.assert_smoke("--ca", authority.write())

    async def test_smoke_of_a_stranger(self) -> None:
        """``smoke`` fails for who does not know the authority, and says why in one line."""
        pem = Authority(self).write_pem("127.0.0.1")
        await self.start(f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1")
        smoke = self.run_ctl("smoke", self.url, PRESENCE_TOKEN=await self.token(USER.email))
        self.assertEqual(await smoke.ended, 1)
        self.assertRegex(smoke.printed, r"\Apresencectl: cannot connect to .*certificate.* --ca\n\Z")

    async def test_send(self) -> None:
        """``send`` brings a message to a user, and says how many sockets took it."""
        await self.start()
        port = urlsplit(self.url).port
        assert port is not None
        client = await talk(self, to(port))
        await client.hello(CLIENT.id, await self.token(CLIENT.email), broadcast=False)
        token = await self.token(USER.email)
        send = self.run_ctl("send", self.url, str(CLIENT.id), '{"text": "hi"}', PRESENCE_TOKEN=token)
        self.assertEqual(await send.ended, 0, send.printed)
        self.assertIn("1 socket took it", send.printed)
        message = await client.events.get()
        self.assertEqual((message["from"], message["message"]), (USER.id, {"text": "hi"}))

    async def test_watch(self) -> None:
        """``watch`` tells who comes and goes, until Ctrl-C."""
        await self.start()
        watch = self.run_ctl("watch", self.url, PRESENCE_TOKEN=await self.token(USER.email))
        await watch.prints(f"(?m)^online: {USER.id}$")
        port = urlsplit(self.url).port
        assert port is not None
        client = await talk(self, to(port))
        await client.hello(CLIENT.id, await self.token(CLIENT.email))
        await watch.prints(f"(?m)^{CLIENT.id} went online$")
        await client.ask("GOODBYE")
        await watch.prints(f"(?m)^{CLIENT.id} went offline$")
        watch.signal("INT")
        self.assertEqual(await watch.ended, 0)
        self.assertNotIn("Traceback", watch.printed)
