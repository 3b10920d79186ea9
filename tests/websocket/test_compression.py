"""Compression is agreed to where it costs nothing per connection, and what is compressed can be read."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from types import FrameType
from typing import Any

import msgspec
from msgspec import Raw

from presence.config import Settings
from presence.websocket.compression import LEAST_BYTES, deflate
from presence.websocket.protocol import make_frame
from presence.wire.messages import Message
from tests.conformance.deflate import deflated
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import BINARY, CLOSE, HELLO, TEXT, Peer, frame

EXTENSION = "permessage-deflate"
AGREED = (
    b"Sec-WebSocket-Extensions: permessage-deflate; "
    b"server_no_context_takeover; client_no_context_takeover\r\n"
)
TAIL = b"\0\0\xff\xff"

TEXTS = [b'{"online":[%s]}' % b",".join(b"%d" % n for n in range(start, start + 900)) for start in (1, 50)]
"""Two lists that have much in common, so that a compressor with a memory would speak of the first."""


class DeflateTests(PeerTestCase):
    def test_each_alone(self) -> None:
        """A compressed text can be read by itself."""
        for text in (*TEXTS, b"", b"x", bytes(range(256)) * 300):
            self.assertEqual(zlib.decompress(deflate(text) + TAIL + b"\3\0", wbits=-15), text)

    def test_one_after_the_other(self) -> None:
        """It can be read also by who keeps the window from one message to the next."""
        inflater = zlib.decompressobj(-15)
        for text in (TEXTS[0], b"", *TEXTS, b"x" * 200_000, TEXTS[0]):
            self.assertEqual(inflater.decompress(deflate(text) + TAIL), text)

    def test_no_memory(self) -> None:
        """What was compressed before does not change what comes of a text."""
        alone = deflate(TEXTS[1])
        deflate(TEXTS[0])
        self.assertEqual(deflate(TEXTS[1]), alone)

    def test_worth_it(self) -> None:
        """A list takes less than half of its bytes."""
        self.assertLess(len(deflate(TEXTS[0])), len(TEXTS[0]) / 2)


class AgreementTests(PeerTestCase):
    def answer_to(self, *offers: str, settings: Settings | None = None) -> bytes:
        """Return the answer to a handshake with these offers."""
        self.peer = Peer(self.make_daemon(settings))
        return self.peer.shake_hands(*(f"Sec-WebSocket-Extensions: {offer}" for offer in offers))

    def assert_agreed(self, *offers: str) -> None:
        """Assert that the answer names both that no window is kept, and nothing else."""
        answer = self.answer_to(*offers)
        self.assertIn(AGREED, answer)
        self.assertEqual(answer.lower().count(b"sec-websocket-extensions"), 1)
        self.assertTrue(self.peer.protocol.outlet.deflates)

    def assert_declined(self, *offers: str, settings: Settings | None = None) -> None:
        """Assert that the connection is open, without compression."""
        answer = self.answer_to(*offers, settings=settings)
        self.assertTrue(answer.startswith(b"HTTP/1.1 101 "))
        self.assertNotIn(b"sec-websocket-extensions", answer.lower())
        self.assertFalse(self.peer.protocol.outlet.deflates)

    def test_offers(self) -> None:
        """An offer is agreed to, whatever it lets us choose."""
        self.assert_agreed(EXTENSION)
        self.assert_agreed(f"{EXTENSION}; client_max_window_bits")
        self.assert_agreed(f"{EXTENSION}; client_max_window_bits=10")
        self.assert_agreed(f"{EXTENSION}; client_no_context_takeover; server_no_context_takeover")

    def test_small_window(self) -> None:
        """An offer that wants our window small is declined, as a frame is compressed once for all."""
        for bits in (9, 10, 15):
            self.assert_declined(f"{EXTENSION}; server_max_window_bits={bits}")

    def test_next_offer(self) -> None:
        """The first offer that suits is agreed to, in one header or in several."""
        self.assert_agreed(f"{EXTENSION}; server_max_window_bits=10, {EXTENSION}")
        self.assert_agreed(f"{EXTENSION}; server_max_window_bits=10, {EXTENSION}; client_max_window_bits")
        self.assert_agreed(f"x-unknown; a=1, {EXTENSION}, {EXTENSION}; server_max_window_bits=9")

    def test_no_offer(self) -> None:
        """Where none is offered, or only what is unknown, there is none."""
        self.assert_declined()
        self.assert_declined("x-webkit-deflate-frame")

    def test_off(self) -> None:
        """``--compression off`` declines every offer."""
        self.assert_declined(EXTENSION, settings=Settings(settle=0, compression=False))

    def test_broken_offer(self) -> None:
        """An offer that breaks the rules refuses the handshake."""
        for mistake in ("server_max_window_bits=7", "client_no_context_takeover=1", "unheard_of"):
            self.assertTrue(self.answer_to(f"{EXTENSION}; {mistake}").startswith(b"HTTP/1.1 400 "), mistake)


class ConnectionTests(PeerTestCase):
    def setUp(self) -> None:
        """Identify a connection with compression, and one without."""
        self.daemon = self.make_daemon()
        self.peer, self.plain = Peer(self.daemon), Peer(self.daemon)
        self.peer.shake_hands(f"Sec-WebSocket-Extensions: {EXTENSION}")
        self.plain.shake_hands()
        for peer in (self.peer, self.plain):
            peer.say(HELLO)
            peer.take()

    def test_event(self) -> None:
        """One event is compressed for who agreed to it, and not for others."""
        event = make_frame(Message(message=Raw(b'"' + b"x" * LEAST_BYTES + b'"'), ts=1.0))
        for peer in (self.peer, self.plain):
            peer.protocol.outlet.offer(event)
        ((opcode, payload),) = self.peer.frames(written := self.peer.take())
        self.assertEqual((opcode, written[0]), (TEXT, 0xC1))
        told = zlib.decompressobj(-15).decompress(payload + TAIL)
        self.assertEqual([msgspec.json.decode(told)], self.plain.messages(self.plain.take()))

    def test_small_event(self) -> None:
        """A small event goes as it is."""
        event = make_frame(Message(message=Raw(b"1"), ts=1.0))
        self.peer.protocol.outlet.offer(event)
        self.assertEqual(self.peer.take()[0], 0x81)

    def test_request(self) -> None:
        """A request may come compressed, or not, on the same connection."""
        request = b'{"type":"PING","ref":1}'
        for sent in (frame(TEXT, deflated(request), first=0xC0), frame(TEXT, request)) * 2:
            self.assertEqual(self.peer.messages(self.peer.send(sent))[0]["type"], "OK")

    def test_nothing_kept(self) -> None:
        """Between messages nothing is kept to inflate by, nor ever anything to compress by."""
        self.peer.send(frame(TEXT, deflated(b'{"type":"PING"}'), first=0xC0))
        agreed: Any = self.peer.protocol._perMessageCompress
        self.assertEqual((agreed._decompressor, agreed._compressor), (None, None))

    def assert_ends(self, *sent: bytes) -> None:
        """Assert that the connection reads what is sent to its close frame, keeps none of it, and ends."""
        for data in (*sent, b"".join(sent)):
            self.peer.send(data)
        self.assertLess(len(self.peer.protocol.data), 4096)
        self.peer.send(frame(CLOSE, b"\x03\xe8"))
        self.assertTrue(self.peer.transport.disconnecting)

    def test_after_corruption(self) -> None:
        """After a message that cannot be inflated the close frame of the client is still found."""
        more = frame(TEXT, b"x" * 1000) * 100
        self.assert_ends(frame(TEXT, b"\xff" * 5, first=0xC0), more)

    def test_after_corruption_in_the_middle(self) -> None:
        """So it is where the rest of that message, or its end, comes later."""
        corrupt = frame(TEXT, b"\xff" * 500, first=0xC0)
        self.assert_ends(corrupt[:100], corrupt[100:])

    def test_inflates_no_more(self) -> None:
        """Of a connection that we closed nothing more is inflated, however small it comes."""
        bomb = frame(TEXT, deflated(b"x" * 65_000), first=0xC0)
        self.peer.send(frame(BINARY, b""))
        self.assertEqual(count_inflated(lambda: self.peer.send(bomb * 20)), 0)
        self.assertEqual(self.peer.protocol.localCloseCode, 1003)

    def test_large_ones_are_dear(self) -> None:
        """A message that came small and got large counts for several, so that a flood of them ends early."""
        padded = frame(TEXT, deflated(b'{"type":"PING"%s}' % (b" " * 64_000)), first=0xC0)
        answers = self.peer.messages(self.peer.send(padded * 80))
        self.assertEqual([answer["type"] for answer in answers], ["OK"] * 50 + ["ERROR"] * 30)


def count_inflated(act: Callable[[], object]) -> int:
    """Count how often something is inflated, but for nothing."""
    times = 0

    def count(frame: FrameType, event: str, called: object) -> None:
        nonlocal times
        name = getattr(called, "__name__", "") if event == "c_call" else ""
        times += name == "decompress" and bool(frame.f_locals.get("data"))

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return times
