"""Clients that nobody here wrote talk to the daemon."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

from tests.real.account_api import USER, serve_api
from tests.real.processes import PRESENCE, TWISTD, reserve_port, spawn

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


class OtherClientsTests(TestCase):
    timeout = 20

    async def assert_session(self, *program: str | Path) -> None:
        """Assert that a program sees all of a session, and the close codes."""
        api, port = await serve_api(self), reserve_port(self)
        options = ("--api-url", api.url, "--settle=0", "--hello-timeout=0.5")
        daemon = spawn(self, *TWISTD, *PRESENCE, *options, "-e", f"tcp:{port}:interface=127.0.0.1")
        await daemon.prints("listening on ")
        words = (f"ws://127.0.0.1:{port}/", str(USER.id), api.token(USER.id))
        client = spawn(self, *program, *words)
        self.assertEqual(await client.ended, 0, client.printed)
        self.assertEqual(json.loads(client.printed), SEEN)

    async def test_websockets(self) -> None:
        """The package ``websockets`` plays a whole session."""
        await self.assert_session(sys.executable, CLIENTS / "session.py")

    async def test_node(self) -> None:
        """Node's ``ws`` plays a whole session."""
        await self.assert_session(await self.node(), CLIENTS / "session.js")

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
