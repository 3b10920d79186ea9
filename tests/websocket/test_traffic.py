"""What is counted of the traffic."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.websocket.traffic import EMPTY_CODE, NO_CODE, OTHER_CODE, REFUSALS_REMEMBERED, Refusal, Traffic
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import GetAllOnline, Ping
from tests.websocket.peer import CLOSE, Peer, frame, make_daemon

PING = b'{"type":"PING"}'
ASK = b'{"type":"getAllOnline"}'


class TrafficTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Open a connection."""
        self.daemon = make_daemon(Settings(settle=0, hello_timeout=1000))
        self.peer = Peer(self.daemon)
        self.peer.shake_hands()
        self.traffic = self.peer.traffic

    def end(self, data: bytes = b"") -> dict[int, int]:
        """Let the client send something and vanish; return how ends were counted."""
        self.peer.send(data)
        self.peer.vanish()
        return self.traffic.closed

    def test_opened(self) -> None:
        """A connection counts from its beginning."""
        self.assertEqual((self.traffic.opened, self.traffic.closed), (1, {}))

    def test_requests(self) -> None:
        """Each request counts by its type and by what became of it."""
        for request in (PING, PING, ASK):
            self.peer.say(request)
        self.assertEqual(
            self.traffic.requests, {(Ping, None): 2, (GetAllOnline, ErrorCode.NOT_IDENTIFIED): 1}
        )

    def test_malformed(self) -> None:
        """What is no request counts apart."""
        self.peer.say(b"{")
        self.assertEqual((self.traffic.malformed, self.traffic.requests), (1, {}))

    def test_vanished(self) -> None:
        """A connection that ends without a word counts as such."""
        self.assertEqual(self.end(), {NO_CODE: 1})

    def test_closed_by_the_client(self) -> None:
        """A code of the client counts where it is a usual one."""
        self.assertEqual(self.end(frame(CLOSE, b"\x03\xe8")), {1000: 1})

    def test_closed_without_a_code(self) -> None:
        """A close frame without a code, as of a browser's plain close(), is no connection that broke."""
        self.assertEqual(self.end(frame(CLOSE, b"")), {EMPTY_CODE: 1})

    def test_made_up(self) -> None:
        """Codes that clients make up count as one."""
        self.assertEqual(self.end(frame(CLOSE, b"\x0f\xa1")), {OTHER_CODE: 1})

    def test_closed_by_the_server(self) -> None:
        """A connection that the server closed counts by the server's code, whatever is answered."""
        self.peer.protocol.close(CloseCode.TOO_SLOW)
        self.assertEqual(self.end(frame(CLOSE, b"\x03\xe8")), {CloseCode.TOO_SLOW: 1})

    def test_slow(self) -> None:
        """A slow reader counts while it is slow, with what is kept for it."""
        self.peer.protocol.pauseProducing()
        self.peer.protocol.pauseProducing()
        self.peer.send(frame(1, PING))
        self.assertEqual(self.traffic.slow_readers, 1)
        self.assertGreater(self.traffic.queued_bytes, 10)
        self.peer.protocol.resumeProducing()
        self.assertEqual((self.traffic.slow_readers, self.traffic.queued_bytes), (0, 0))

    def test_slow_to_the_end(self) -> None:
        """A slow reader that ends is none any more."""
        self.peer.protocol.pauseProducing()
        self.end(frame(1, PING))
        self.assertEqual((self.traffic.slow_readers, self.traffic.queued_bytes), (0, 0))

    def test_refusals(self) -> None:
        """The last refusals are remembered, with when, whom and why; closing codes too."""
        self.peer.say(ASK)
        self.peer.protocol.close(CloseCode.TOO_SLOW)
        peer = str(self.peer.protocol.peer)
        expected = [Refusal(0.0, peer, "not_identified"), Refusal(0.0, peer, "4513")]
        self.assertEqual(list(self.traffic.refusals), expected)

    def test_no_refusal(self) -> None:
        """Whoever is sent away at the end of the daemon was not refused."""
        self.peer.protocol.send_away(1)
        self.assertEqual(list(self.traffic.refusals), [])

    def test_refusals_are_bounded(self) -> None:
        """Older ones are forgotten."""
        traffic = Traffic()
        traffic.refusals.extend([Refusal(0.0, "", "")] * (REFUSALS_REMEMBERED + 1))
        self.assertEqual(len(traffic.refusals), REFUSALS_REMEMBERED)


class SendAwayTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a connection that has not shaken hands."""
        self.peer = Peer(make_daemon(Settings(settle=0)))

    def test_open(self) -> None:
        """An open connection is told when to come back, and closed 1012."""
        self.peer.shake_hands()
        self.peer.protocol.send_away(2.5)
        sent = self.peer.take()
        self.assertEqual(self.peer.messages(sent), [{"type": "goingAway", "after": 2.5}])
        self.assertEqual(self.peer.close_code(sent), CloseCode.SERVICE_RESTART)

    def test_shaking_hands(self) -> None:
        """A connection that still shakes hands is dropped without a word."""
        self.peer.protocol.send_away(2.5)
        self.assertEqual(self.peer.take(), b"")
        self.assertTrue(self.peer.transport.disconnected)
