"""Short texts are read without Autobahn, and only where Autobahn reads the same."""

from __future__ import annotations

from typing import cast

from autobahn.twisted.websocket import WebSocketServerFactory
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.websocket.configuration import configured
from presence.websocket.guard import GuardedProtocol
from presence.websocket.receiving import LONGEST_SHORT_TEXT, read_text
from tests.conformance.table import HANDSHAKE, echoed
from tests.conformance.test_rfc6455 import ask_echo
from tests.fuzz import frames
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import BINARY, CLOSE, PING, PONG, TEXT, Peer, Transport, frame

KEY = b"\x37\xfa\x21\x3d"


class Listener(GuardedProtocol):
    """
    What Autobahn makes of bytes, by itself.

    :ivar heard: The messages, and whether they are binary.
    """

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[bytes, bool]] = []

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001, N803 - Autobahn's
        """Keep it."""
        self.heard.append((payload, isBinary))


def listen(data: bytes) -> tuple[list[tuple[bytes, bool]], int, bytes]:
    """Return what Autobahn hears in bytes, its state after them, and what it keeps of them."""
    factory = WebSocketServerFactory(reactor=Clock())
    settings = Settings(fast_path=False)
    listener = configured(Listener, factory, settings, cast("IReactorTime", Clock()))()
    listener.factory = factory
    listener.makeConnection(Transport())
    listener.dataReceived(HANDSHAKE)
    listener.dataReceived(data)
    return listener.heard, listener.state, listener.data


utf8 = st.text(max_size=200).map(str.encode)
payloads = st.one_of(
    utf8,
    st.binary(max_size=300),
    st.sampled_from([b"", b"*" * 125, b"*" * 126, b"*" * 127, "é".encode() * 2048, b"*" * 4097]),
)
keys = st.sampled_from([bytes(4), KEY]) | st.binary(min_size=4, max_size=4)
any_frame = st.builds(
    lambda opcode, first, payload, key, wide: frames.frame(
        opcode, payload, first=first, key=key, wide=wide if len(payload) < 126 else None
    ),
    st.sampled_from([TEXT, TEXT, TEXT, BINARY, CLOSE, PING, 0, 3]),
    st.sampled_from([0x80, 0x80, 0x80, 0, 0xC0, 0xA0, 0x90]),
    payloads,
    keys,
    st.sampled_from([None, None, None, 2, 8]),
)
unmasked = st.builds(lambda payload: bytes((0x81, len(payload))) + payload, st.binary(max_size=125))
any_bytes = st.one_of(
    st.binary(max_size=50),
    st.binary(max_size=50).map(lambda rest: b"\x81" + rest),
    any_frame,
    unmasked,
    st.builds(lambda data, size: data[:size], any_frame, st.integers(0, 300)),
    st.builds(bytes.__add__, any_frame, any_frame),
)


class AutobahnTests(SynchronousTestCase):
    @given(any_bytes)
    def test_same(self, data: bytes) -> None:
        """What is read of any bytes is the message that Autobahn hears in them, and as long."""
        found = read_text(data, 0, LONGEST_SHORT_TEXT)
        if found is not None:
            text, end = found
            heard, state, kept = listen(data[:end])
            self.assertEqual((heard, state, kept), ([(text, False)], Listener.STATE_OPEN, b""))

    @given(st.binary(max_size=20), utf8.map(lambda text: text + b"{}"), keys, st.binary(max_size=20))
    def test_anywhere(self, before: bytes, text: bytes, key: bytes, after: bytes) -> None:
        """A good frame is read wherever it stands, whatever is around it."""
        good = frames.frame(TEXT, text, key=key)
        found = read_text(before + good + after, len(before), LONGEST_SHORT_TEXT)
        self.assertEqual(found, (text, len(before) + len(good)))

    @given(utf8, keys)
    def test_cut(self, text: bytes, key: bytes) -> None:
        """Nothing is read of a frame that is cut, wherever that is."""
        good = frames.frame(TEXT, text, key=key)
        read = {read_text(good[:size], 0, LONGEST_SHORT_TEXT) for size in range(len(good))}
        self.assertEqual(read, {None})


class ShortTextTests(SynchronousTestCase):
    def assert_left(self, data: bytes) -> None:
        """Assert that bytes are left to Autobahn."""
        self.assertIsNone(read_text(data, 0, LONGEST_SHORT_TEXT))

    def test_sizes(self) -> None:
        """Texts of every size from that of the least request to the limit are read, and no others."""
        for size in (2, 3, 4, 5, 124, 125, 126, 127, 128, 4095, 4096):
            data = frames.frame(TEXT, b"*" * size, key=KEY)
            self.assertEqual(read_text(data, 0, LONGEST_SHORT_TEXT), (b"*" * size, len(data)))
        for size in (0, 1, 4097):
            self.assert_left(frames.frame(TEXT, b"*" * size, key=KEY))

    def test_limit(self) -> None:
        """The limit is the caller's."""
        self.assertIsNone(read_text(frame(TEXT, b"abc"), 0, 2))
        self.assertEqual(read_text(frame(TEXT, b"abc"), 0, 3), (b"abc", 9))

    def test_roundabout_lengths(self) -> None:
        """A length that could be written shorter, which is an error, is left to Autobahn."""
        for size in (0, 5, 125):
            for wide in (2, 8):
                self.assert_left(frames.frame(TEXT, b"*" * size, wide=wide))
        self.assert_left(frames.frame(TEXT, b"*" * 126, wide=8))
        self.assert_left(b"\x81\xff" + (2**63).to_bytes(8) + bytes(4))

    def test_unmasked(self) -> None:
        """A frame without a mask is left to Autobahn."""
        self.assert_left(b"\x81\x05Hello-----")

    def test_other_frames(self) -> None:
        """All but whole text frames without reserved bits are left to Autobahn."""
        for first in range(256):
            if first != 0x81:
                self.assert_left(bytes((first, 0x82)) + bytes(4) + b"ab")

    def test_no_utf8(self) -> None:
        """What is no UTF-8 is left to Autobahn, which says so."""
        for text in (b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
            self.assert_left(frames.frame(TEXT, text, key=KEY))

    def test_two(self) -> None:
        """Of two frames in one read, one is read after the other."""
        data = frames.frame(TEXT, b"one", key=KEY) + frames.frame(TEXT, "zwölf".encode())
        self.assertEqual(read_text(data, 0, 4096), (b"one", 9))
        self.assertEqual(read_text(data, 9, 4096), ("zwölf".encode(), len(data)))
        self.assertIsNone(read_text(data, len(data), 4096))


class InPiecesTests(SynchronousTestCase):
    """A text that only seems to begin where a read does."""

    def ask(self, *chunks: bytes) -> tuple[bytes, int | None]:
        """Return the answer of an echo on the fast path."""
        return ask_echo(Settings(), HANDSHAKE, *chunks)

    def test_within_a_payload(self) -> None:
        """The payload of a frame may look like a frame."""
        inner = frame(TEXT, b"inner")
        self.assertEqual(self.ask(frame(BINARY, inner)[:6], inner), (echoed(BINARY, inner), None))
        self.assertEqual(self.ask(frame(PING, inner)[:6], inner), (echoed(PONG, inner), None))

    def test_within_a_head(self) -> None:
        """So may the rest of a head, with what follows it."""
        outer = frames.frame(BINARY, b"*" * 0x8182)
        self.assertEqual(self.ask(outer[:2], outer[2:]), (echoed(BINARY, b"*" * 0x8182), None))

    def test_within_a_message(self) -> None:
        """A text between the fragments of a message is an error, though it is whole."""
        self.assertEqual(self.ask(frame(TEXT, b"a", first=0), frame(TEXT, b"b")), (b"", 1002))


class SwitchTests(PeerTestCase):
    def test_largest(self) -> None:
        """A text that is larger than the settings allow is refused, though it is short."""
        settings = Settings(max_message_bytes=1024)
        self.assertEqual(ask_echo(settings, HANDSHAKE, frame(TEXT, b"*" * 1025)), (b"", 1009))

    def read_by_autobahn(self) -> int:
        """Return how many of three short texts Autobahn reads."""
        peer = Peer(self.make_daemon())
        peer.shake_hands()
        peer.send(frame(TEXT, b'{"type":"PING"}') * 3)
        return peer.protocol.trafficStats.incomingWebSocketFrames

    def test_on(self) -> None:
        """On the fast path none."""
        self.assertEqual(self.read_by_autobahn(), 0)

    def test_off(self) -> None:
        """Without it all of them."""
        self.fast_path = False
        self.assertEqual(self.read_by_autobahn(), 3)
