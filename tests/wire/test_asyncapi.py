"""The machine-readable description of the protocol."""

from __future__ import annotations

import contextlib
import io
import json
import re
import runpy
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from presence.wire import asyncapi
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import EVENTS, REQUESTS

COMMITTED = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def lookup(document: Any, reference: str) -> Any:  # noqa: ANN401 - JSON has any shape
    """Return what a reference inside of a document points to."""
    for key in reference.removeprefix("#/").split("/"):
        document = document[key]
    return document


class DocumentTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make the document."""
        self.document = asyncapi.document()

    def test_committed_file_is_current(self) -> None:
        """The file in ``docs`` is what ``python -m presence.wire.asyncapi`` writes now."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            runpy.run_path(asyncapi.__file__, run_name="__main__")
        self.assertEqual(COMMITTED.read_text(encoding="utf-8"), out.getvalue())

    def test_every_request_is_received_and_every_event_sent(self) -> None:
        """The operations are the requests and the events, each in its direction."""
        actions = {name: operation["action"] for name, operation in self.document["operations"].items()}
        expected = dict.fromkeys(REQUESTS, "receive") | dict.fromkeys(EVENTS, "send")
        self.assertEqual(actions, expected)

    def test_replies(self) -> None:
        """A request is answered by its own OK, or by an ERROR."""
        replies = self.document["operations"]["HELLO"]["reply"]["messages"]
        found = [lookup(self.document, message["$ref"])["$ref"] for message in replies]
        self.assertEqual(found, ["#/components/messages/HelloOk", "#/components/messages/Error"])

    def test_references_resolve(self) -> None:
        """Every reference in the document points to something in it."""
        references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(self.document)))
        self.assertGreater(len(references), 20)
        for reference in references:
            self.assertIsNotNone(lookup(self.document, reference))

    def test_fields_are_described(self) -> None:
        """What the docstring of a type says of a field stands at the field, by its name on the wire."""
        message = self.document["components"]["schemas"]["Message"]
        self.assertEqual(message["description"], "A message for this user.")
        self.assertIn("who sent it", message["properties"]["from"]["description"])
        self.assertFalse(":ivar" in json.dumps(self.document))

    def test_codes(self) -> None:
        """All error codes and close codes are listed."""
        codes = self.document["components"]["schemas"]["Error"]["properties"]["code"]["examples"]
        self.assertEqual(codes, [str(code) for code in ErrorCode])
        closes = self.document["channels"]["socket"]["x-close-codes"]
        self.assertEqual(closes["4401"], {"reason": CloseCode.TOKEN_REVOKED.reason, "reconnects": False})
        self.assertEqual(len(closes), len(CloseCode))
