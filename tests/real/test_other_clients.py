"""Clients that nobody here wrote talk to the daemon."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.trial.unittest import SkipTest, TestCase

from tests.real.account_api import USER, serve_api
from tests.real.processes import PRESENCE, TWISTD, reserve_port, spawn
from tests.real.talker import talk

CLIENTS = Path(__file__).with_name("clients")

SEEN = {
    "subprotocol": "presence.v1.json",
    "early": "not_identified",
    "hello": ["OK", USER.id],
    "onlineUsers": [USER.id],
    "subscribed": [USER.id],
    "getAllOnline": [USER.id],
    "ownSocket": True,
    "delivered": 1,
    "message": [USER.id, True],
    "ping": "OK",
    "goodbye": "OK",
    "late": "not_identified",
    "closed": 1000,
    "binary": 1003,
    "silent": 4508,
}


DEFLATED = {"extension": "permessage-deflate", "same": True, "compressed": [True, True]}


class OtherClientsTests(TestCase):
    timeout = 20

    async def serve(self, *options: str) -> None:
        """Start a daemon, and an account API for it."""
        self.api, self.port = await serve_api(self), reserve_port(self)
        endpoint = f"tcp:{self.port}:interface=127.0.0.1"
        words = ("--api-url", self.api.url, "--settle=0", *options, "-e", endpoint)
        daemon = spawn(self, *TWISTD, *PRESENCE, *words)
        await daemon.prints("listening on ")

    async def assert_sees(self, seen: object, *program: str | Path) -> None:
        """Assert that a program that talks to the daemon prints this."""
        words = (f"ws://127.0.0.1:{self.port}/", str(USER.id), self.api.token(USER.id))
        client = spawn(self, *program, *words)
        self.assertEqual(await client.ended, 0, client.printed)
        self.assertEqual(json.loads(client.printed), seen)

    async def test_websockets(self) -> None:
        """The package ``websockets`` plays a whole session, and sees all of it and the close codes."""
        await self.serve("--hello-timeout=0.5")
        await self.assert_sees(SEEN, sys.executable, CLIENTS / "session.py")

    async def test_node(self) -> None:
        """Node's ``ws`` plays a whole session."""
        node = await self.node()
        await self.serve("--hello-timeout=0.5")
        await self.assert_sees(SEEN, node, CLIENTS / "session.js")

    async def test_websockets_deflate(self) -> None:
        """The package ``websockets`` reads what we compress, and is read."""
        await self.serve()
        seen = {"extension": "permessage-deflate", "same": True}
        await self.assert_sees(seen, sys.executable, CLIENTS / "deflate.py")

    async def test_node_deflate(self) -> None:
        """Node's ``ws`` does, too."""
        node = await self.node()
        await self.serve()
        await self.assert_sees(DEFLATED, node, CLIENTS / "deflate.js")

    async def test_node_without_compression(self) -> None:
        """With ``--compression off`` it speaks without, though it would compress."""
        node = await self.node()
        await self.serve("--compression=off")
        seen = {"extension": "", "same": True, "compressed": [False, False]}
        await self.assert_sees(seen, node, CLIENTS / "deflate.js")

    async def test_node_without_fast_path(self) -> None:
        """With ``--no-fast-path`` all is the same."""
        node = await self.node()
        await self.serve("--no-fast-path")
        await self.assert_sees(DEFLATED, node, CLIENTS / "deflate.js")

    async def test_autobahn_deflate(self) -> None:
        """Autobahn's client reads what we compress, and is read."""
        await self.serve()
        client = await talk(self, TCP4ClientEndpoint(reactor, "127.0.0.1", self.port), deflates=True)
        await client.hello(USER.id, self.api.token(USER.id), broadcast=False)
        texts = [f"{number} grüß dich ✓ " * 1500 for number in range(5)]
        for text in texts:
            await client.ask("sendMessageToUser", id=USER.id, message=text)
        came = [await client.events.get() for _ in texts]
        self.assertEqual([event["message"] for event in came], texts)
        stats = client.trafficStats
        self.assertLess(stats.incomingOctetsWebSocketLevel, stats.incomingOctetsAppLevel / 10)

    async def node(self) -> str:
        """Return the path of node, where it can load ws."""
        node = shutil.which("node")
        if node is None:
            raise SkipTest("there is no node")
        modules = os.environ.get("PRESENCE_NODE_MODULES")
        wanted = "ws" if modules is None else str(Path(modules, "ws"))
        if await spawn(self, node, "-e", "require(process.argv[1])", wanted).ended != 0:
            raise SkipTest("node has no package ws; say where by PRESENCE_NODE_MODULES")
        return node
