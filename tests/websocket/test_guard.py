"""The holes of the framing layer are closed."""

from __future__ import annotations

from ipaddress import ip_network

from presence.config import Settings
from presence.websocket.guard import LARGEST_HANDSHAKE, MOST_FRAGMENTS
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import CLOSE, PING, PONG, Peer, frame

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


class HandshakeTests(PeerTestCase):
    def setUp(self) -> None:
        """Connect, without saying anything."""
        self.daemon = self.make_daemon()
        self.peer = Peer(self.daemon)

    def test_in_time(self) -> None:
        """An opening handshake in time leaves no timer of its own behind."""
        self.peer.shake_hands()
        self.daemon.clock.advance(Settings().handshake_timeout)
        self.assertFalse(self.peer.aborted)

    def test_too_late(self) -> None:
        """A peer that does not finish its opening handshake is dropped."""
        self.peer.send(b"GET / HTTP/1.1\r\n")
        self.daemon.clock.advance(Settings().handshake_timeout - 0.1)
        self.assertFalse(self.peer.aborted)
        self.daemon.clock.advance(0.1)
        self.assertTrue(self.peer.aborted)

    def test_too_long(self) -> None:
        """An opening handshake of too many bytes is dropped, however they are cut."""
        self.peer.send(b"GET / HTTP/1.1\r\nX: " + b"x" * (LARGEST_HANDSHAKE - 100))
        self.assertFalse(self.peer.aborted)
        self.peer.send(b"x" * 100)
        self.assertTrue(self.peer.aborted)

    def test_half_a_line_end(self) -> None:
        """A handshake with half an end of a line in it is refused, however it is cut."""
        for end in ("\r", "\n"):
            peer = Peer(self.daemon)
            lines = ["GET / HTTP/1.1", "Host: localhost", f"X: x{end}X-Forwarded-For: 192.0.2.7", "", ""]
            for byte in "\r\n".join(lines).encode():
                peer.protocol.dataReceived(bytes([byte]))
            self.assertTrue(peer.take().startswith(b"HTTP/1.1 400 "), repr(end))

    def test_hidden_header(self) -> None:
        """Text that only some would end a line at, as UTF-8 may have it, hides no header."""
        daemon = self.make_daemon(Settings(settle=0, trusted_proxies=(ip_network("192.0.2.1/32"),)))
        for end in ("\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85"):
            peer = Peer(daemon)
            peer.protocol.dataReceived(b"GET / HTTP/1.1\r\n")
            lines = ["Host: localhost", f"Cookie: x{end}X-Forwarded-For: 192.0.2.7", *UPGRADE, "", ""]
            answer = peer.send("\r\n".join(lines).encode("latin-1") + frame(PING, end.encode("latin-1")))
            self.assertTrue(answer.startswith(b"HTTP/1.1 101 "), repr(end))
            self.assertNotIn("192.0.2.7", peer.protocol.peer)
            self.assertTrue(answer.endswith(end.encode("latin-1")), "the ping was changed")

    def test_refused_and_not_read(self) -> None:
        """A refused peer that does not close is dropped in the end."""
        self.peer.send(b"BREW / HTTP/1.1\r\n\r\n")
        self.peer.transport.disconnecting = False
        self.daemon.clock.advance(Settings().handshake_timeout)
        self.assertTrue(self.peer.aborted)

    def test_no_page(self) -> None:
        """A browser that asks for a page is told to upgrade, and nothing of the software."""
        answer = self.peer.send(b"GET /?redirect=http://x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"426", answer)
        self.assertNotIn(b"Autobahn", answer)
        self.assertNotIn(b"Location", answer)

    def test_no_version(self) -> None:
        """The answer to a handshake does not tell the version of the server."""
        self.assertNotIn(b"server:", self.peer.shake_hands().lower())


class BoundsTests(PeerTestCase):
    def setUp(self) -> None:
        """Open a connection."""
        self.peer = Peer(self.make_daemon())
        self.peer.shake_hands()

    def test_pings(self) -> None:
        """Pings are answered; to a peer that does not read, only the latest, when it reads on."""
        self.assertEqual(self.peer.frames(self.peer.send(frame(PING, b"a"))), [(PONG, b"a")])
        self.peer.protocol.pauseProducing()
        self.assertEqual(self.peer.send(frame(PING, b"b1") + frame(PING, b"b2")), b"")
        self.peer.protocol.resumeProducing()
        self.assertEqual(self.peer.frames(self.peer.take()), [(PONG, b"b2")])
        self.peer.protocol.pauseProducing()
        self.peer.protocol.resumeProducing()
        self.assertEqual(self.peer.frames(self.peer.send(frame(PING, b"c"))), [(PONG, b"c")])

    def test_most_fragments(self) -> None:
        """A message may come in so many fragments, again and again."""
        message = frame(1, b"[", first=0) + frame(0, b"", first=0) * (MOST_FRAGMENTS - 2) + frame(0, b"]")
        for _ in range(2):
            self.assertIsNone(self.peer.close_code(self.peer.send(message)))

    def test_too_many_fragments(self) -> None:
        """More of them close 1009, though empty ones have no size."""
        fragments = frame(1, b"", first=0) + frame(0, b"", first=0) * 2 * MOST_FRAGMENTS
        self.assertEqual(self.peer.close_code(self.peer.send(fragments)), 1009)

    def test_nothing_of_too_many_fragments(self) -> None:
        """Nothing is kept of a message that has too many fragments, nor handed on."""
        self.peer.send(frame(1, b"[", first=0) + frame(0, b"1", first=0) * MOST_FRAGMENTS)
        kept = len(self.peer.protocol.message_data)
        self.assertEqual(self.peer.send(frame(0, b",1", first=0) * 1000 + frame(0, b"]")), b"")
        self.assertLessEqual(kept, MOST_FRAGMENTS)
        self.assertIsNone(self.peer.protocol.message_data)

    def test_endless_control_frame(self) -> None:
        """Nothing is kept of a control frame that is too long, while the close is waited for."""
        self.peer.send(b"\x89\xff" + (2**40).to_bytes(8) + bytes(4))
        for _ in range(10):
            self.peer.send(bytes(1000))
        self.assertEqual(b"".join(self.peer.protocol.control_frame_data), b"")

    def test_after_the_end(self) -> None:
        """Nothing is kept of what comes after the close frame of the peer."""
        self.peer.send(frame(CLOSE, b""))
        self.peer.send(b"more")
        self.assertEqual(self.peer.protocol.data, b"")

    def test_after_a_refusal(self) -> None:
        """Nothing is kept of what comes after a refused handshake."""
        peer = Peer(self.make_daemon())
        peer.send(b"BREW / HTTP/1.1\r\n\r\n")
        kept = peer.protocol.data
        peer.send(b"more")
        self.assertEqual(peer.protocol.data, kept)


class ClosingTests(PeerTestCase):
    def setUp(self) -> None:
        """Open a connection."""
        self.daemon = self.make_daemon()
        self.peer = Peer(self.daemon)
        self.peer.shake_hands()

    def test_peer_never_answers(self) -> None:
        """A peer that does not answer a close frame is dropped after the linger time."""
        self.peer.send(frame(2, b"binary"))
        self.daemon.clock.advance(Settings().linger - 0.1)
        self.assertFalse(self.peer.aborted)
        self.daemon.clock.advance(0.1)
        self.assertTrue(self.peer.aborted)

    def test_peer_closes_and_never_reads(self) -> None:
        """A peer that closes but does not read our answer is dropped after the linger time."""
        self.peer.send(frame(CLOSE, b"\x03\xe8"))
        self.peer.transport.disconnecting = False  # the send buffer is full
        self.daemon.clock.advance(Settings().linger)
        self.assertTrue(self.peer.aborted)

    def test_broken_frame(self) -> None:
        """A frame with a reserved bit is a protocol error, told by a close code, and lingers once."""
        answer = self.peer.send(frame(1, b"{}", first=0xC0) + frame(1, b"{}", first=0xC0))
        self.assertEqual(self.peer.close_code(answer), 1002)

    def test_nothing_left(self) -> None:
        """After the end of a connection no timer is left."""
        self.peer.vanish()
        self.assertEqual(self.daemon.clock.getDelayedCalls(), [])

    def test_nothing_left_before_open(self) -> None:
        """After the end of a connection in its handshake no timer is left."""
        peer = Peer(self.make_daemon())
        peer.vanish()
        self.assertEqual(peer.daemon.clock.getDelayedCalls(), [])

    def test_nothing_left_while_paused(self) -> None:
        """After the end of a connection whose peer does not read no timer is left."""
        self.peer.protocol.pauseProducing()
        self.peer.vanish()
        self.assertEqual(self.daemon.clock.getDelayedCalls(), [])

    def test_producer(self) -> None:
        """The transport is told to say when its buffer is full; its own stop changes nothing."""
        self.assertIs(self.peer.transport.producer, self.peer.protocol)
        self.peer.protocol.stopProducing()
        self.assertFalse(self.peer.aborted)

    def test_no_delay(self) -> None:
        """Small frames are not held back by Nagle's algorithm."""
        self.assertTrue(self.peer.transport.no_delay)
