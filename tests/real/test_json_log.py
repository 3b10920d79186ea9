"""The log of a process as lines of JSON."""

from __future__ import annotations

import json
from datetime import datetime

from twisted.trial.unittest import TestCase

from tests.real.processes import TWISTD, spawn

ANY_PORT = "tcp:0:interface=127.0.0.1"


class JsonLogTests(TestCase):
    timeout = 20

    async def test_json_lines(self) -> None:
        """Whatever the daemon and Twisted log is an object on a line of its own."""
        daemon = spawn(
            self,
            *TWISTD,
            "--logger=presence.logs.json_lines",
            *("presence", "--demo", "-e", ANY_PORT, "--demo-endpoint", ANY_PORT),
        )
        await daemon.prints("a token:")
        daemon.signal("TERM")
        self.assertEqual(await daemon.ended, 0)
        events = [json.loads(line) for line in daemon.printed.splitlines()]
        for event in events:
            self.assertEqual(list(event)[:4], ["time", "level", "namespace", "message"])
            datetime.fromisoformat(event["time"])
        self.assertEqual(
            [event["email"] for event in events if event.get("id") == 1], ["user@volunteer-vision.com"]
        )
