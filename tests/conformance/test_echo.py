"""The echo is for tests alone, and the documented command runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.conformance.sockets import connect
from tests.conformance.table import echoed
from tests.real.processes import spawn
from tests.test_architecture import imports, modules, within
from tests.websocket.peer import TEXT, frame

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


class ReachTests(SynchronousTestCase):
    def test_nothing_imports_it(self) -> None:
        """No module of the daemon imports the echo, or any other test."""
        found = [name for name, path in modules().items() if any(within(t, {"tests"}) for t in imports(path))]
        self.assertEqual(found, [])


class ProgramTests(TestCase):
    timeout = 20

    async def test_serves(self) -> None:
        """The program says where it listens, on this machine alone, and sends back what comes."""
        echo = spawn(
            self,
            sys.executable,
            "-m",
            "tests.conformance.echo",
            "--port",
            "0",
            environment={"PYTHONPATH": str(ROOT)},
        )
        said = await echo.prints(r"ws://127\.0\.0\.1:(\d+)/")
        wire = await connect(self, TCP4ClientEndpoint(reactor, "127.0.0.1", int(said[1])))
        wire.transport.write(frame(TEXT, b"Hello"))
        self.assertEqual(await wire.receives(7), echoed(TEXT, b"Hello"))


class DocumentTests(SynchronousTestCase):
    def test_specification(self) -> None:
        """The documented commands, and the suite's specification beside this test, fit together."""
        text = (ROOT / "docs" / "conformance.rst").read_text(encoding="utf-8")
        specification = json.loads((HERE / "fuzzingclient.json").read_text(encoding="utf-8"))
        self.assertIn("python -m tests.conformance.echo --port 9001", text)
        self.assertIn("-s /conformance/fuzzingclient.json", text)
        self.assertEqual([server["url"] for server in specification["servers"]], ["ws://127.0.0.1:9001"])
        self.assertEqual(specification["outdir"], "/reports")
