"""How connections end, over real sockets: with a close frame and a FIN, never with a reset."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.trial.unittest import TestCase

from presence.config import Settings
from tests.conformance.sockets import Wire, connect, serve_echo
from tests.conformance.table import closing, echoed
from tests.websocket.peer import CLOSE, PING, TEXT, frame

ANSWER = echoed(CLOSE, (1000).to_bytes(2))


class PlainTests(TestCase):
    timeout = 20
    tls = False

    def setUp(self) -> Deferred[None]:  # type: ignore[override] # trial's may be asynchronous
        """Serve the echo, which lingers for longer than a test takes, and connect to it."""
        return Deferred.fromCoroutine(self.connect())

    async def connect(self) -> None:
        """Serve and connect."""
        self.clients = await serve_echo(self, Settings(linger=60), tls=self.tls)
        self.wire = await connect(self, self.clients)

    async def assert_ends(self, wire: Wire, answer: bytes) -> None:
        """Assert that the server ended the connection in order, with this."""
        ending = await wire.ended
        self.assertEqual(wire.received, answer)
        self.assertIsInstance(ending, ConnectionDone)

    async def test_client_closes(self) -> None:
        """A client that closes gets a close frame and the end of the connection."""
        self.wire.transport.write(closing(1000))
        await self.assert_ends(self.wire, ANSWER)

    async def test_echo_before_the_end(self) -> None:
        """What was sent before the close frame of the client arrives, however much it is."""
        text = b"*" * 60_000
        self.wire.transport.write(frame(TEXT, text) * 5 + closing(1000))
        await self.assert_ends(self.wire, echoed(TEXT, text) * 5 + ANSWER)

    async def test_client_answers(self) -> None:
        """A client that answers our close frame gets the end of the connection."""
        self.wire.transport.write(frame(3, b""))
        answer = await self.wire.receives(2)
        self.wire.transport.write(closing(1002))
        await self.assert_ends(self.wire, answer)
        self.assertEqual(answer[2:4], (1002).to_bytes(2))

    async def test_both_close_at_once(self) -> None:
        """A client whose close frame crosses ours gets ours and the end of the connection."""
        self.wire.transport.write(frame(3, b"") + closing(1000))
        answer = await self.wire.receives(2)
        await self.assert_ends(self.wire, answer)
        self.assertEqual(answer[2:4], (1002).to_bytes(2))

    async def test_forbidden_closes(self) -> None:
        """A close frame that breaks the rules is answered by one that says so."""
        for sent, code in (
            (closing(1005), 1002),
            (frame(CLOSE, b"\3"), 1002),
            (closing(1000, b"\xff"), 1007),
        ):
            wire = await connect(self, self.clients)
            wire.transport.write(sent)
            answer = await wire.receives(2)
            await self.assert_ends(wire, answer)
            self.assertEqual(answer[2:4], code.to_bytes(2))

    async def test_more_after_the_end(self) -> None:
        """What comes after the close frame of the client is not looked at."""
        self.wire.transport.write(closing(1000) + frame(PING, b"") * 10)
        await self.assert_ends(self.wire, ANSWER)


class TlsTests(PlainTests):
    tls = True
