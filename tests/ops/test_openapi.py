"""The machine-readable description of the HTTP API."""

from __future__ import annotations

import contextlib
import io
import json
import re
import runpy
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from presence.ops import openapi
from tests.ops.endpoint import Endpoint
from tests.wire.test_asyncapi import lookup

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


class DocumentTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make the document."""
        self.document = openapi.document()

    def test_committed_file_is_current(self) -> None:
        """The file in ``docs`` is what ``python -m presence.ops.openapi`` writes now."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            runpy.run_path(openapi.__file__, run_name="__main__")
        self.assertEqual(COMMITTED.read_text(encoding="utf-8"), out.getvalue())

    def test_served(self) -> None:
        """Who has the key gets it from the daemon, and nobody else."""
        endpoint = Endpoint()
        self.assertEqual(endpoint.ask_with_key("GET /api/v1/openapi.json").json, self.document)
        self.assertEqual(endpoint.ask("GET /api/v1/openapi.json").status, 401)

    def test_every_operation_is_there(self) -> None:
        """Each operation of the document has a place that knows its method, and 405 for another."""
        for path, operations in self.document["paths"].items():
            for method in (*operations, "patch"):
                endpoint = Endpoint()
                endpoint.daemon.hello(1)
                (socket,) = endpoint.daemon.roster.sockets
                real = path.replace("{id}", "1").replace("{socket}", socket)
                endpoint.send(f"{method.upper()} {real}", Authorization=f"Bearer {endpoint.access.key}")
                status = int(endpoint.transport.value().split(b" ")[1])
                self.assertEqual(status in {404, 405}, method == "patch", f"{method} {real}: {status}")

    def test_references_resolve(self) -> None:
        """Every reference in the document points to something in it."""
        references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(self.document)))
        self.assertGreater(len(references), 9)
        for reference in references:
            self.assertIsNotNone(lookup(self.document, reference))
