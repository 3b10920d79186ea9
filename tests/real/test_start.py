"""How the daemon starts, and how it says that it cannot."""

from __future__ import annotations

import re
import socket

from twisted.trial.unittest import TestCase

from presence import __version__
from presence.options import OPTIONS
from presence.options.option import Flag
from tests.real.processes import NO_FAULT, PYTHON_M_TWISTED, TWIST, TWISTD, Running, spawn

API = ("--api-url", "http://127.0.0.1:9")


class TakenPortTests(TestCase):
    timeout = 20

    def setUp(self) -> None:
        """Take a port."""
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        self.endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"

    async def assert_ends(self, *words: str) -> None:
        """Assert that the daemon ends and names the endpoint in one line."""
        daemon = spawn(self, *words, "-e", self.endpoint)
        self.assertEqual(await daemon.ended, 1)
        self.assertRegex(daemon.printed, NO_FAULT)
        (line,) = (line for line in daemon.printed.splitlines() if "cannot listen" in line)
        self.assertIn(f"presence: cannot listen on {self.endpoint}: ", line)
        self.assertIn("Address already in use", line)

    async def test_twistd(self) -> None:
        """A taken port ends ``twistd`` with one line that names the endpoint."""
        await self.assert_ends(*TWISTD, "presence", *API)

    async def test_twist(self) -> None:
        """A taken port ends ``twist`` in the same way."""
        await self.assert_ends(*TWIST, "presence", *API)

    async def test_python_m_twisted(self) -> None:
        """A taken port ends ``python -m twisted`` in the same way."""
        await self.assert_ends(*PYTHON_M_TWISTED, "presence", *API)

    async def test_demo(self) -> None:
        """A taken port of the page ends the demo, though the daemon has got its own."""
        daemon = spawn(
            self,
            *TWISTD,
            "presence",
            "--demo",
            "-e",
            "tcp:0:interface=127.0.0.1",
            "--demo-endpoint",
            self.endpoint,
        )
        self.assertEqual(await daemon.ended, 1)
        self.assertRegex(daemon.printed, NO_FAULT)
        self.assertIn(f"presence: cannot listen on {self.endpoint}: ", daemon.printed)


class BadUsageTests(TestCase):
    timeout = 20

    async def assert_refused(self, *options: str, says: str) -> None:
        """Assert that ``twistd`` ends with a last line that says what is wrong and what to do."""
        daemon = spawn(self, *TWISTD, "presence", *options)
        self.assertEqual(await daemon.ended, 1)
        self.assertRegex(daemon.printed, NO_FAULT)
        self.assertRegex(daemon.printed.strip().splitlines()[-1], f": .*{says}")

    async def test_no_api(self) -> None:
        """Without an account API there is nothing to start."""
        await self.assert_refused(says="give --api-url, .* or --demo")

    async def test_plain_http(self) -> None:
        """An API that is reached in the clear over a network has to be allowed."""
        await self.assert_refused(
            "--api-url", "http://api.example.com", says="use https:// or say --allow-insecure-api"
        )

    async def test_no_url(self) -> None:
        """An API without a scheme is shown a whole address."""
        await self.assert_refused("--api-url", "api.example.com", says="such as https://api.example.com")

    async def test_no_key(self) -> None:
        """``ssl:`` without a key names the missing file, and how to make one."""
        await self.assert_refused(*API, "-e", "ssl:443", says="server.pem: No such file.*openssl req")

    async def test_no_endpoint(self) -> None:
        """What is no endpoint is shown some that are."""
        await self.assert_refused(*API, "-e", "nowhere:1", says="nowhere:1.*examples: tcp:8080")

    async def test_bad_number(self) -> None:
        """What is no number is told which numbers will do."""
        await self.assert_refused(*API, "--settle", "soon", says="--settle soon: give a number .* from 0")

    async def test_number_out_of_range(self) -> None:
        """A number that is too small is told which numbers will do."""
        await self.assert_refused(*API, "--offline-delay=-1", says="--offline-delay -1: give .* from 0")

    async def test_bad_origin(self) -> None:
        """What is no origin is told so."""
        await self.assert_refused(
            *API, "--allowed-origin", "example.com", says="--allowed-origin example.com: give .*https://"
        )

    async def test_demo_for_all(self) -> None:
        """The demo is not served to a network."""
        await self.assert_refused(
            "--demo", "-e", "tcp:0", says="for this machine alone; give .* interface=127.0.0.1"
        )


class InformationTests(TestCase):
    timeout = 20

    async def run_to_end(self, *words: str) -> Running:
        """Run ``twistd presence`` until it has said everything."""
        process = spawn(self, *TWISTD, "presence", *words)
        self.assertEqual(await process.ended, 0)
        return process

    async def test_version(self) -> None:
        """The version is that of presence."""
        self.assertEqual((await self.run_to_end("--version")).printed, f"presence {__version__}\n")

    async def test_help(self) -> None:
        """The help tells the default of every option."""
        text = (await self.run_to_end("--help")).printed
        options = text.partition("Options:\n")[2].partition("\n\n")[0]
        entries = re.split(r"(?m)^ +(?:-\w, )?(?=--[a-z-]+=?(?: {2}|$))", options)[1:]
        told = dict(" ".join(entry.split()).split(" ", 1) for entry in entries)
        self.assertIn("Required, unless --demo.", told["--api-url="])
        for option in OPTIONS.values():
            name = f"--{option.name}" if isinstance(option, Flag) else f"--{option.name}="
            self.assertTrue(told[name].endswith(option.help), told[name])

    async def test_help_ends_with_examples(self) -> None:
        """The help ends with three examples and where to read on."""
        ending = (await self.run_to_end("--help")).printed.partition("\nExamples:\n")[2]
        self.assertEqual(ending.count("twistd -n --pidfile= presence"), 3)
        self.assertIn("\nDocs: ", ending)
