"""The framing layer gives each answer of the table, however the bytes arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import cast

import attrs
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from presence.config import Settings
from tests.conformance.echo import EchoFactory
from tests.conformance.sockets import connect, serve_echo
from tests.conformance.table import HANDSHAKE, LARGEST_MESSAGE, TABLE, closing
from tests.websocket.peer import CLOSE, Peer, Transport

SETTINGS = Settings(max_message_bytes=LARGEST_MESSAGE)

WITHOUT_FAST_PATH = attrs.evolve(SETTINGS, fast_path=False)

SOME = [row for row in TABLE[::5] if not row.name.startswith("half")]
"""Rows of every kind, for what takes longer; none ends within a frame."""

EXPECTED = {row.name: (row.answer, row.code) for row in TABLE}


def read(written: bytes) -> tuple[bytes, int | None]:
    """Return what a server wrote before its close frame, and the code of that."""
    frames = Peer.frames(written)
    if frames and frames[-1][0] == CLOSE:
        _, closed = frames[-1]
        return written[: -len(closed) - 2], int.from_bytes(closed[:2])
    return written, None


def ask_echo(settings: Settings, *chunks: bytes) -> tuple[bytes, int | None]:
    """Return the answer of the echo to what comes in these chunks, after its own to the handshake."""
    protocol = cast("IProtocol", EchoFactory(settings, Clock()).buildProtocol(None))
    transport = Transport()
    protocol.makeConnection(transport)
    for chunk in chunks:
        protocol.dataReceived(chunk)
    return read(transport.value().partition(b"\r\n\r\n")[2])


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    """Yield the bytes of a string, each alone, but for the middle of a long payload."""
    middle = data[1000:-1000]
    single = (bytes((byte,)) for byte in data)
    yield from islice(single, 1000)
    yield middle
    yield from islice(single, len(middle), None)


class TableTests(SynchronousTestCase):
    settings = SETTINGS

    def ask(self, *chunks: bytes) -> tuple[bytes, int | None]:
        """Return the answer of the echo."""
        return ask_echo(self.settings, *chunks)

    def test_at_once(self) -> None:
        """The answer to a row that comes in one piece is what the RFC demands."""
        self.assertEqual({row.name: self.ask(HANDSHAKE, row.sent) for row in TABLE}, EXPECTED)

    def test_byte_by_byte(self) -> None:
        """The answer to a row does not depend on how it is cut."""
        answers = {row.name: self.ask(HANDSHAKE, *byte_by_byte(row.sent)) for row in TABLE}
        self.assertEqual(answers, EXPECTED)

    def test_with_the_handshake(self) -> None:
        """The answer to a row does not depend on whether it comes along with the handshake."""
        answers = {row.name: self.ask(HANDSHAKE + row.sent) for row in SOME}
        self.assertEqual(answers, {row.name: EXPECTED[row.name] for row in SOME})


class TableWithoutFastPathTests(TableTests):
    settings = WITHOUT_FAST_PATH


class TableItselfTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Each row has a name of its own, and there are enough of them."""
        twice = {name for name, times in Counter(row.name for row in TABLE).items() if times > 1}
        self.assertEqual(twice, set())
        self.assertGreater(len(TABLE), 350)


class SocketTests(TestCase):
    timeout = 60
    settings = SETTINGS

    async def assert_same(self, *, tls: bool) -> None:
        """Assert that the answers are the same over real sockets, up to a close frame."""
        clients = await serve_echo(self, self.settings, tls=tls)
        for row in SOME:
            code = 1000 if row.code is None else row.code
            wire = await connect(self, clients)
            wire.transport.write(row.sent + closing(1000))
            answer = await wire.receives(len(row.answer) + 4)
            self.assertEqual((row.name, *read(answer)), (row.name, row.answer, code))
            wire.leave()
            await wire.ended

    async def test_plain(self) -> None:
        """The answers over TCP are the same."""
        await self.assert_same(tls=False)

    async def test_tls(self) -> None:
        """The answers over TLS are the same."""
        await self.assert_same(tls=True)


class SocketWithoutFastPathTests(SocketTests):
    settings = WITHOUT_FAST_PATH
