"""After compression was agreed to, the framing layer gives each answer of the table."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tests.conformance.deflate import ALL, COMPRESSED, TABLE, deflated, offering
from tests.conformance.table import LARGEST_MESSAGE
from tests.conformance.test_rfc6455 import SETTINGS, WITHOUT_FAST_PATH, ask_echo, byte_by_byte
from tests.websocket.peer import TEXT, frame

Answer = tuple[bytes, int | None]

EXPECTED = {row.name: (row.answer, row.code) for row in TABLE}
HANDSHAKE = offering("permessage-deflate")


class TableTests(SynchronousTestCase):
    settings = SETTINGS

    def ask(self, *chunks: bytes) -> Answer:
        """Return the answer of the echo."""
        return ask_echo(self.settings, *chunks)

    def assert_expected(self, answers: dict[str, Answer]) -> None:
        """Assert that the answers are those of the table; name those that are not."""
        self.assertEqual([name for name, answer in EXPECTED.items() if answers[name] != answer], [])

    def test_at_once(self) -> None:
        """The answer to a row that comes in one piece is what the RFC demands."""
        self.assert_expected({row.name: self.ask(HANDSHAKE, row.sent) for row in TABLE})

    def test_byte_by_byte(self) -> None:
        """The answer to a row does not depend on how it is cut."""
        self.assert_expected({row.name: self.ask(HANDSHAKE, *byte_by_byte(row.sent)) for row in TABLE})

    def test_with_the_handshake(self) -> None:
        """The answer to a row does not depend on whether it comes along with the handshake."""
        answers = {row.name: self.ask(HANDSHAKE + row.sent) for row in TABLE if len(row.sent) < 4096}
        self.assert_expected({**EXPECTED, **answers})

    def test_compression_off(self) -> None:
        """Where there is no compression, each compressed frame is a protocol error."""
        settings = attrs.evolve(self.settings, compression=False)
        first = TABLE[0].sent
        self.assertEqual(ask_echo(settings, HANDSHAKE, first), (b"", 1002))

    def test_bounded(self) -> None:
        """A frame that would inflate to a hundred times the limit never takes much more than that."""
        bomb = frame(TEXT, deflated(bytes(100 * LARGEST_MESSAGE)), first=ALL | COMPRESSED)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.assertEqual(self.ask(HANDSHAKE, bomb), (b"", 1009))
        _, peak = tracemalloc.get_traced_memory()
        self.assertLess(peak, 8 * LARGEST_MESSAGE)


class TableWithoutFastPathTests(TableTests):
    settings = WITHOUT_FAST_PATH


class TableItselfTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Each row has a name of its own."""
        twice = {name for name, times in Counter(row.name for row in TABLE).items() if times > 1}
        self.assertEqual(twice, set())
