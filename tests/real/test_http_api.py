"""The HTTP API of a daemon as it is started: by its document, by its page, and until its end."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from shutil import which

from twisted.trial.unittest import TestCase

from presence.demo.accounts import SAMPLE_PASSWORD
from presence.wire.closing import CloseCode
from tests.canary import keep, secret
from tests.real.account_api import CLIENT, USER
from tests.real.processes import (
    NO_FAULT,
    PRESENCE,
    TWISTD,
    Running,
    new_path,
    reserve_port,
    script,
    spawn,
)
from tests.real.talker import Talker, talk
from tests.real.test_endpoints import to

TCP = "tcp:0:interface=127.0.0.1"
KEY = secret("ops-key")
PAGE = (Path(__file__).parents[2] / "docs" / "http-api.rst").read_text(encoding="utf-8")

CURL = which("curl")

EXAMPLES = 20
"""How many made-up requests there are for each operation, beside those that follow from the document."""


class HttpApiTestCase(TestCase):
    timeout = 60

    async def start(self) -> None:
        """Start the demo with a key, and note its addresses."""
        self.key_file = new_path(self)
        self.key_file.write_text(f"{KEY}\n")
        self.port = reserve_port(self)
        self.daemon = spawn(
            self,
            *(*TWISTD, *PRESENCE, "--demo", "--demo-visitors=0", "--demo-endpoint", TCP, "-e", TCP),
            "--broadcast-interval=0",  # so that each answer has what was done before it
            *("--ops-endpoint", f"tcp:{self.port}:interface=127.0.0.1", "--ops-key-file", self.key_file),
        )
        self.accounts: str = (await self.daemon.prints(r"demo page: +(\S+)"))[1]
        self.clients_port = int((await self.daemon.prints(r"WebSocket: +ws://127.0.0.1:(\d+)"))[1])

    @property
    def url(self) -> str:
        """The address of the endpoint."""
        return f"http://127.0.0.1:{self.port}"

    async def log_in(self, email: str, user_id: int) -> Talker:
        """Return a client that is in."""
        password = {"PRESENCE_PASSWORD": SAMPLE_PASSWORD}
        words = ("token", "--user", email, "--api", self.accounts)
        process = spawn(self, sys.executable, script("presencectl"), *words, environment=password)
        await process.ended
        client = await talk(self, to(self.clients_port))
        await client.hello(user_id, keep(process.printed.strip()), client="phone")
        return client

    def spawn_with_key(self, *argv: str) -> Running:
        """Start a process that finds the key in its environment."""
        return spawn(self, *argv, environment={"KEY": KEY, "PRESENCE_OPS_KEY": KEY, "NO_PROXY": "*"})


def examples() -> list[tuple[str, str]]:
    """Return the commands of the page, each with what it prints, on one line."""
    found = re.findall(r"^    \$ ((?:.*\\\n)*.*\n)((?:(?:    .*)?\n)+)", PAGE, re.MULTILINE)
    return [(command, joined(output)) for command, output in found]


def joined(text: str) -> str:
    """Return a text without line ends, and without what is different each time."""
    text = "".join(line.strip() for line in text.splitlines())
    text = re.sub(r"[0-9a-f]{16,}", "X", text)
    text = re.sub(r'"(version|previous|since|at)":[\d.]+', r'"\1":0', text)
    return re.sub(r"tcp4:[\d.:]+|(?<=id: X:)\d+", "", text)


class PageTests(HttpApiTestCase):
    skip = None if CURL else "there is no curl"

    async def test_examples(self) -> None:
        """Every command of the page prints what the page says."""
        await self.start()
        client = await self.log_in(USER.email, USER.id)
        await client.events.get()
        self.assertEqual(len(examples()), PAGE.count("$ curl"))
        for command, expected in examples():
            run = self.spawn_with_key("/bin/sh", "-c", command.replace("http://127.0.0.1:8081", self.url))
            self.assertIn(await run.ended, {0, 28 if "-m 1" in command else 0}, run.printed)
            self.assertEqual(joined(run.printed), expected)
        self.assertEqual(await client.ended, CloseCode.DISCONNECTED)
        self.assertRegex(self.daemon.printed, NO_FAULT)

    async def test_consumer(self) -> None:
        """The consumer of the page follows who comes and goes, and goes on after it lost its stream."""
        await self.start()
        source = PAGE.partition(".. code-block:: python\n")[2].partition("\nEvery 15")[0]
        program = re.sub("^    ", "", source.replace("http://127.0.0.1:8081", self.url), flags=re.MULTILINE)
        consumer = self.spawn_with_key(sys.executable, "-c", program)
        await consumer.prints(r"online: \[\]")
        client = await self.log_in(CLIENT.email, CLIENT.id)
        await consumer.prints(rf"online: \[{CLIENT.id}\]")
        await client.ask("GOODBYE")
        await consumer.prints(rf"online: \[{CLIENT.id}\]\s+online: \[\]")
        self.daemon.signal("TERM")
        await consumer.prints("lost: .*refused")
        self.assertEqual(await self.daemon.ended, 0)


class DocumentTests(HttpApiTestCase):
    async def test_conforms(self) -> None:
        """Whatever is asked by the document, and against it, is answered as the document says."""
        await self.start()
        # It asks for no document again. The check that is left out takes 7.0 for an integer, as JSON
        # Schema does.
        run = self.spawn_with_key(
            *(script("schemathesis"), "run", f"{self.url}/api/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {KEY}", "--exclude-path", "/api/v1/events"),
            *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
            *("--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
        )
        self.assertEqual(await run.ended, 0, run.printed)
        self.assertRegex(run.printed, r"Tested: +9")
        self.assertRegex(self.daemon.printed, NO_FAULT)


class EndTests(HttpApiTestCase):
    async def test_streams_end(self) -> None:
        """A stream holds no stop up, and ends as a response does that is complete."""
        await self.start()
        header = f"Authorization: Bearer {KEY}"
        curl = spawn(self, CURL or "", "-sSN", "-H", header, f"{self.url}/api/v1/events")
        await curl.prints("event: reset")
        self.daemon.signal("TERM")
        self.assertEqual((await curl.ended, await self.daemon.ended), (0, 0), curl.printed)

    if not CURL:
        test_streams_end.skip = "there is no curl"  # type: ignore[attr-defined]  # trial looks there

    async def test_health(self) -> None:
        """``presencectl health`` tells by its exit code whether the daemon is there; ``who`` asks it."""
        await self.start()
        words = (sys.executable, script("presencectl"))
        for command, printed in (("health", "ready\n"), ("who", "online: nobody\n")):
            run = self.spawn_with_key(*words, command, self.url)
            self.assertEqual((await run.ended, run.printed), (0, printed))
        self.daemon.signal("TERM")
        await self.daemon.ended
        run = self.spawn_with_key(*words, "health", self.url)
        self.assertEqual(await run.ended, 1)
        self.assertRegex(run.printed, r"\Apresencectl: cannot ask .*refused.*\n\Z")
