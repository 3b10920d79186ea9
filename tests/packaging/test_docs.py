"""The documents say what the code does."""

from __future__ import annotations

import itertools
import re

from twisted.trial.unittest import SynchronousTestCase

from presence.wire.closing import CloseCode
from presence.wire.codec import decode_answer, decode_request, type_of
from presence.wire.errors import ErrorCode
from presence.wire.messages import EVENTS, REQUESTS, Error, Ok
from tests.docs.pages import DOCS, frames

PROTOCOL = (DOCS / "protocol.rst").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table after a heading, by their first column."""
    _, _, rest = PROTOCOL.partition(f"\n{heading}\n---")
    ruler, _, *rows = rest[rest.index("\n===") + 1 :].splitlines()
    columns = [match.span() for match in re.finditer("=+", ruler)]
    body = itertools.takewhile(lambda row: row != ruler, rows[1:])
    cells = [[row[start:end].strip().strip("`") for start, end in columns] for row in body]
    return {first: others for first, *others in cells if first}


class ProtocolTests(SynchronousTestCase):
    def test_requests_are_valid(self) -> None:
        """The daemon takes every request of the text, and the text shows each kind."""
        shown = {type_of(decode_request(frame)) for frame in frames(PROTOCOL, "→")}
        self.assertEqual(shown, set(REQUESTS))

    def test_answers_are_valid(self) -> None:
        """The client knows every answer of the text, and the text shows each event."""
        answers = [decode_answer(frame) for frame in frames(PROTOCOL, "←")]
        shown = {type_of(answer) for answer in answers if answer is not None}
        self.assertNotIn(None, answers)
        self.assertEqual(shown, {*EVENTS, "OK", "ERROR"})

    def test_replies_answer_a_request(self) -> None:
        """Every reply of the text says which request it answers."""
        replies = [
            answer
            for frame in frames(PROTOCOL, "←")
            if isinstance(answer := decode_answer(frame), Ok | Error)
        ]
        self.assertLessEqual({reply.re for reply in replies}, set(REQUESTS))

    def test_example_errors(self) -> None:
        """The errors of the text have codes that exist, each as temporary as it is."""
        errors = [
            answer for frame in frames(PROTOCOL, "←") if isinstance(answer := decode_answer(frame), Error)
        ]
        for error in errors:
            self.assertEqual(ErrorCode(error.code).temporary, error.temporary)

    def test_table_of_requests(self) -> None:
        """The table of requests has a row for each."""
        self.assertEqual(list(table("The requests")), list(REQUESTS))

    def test_table_of_errors(self) -> None:
        """The table of errors has every code, and says which of them pass by themselves."""
        said = {code: row[0] for code, row in table("Errors").items()}
        expected = {str(code): "yes" if code.temporary else "no" for code in ErrorCode}
        self.assertEqual(said, expected | {"auth_unavailable": "mostly"})

    def test_table_of_close_codes(self) -> None:
        """The table of close codes has every code with its reason."""
        said = {code: row[0] for code, row in table("Close codes").items()}
        self.assertEqual(said, {str(int(code)): code.reason for code in CloseCode})
