"""A message that is begun has to end in time, however its bytes drip."""

from __future__ import annotations

from presence.config import Settings
from tests.conformance.table import HANDSHAKE
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import PING, TEXT, Peer, frame

MESSAGE = frame(TEXT, b'{"type":"PING"}')


class UnfinishedTests(PeerTestCase):
    def setUp(self) -> None:
        """Open a connection on which a message may take 10 seconds, and nothing else ends."""
        self.daemon = self.make_daemon(
            Settings(settle=0, message_timeout=10, ping_interval=1000, hello_timeout=1000)
        )
        self.peer = Peer(self.daemon)
        self.peer.shake_hands()

    def assert_closes_after(self, seconds: int) -> None:
        """Assert that the peer is closed with 1008 after so many seconds of silence, and not before."""
        self.peer.take()
        self.daemon.clock.pump([1] * (seconds - 1))
        self.assertEqual(self.peer.take(), b"")
        self.daemon.clock.advance(1)
        self.assertEqual(self.peer.close_code(self.peer.take()), 1008)

    def drip(self, *pieces: bytes) -> None:
        """Send pieces, one each second."""
        for piece in pieces:
            self.peer.send(piece)
            self.daemon.clock.advance(1)

    def test_first_byte(self) -> None:
        """A frame of which only the first byte came does not last."""
        self.peer.send(MESSAGE[:1])
        self.assert_closes_after(10)

    def test_half_a_payload(self) -> None:
        """A frame of which the end is missing does not last."""
        self.peer.send(MESSAGE[:-1])
        self.assert_closes_after(10)

    def test_no_payload(self) -> None:
        """A frame of which only the head came does not last."""
        self.peer.send(MESSAGE[:6])
        self.assert_closes_after(10)

    def test_drips(self) -> None:
        """Bytes that drip do not put off the end."""
        self.drip(*(MESSAGE[place : place + 1] for place in range(8)))
        self.assert_closes_after(2)

    def test_fragments(self) -> None:
        """Fragments that drip do not put off the end, though each is whole."""
        self.drip(frame(TEXT, b"[", first=0), *[frame(0, b" ", first=0)] * 8)
        self.assert_closes_after(1)

    def test_pings_between_fragments(self) -> None:
        """Nor do control frames between the fragments."""
        self.drip(frame(TEXT, b"[", first=0), *[frame(PING, b"")] * 8)
        self.assert_closes_after(1)

    def test_control_frame(self) -> None:
        """A control frame has the same time."""
        self.drip(*(frame(PING, b"abcdef")[place : place + 1] for place in range(8)))
        self.assert_closes_after(2)

    def test_half_a_control_frame(self) -> None:
        """A control frame of which the end is missing does not last."""
        self.peer.send(frame(PING, b"abcdef")[:-1])
        self.assert_closes_after(10)

    def test_in_time(self) -> None:
        """A message that ends in time is answered, and nothing comes of its beginning."""
        self.drip(*(MESSAGE[place : place + 1] for place in range(9)))
        self.assertNotEqual(self.peer.send(MESSAGE[9:]), b"")
        self.daemon.clock.pump([1] * 100)
        self.assertIsNone(self.peer.close_code(self.peer.take()))

    def test_next_one(self) -> None:
        """The time of a message begins with its own first byte."""
        self.drip(MESSAGE[:5], b"", b"", b"")
        self.peer.send(MESSAGE[5:] + MESSAGE[:5])
        self.assert_closes_after(10)

    def test_pipeline(self) -> None:
        """A peer whose every piece ends within a message is not closed while messages end."""
        self.peer.send(MESSAGE[:7])
        self.drip(*[MESSAGE[7:] + MESSAGE * 2 + MESSAGE[:7]] * 50)
        self.assertIsNone(self.peer.close_code(self.peer.take()))
        self.assert_closes_after(9)

    def test_along_with_the_handshake(self) -> None:
        """A message may begin along with the opening handshake."""
        self.peer = Peer(self.daemon)
        self.peer.send(HANDSHAKE + MESSAGE[:5])
        self.assert_closes_after(10)

    def test_nothing_after_it(self) -> None:
        """The rest of a message that took too long is not answered."""
        self.peer.send(MESSAGE[:5])
        self.daemon.clock.advance(10)
        self.peer.take()
        self.assertEqual(self.peer.send(MESSAGE[5:] + MESSAGE), b"")

    def test_no_timer(self) -> None:
        """Messages that come whole need no timer."""
        timers = len(self.daemon.clock.getDelayedCalls())
        self.peer.send(MESSAGE * 3 + frame(PING, b""))
        self.assertEqual(len(self.daemon.clock.getDelayedCalls()), timers)

    def test_one_timer(self) -> None:
        """One timer is enough for many messages that come in pieces."""
        timers = len(self.daemon.clock.getDelayedCalls())
        for _ in range(10):
            self.peer.send(MESSAGE[:5])
            self.peer.send(MESSAGE[5:])
        self.assertEqual(len(self.daemon.clock.getDelayedCalls()), timers + 1)

    def test_nothing_left(self) -> None:
        """After the end of a connection within a message no timer is left."""
        self.peer.send(MESSAGE[:5])
        self.peer.vanish()
        self.assertEqual(self.daemon.clock.getDelayedCalls(), [])
