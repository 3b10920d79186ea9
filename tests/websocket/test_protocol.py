"""Bytes to requests, replies and events to bytes."""

from __future__ import annotations

import struct

from msgspec import Raw
from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.logger import capturedLogs
from zope.interface.verify import verifyObject

from presence.config import Settings
from presence.logs import Unforeseen, set_level
from presence.websocket.protocol import MOST_BAD_MESSAGES, MOST_QUEUED_BYTES, make_frame
from presence.wire.closing import CloseCode
from presence.wire.messages import GoingAway, Message, Ok, Ping, TokenRequired
from tests.canary import SECRET
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import BINARY, CLOSE, HELLO, TEXT, Connections, Peer, frame
from tests.websocket.peer import PING as PING_FRAME
from tests.websocket.peer import PONG as PONG_FRAME

PING = b'{"type":"PING","ref":1}'


class OpeningTests(PeerTestCase):
    def handshake(self, *headers: str, settings: Settings | None = None) -> bytes:
        """Shake hands with a new daemon; return the first line of the answer."""
        self.peer = Peer(self.make_daemon(settings))
        self.answer = self.peer.shake_hands(*headers)
        return self.answer.split(b"\r\n")[0]

    def test_no_subprotocol(self) -> None:
        """A client that offers no subprotocol is welcome."""
        self.assertIn(b" 101 ", self.handshake())

    def test_our_subprotocol(self) -> None:
        """Our subprotocol is chosen among those that are offered."""
        self.handshake("Sec-WebSocket-Protocol: other, presence.v1.json")
        self.assertIn(b"Sec-WebSocket-Protocol: presence.v1.json\r\n", self.answer)

    def test_unknown_subprotocol(self) -> None:
        """A client that offers only unknown subprotocols gets HTTP 400."""
        self.assertIn(b" 400 ", self.handshake("Sec-WebSocket-Protocol: presence.v2.json"))

    def test_any_origin(self) -> None:
        """Without a list of origins, pages of any origin may connect."""
        self.assertIn(b" 101 ", self.handshake("Origin: https://evil.example"))

    def test_origins(self) -> None:
        """With a list, only pages of its origins and programs without one may connect."""
        settings = Settings(allowed_origins=frozenset({"https://www.example.com"}))
        self.assertIn(b" 101 ", self.handshake("Origin: https://www.example.com", settings=settings))
        self.assertIn(b" 101 ", self.handshake(settings=settings))
        self.assertIn(b" 403 ", self.handshake("Origin: https://evil.example", settings=settings))
        self.assertIn(b" 403 ", self.handshake("Origin: null", settings=settings))

    def test_fault(self) -> None:
        """A fault of our own in the handshake is logged, and the client gets HTTP 500 without it."""
        broken = Settings(allowed_origins=5)  # type: ignore[arg-type]  # so that looking into it raises
        self.assertEqual(
            self.handshake("Origin: https://a.example", settings=broken),
            b"HTTP/1.1 500 Internal Server Error",
        )
        self.assertNotIn(b"int", self.answer)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)


class FrameTests(PeerTestCase):
    def setUp(self) -> None:
        """Open a connection."""
        self.daemon = self.make_daemon()
        self.connections = Connections()
        self.peer = Peer(self.daemon, self.connections)
        self.peer.shake_hands()

    def test_request(self) -> None:
        """A text frame is a request, and its reply a text frame."""
        self.assertEqual(self.peer.say(PING), [{"type": "OK", "re": "PING", "ref": 1}])

    def test_fragments(self) -> None:
        """A request may come in fragments."""
        answer = self.peer.send(frame(TEXT, PING[:5], first=0) + frame(0, PING[5:]))
        self.assertEqual(self.peer.messages(answer)[0]["type"], "OK")

    def test_binary(self) -> None:
        """A binary frame closes 1003, and nothing that follows is done."""
        answer = self.peer.send(frame(BINARY, PING) + frame(TEXT, PING))
        self.assertEqual([opcode for opcode, _ in self.peer.frames(answer)], [CLOSE])
        self.assertEqual(self.peer.close_code(answer), 1003)

    def test_invalid_utf8(self) -> None:
        """A text frame of invalid UTF-8 closes 1007."""
        self.assertEqual(self.peer.close_code(self.peer.send(frame(TEXT, b"\xff"))), 1007)

    def test_largest(self) -> None:
        """A message of exactly the largest size is read."""
        largest = PING[:-1] + b" " * (65536 - len(PING)) + b"}"
        self.assertEqual(self.peer.say(largest)[0]["type"], "OK")

    def test_too_large(self) -> None:
        """A larger message closes 1009, in one frame or in fragments."""
        self.assertEqual(self.peer.close_code(self.peer.send(frame(TEXT, b" " * 65537))), 1009)
        peer = Peer(self.daemon)
        peer.shake_hands()
        half = b" " * 40_000
        self.assertEqual(peer.close_code(peer.send(frame(TEXT, half, first=0) + frame(0, half))), 1009)

    def test_errors_name_the_request(self) -> None:
        """A refused request and a bad message each get an ERROR."""
        (refused,) = self.peer.say(b'{"type":"getAllOnline","ref":"a"}')
        self.assertEqual((refused["code"], refused["ref"]), ("not_identified", "a"))
        (bad,) = self.peer.say(b"{")
        self.assertEqual(bad["code"], "bad_json")

    def test_ten_bad_messages(self) -> None:
        """The tenth bad message is answered and closes 4400; other errors do not count."""
        self.peer.say(b'{"type":"no such type"}')
        for _ in range(MOST_BAD_MESSAGES - 1):
            self.assertIsNone(self.peer.close_code(self.peer.send(frame(TEXT, b"[]"))))
        last = self.peer.send(frame(TEXT, b"{"))
        self.assertEqual(self.peer.messages(last)[0]["code"], "bad_json")
        self.assertEqual(self.peer.close_code(last), 4400)

    def test_malformed_is_dear(self) -> None:
        """Who sends nothing but frames that are no requests is closed 4529 when that was too much."""
        frames = frame(TEXT, b'{"type":"no such type"}') * 40
        self.assertIsNone(self.peer.close_code(self.peer.send(frames)))
        self.assertEqual(self.peer.close_code(self.peer.send(frames[: len(frames) // 40])), 4529)

    def test_pings_count(self) -> None:
        """Pings and pongs count as requests do: beyond the burst none is answered, and then 4529."""
        for opcode, answered in ((PING_FRAME, 200), (PONG_FRAME, 0)):
            peer = Peer(self.daemon)
            peer.shake_hands()
            answer = peer.send(frame(opcode, b"") * 400)
            self.assertEqual((len(peer.frames(answer)), peer.close_code(answer)), (answered, None))
            self.assertEqual(peer.close_code(peer.send(frame(opcode, b""))), 4529)

    def test_token_required(self) -> None:
        """An event for this connection alone reaches it."""
        self.peer.protocol.tell(TokenRequired(after=60))
        self.assertEqual(self.peer.messages(self.peer.take()), [{"type": "tokenRequired", "after": 60}])

    def test_rest_of_a_flood(self) -> None:
        """Of a read that is full of frames the rest is not looked at once there were too many."""
        self.peer.say(HELLO)
        flood = frame(PING_FRAME, b"") * 10_000
        self.peer.send(flood)
        self.assertLess(self.peer.protocol.trafficStats.incomingWebSocketFrames, 1500)

    def test_bad_before_unidentified(self) -> None:
        """A bad message is judged as one also where nothing could be asked yet."""
        (error,) = self.peer.say(b'{"type":"getAllOnline","cursor":"x"}')
        self.assertEqual(error["code"], "bad_message")

    def test_nothing_after_a_close(self) -> None:
        """After a close frame of Autobahn's nothing is sent, delivered or listed any more."""
        self.peer.say(HELLO)
        self.assertEqual(self.peer.close_code(self.peer.send(frame(TEXT, b"\xff"))), 1007)
        self.assertEqual(list(self.daemon.roster.sockets_of(1)), [])
        self.assertFalse(self.peer.protocol.outlet.offer(make_frame(GoingAway(after=1.0))))
        self.assertEqual(self.peer.take(), b"")

    def test_session_ends_with_the_clients_close(self) -> None:
        """A client that closes is gone at once, however long its connection takes to end."""
        self.peer.say(HELLO)
        self.peer.send(frame(CLOSE, b"\x03\xe8"))
        self.assertEqual(list(self.daemon.roster.sockets_of(1)), [])

    def test_alpn(self) -> None:
        """Browsers offer HTTP/1.1 inside of TLS, and are told that it is spoken."""
        factory = self.peer.protocol.factory
        verifyObject(IProtocolNegotiationFactory, factory)
        self.assertEqual(factory.acceptableProtocols(), [b"http/1.1"])

    def test_close_code(self) -> None:
        """The daemon closes with a code and its reason, once."""
        self.peer.protocol.close(CloseCode.DISCONNECTED)
        self.peer.protocol.close(CloseCode.GOING_AWAY)
        expected = struct.pack("!H", 4410) + b"disconnected by the operator"
        self.assertEqual(self.peer.frames(self.peer.take()), [(CLOSE, expected)])

    def test_close_after_autobahn(self) -> None:
        """A connection that is being closed already, for a broken frame, is closed once."""
        self.peer.send(frame(TEXT, b"\xff"))
        self.peer.protocol.close(CloseCode.GOING_AWAY)
        self.assertEqual(self.peer.take(), b"")

    def test_close_before_open(self) -> None:
        """A connection that still shakes hands is dropped, as it cannot be told a code."""
        peer = Peer(self.daemon)
        peer.protocol.close(CloseCode.GOING_AWAY)
        self.assertTrue(peer.aborted)

    def test_known(self) -> None:
        """A connection is known from its first moment to its last."""
        self.assertEqual(self.connections.open, [self.peer.protocol])
        self.peer.vanish()
        self.assertEqual(self.connections.open, [])

    def test_vanish(self) -> None:
        """A user whose connection is gone is held online, then offline."""
        self.peer.say(HELLO)
        self.peer.vanish()
        self.assertEqual(self.daemon.roster.journal.online, [1])
        self.daemon.clock.advance(self.daemon.settings.offline_delay)
        self.assertEqual(self.daemon.roster.journal.online, [])

    def test_revoked(self) -> None:
        """A user whose only socket is closed for a revoked token is offline at once."""
        self.peer.say(HELLO)
        self.daemon.clock.advance(1)
        self.peer.protocol.close(CloseCode.TOKEN_REVOKED)
        self.assertEqual(self.daemon.roster.journal.online, [])


class SlowReaderTests(PeerTestCase):
    def setUp(self) -> None:
        """Identify a connection whose peer does not read."""
        self.daemon = self.make_daemon()
        self.peer = Peer(self.daemon)
        self.peer.shake_hands()
        self.peer.say(HELLO)
        self.peer.protocol.pauseProducing()

    def test_queue_is_bounded(self) -> None:
        """What a paused peer is sent is queued up to the limit; then it is refused and closed 4513."""
        event = make_frame(Message(message=Raw(b'"' + b"x" * 65_000 + b'"'), ts=1.0))
        self.assertEqual(
            [self.peer.protocol.outlet.offer(event) for _ in range(5)], [True, True, True, True, False]
        )
        self.peer.take()
        self.daemon.clock.advance(0)
        self.assertEqual(self.peer.close_code(self.peer.take()), 4513)

    def test_drained(self) -> None:
        """A peer that reads on has its whole queue again."""
        event = make_frame(GoingAway(after=1.0))
        sent = 0
        for _ in range(3):
            while sent < MOST_QUEUED_BYTES - 100:
                sent += 40
                self.assertTrue(self.peer.protocol.outlet.offer(event))
            sent = 0
            self.peer.protocol.resumeProducing()
            self.peer.protocol.pauseProducing()

    def test_large_reply(self) -> None:
        """A reply that is larger than the whole queue is no reason to close a reader."""
        event = make_frame(Message(message=Raw(b'"' + b"x" * 2 * MOST_QUEUED_BYTES + b'"'), ts=1.0))
        self.assertTrue(self.peer.protocol.outlet.offer(event))
        self.daemon.clock.advance(0)
        self.assertIsNone(self.peer.close_code(self.peer.take()))

    def test_catches_up(self) -> None:
        """A peer that reads on is told what it missed."""
        self.daemon.clock.advance(1)
        other = Peer(self.daemon)
        other.shake_hands()
        other.say(HELLO.replace(b"1", b"7"))
        self.assertEqual(self.peer.take(), b"")
        self.peer.protocol.resumeProducing()
        (event,) = self.peer.messages(self.peer.take())
        self.assertEqual((event["type"], event["online"]), ("onlineUsers", [1, 7]))

    def test_gone_while_overflowing(self) -> None:
        """A peer that goes when its queue overflows leaves nothing behind."""
        event = make_frame(Message(message=Raw(b'"' + b"x" * 300_000 + b'"'), ts=1.0))
        self.assertTrue(self.peer.protocol.outlet.offer(event))
        self.assertFalse(self.peer.protocol.outlet.offer(event))
        self.peer.vanish()
        self.peer.protocol.resumeProducing()
        self.daemon.clock.advance(self.daemon.settings.offline_delay)
        self.assertEqual(self.daemon.clock.getDelayedCalls(), [])

    def test_nothing_after_the_end(self) -> None:
        """A reply that is late for its connection goes nowhere."""
        self.peer.vanish()
        self.peer.take()
        self.peer.protocol.reply(Ping(), Ok())
        self.assertEqual(self.peer.take(), b"")


class LogTests(PeerTestCase):
    def test_refused_origins(self) -> None:
        """A flood of pages from elsewhere is summed up, and what they are is cut."""
        daemon = self.make_daemon(Settings(allowed_origins=frozenset({"https://www.example.com"})))
        peer = Peer(daemon)
        with capturedLogs() as events:
            for _ in range(5):
                peer.shake_hands("Origin: https://" + "x" * 1000)
                peer.protocol = peer.protocol.factory.buildProtocol(None)  # type: ignore[assignment]  # one of ours
                peer.protocol.makeConnection(peer.transport)
        told = [event["origin"] for event in events if "origin" in event]
        self.assertEqual([len(origin) for origin in told], [100])

    def test_no_secrets_of_a_handshake(self) -> None:
        """What a broken handshake holds, a token perhaps, is neither logged nor sent back."""
        set_level("debug")
        self.addCleanup(set_level, "info")
        for head in (
            b"GET /?token=canary\r\nHost: localhost\r\n\r\n",
            b"GET /#canary HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost:canary\r\n\r\n",
            b"canary / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ):
            with capturedLogs() as events:
                answer = Peer(self.make_daemon()).send(head)
            self.assertRegex(answer, rb"^HTTP/1.1 4\d\d ")
            self.assertNotIn("canary", repr([*events, answer]))

    def test_no_secrets(self) -> None:
        """No line, at any level, holds the token, a payload or the query of the URL."""
        set_level("debug")
        self.addCleanup(set_level, "info")
        with capturedLogs() as events:
            peer = Peer(self.make_daemon())
            peer.shake_hands()
            peer.say(HELLO)
            peer.say(b'{"type":"sendMessageToUser","id":1,"message":"%s"}' % SECRET.encode())
            peer.say(b'{"type":"HELLO","userid":1.0,"accesstoken":"%s"}' % SECRET.encode())
            peer.vanish()
        self.assertTrue(any("connected" in event["log_format"] for event in events))
        self.assertNotIn("canary", repr([{**event, "log_logger": ""} for event in events]))

    def test_level(self) -> None:
        """Below its level presence logs nothing, though twistd would write it."""
        with capturedLogs() as events:
            Peer(self.make_daemon()).shake_hands()
        self.assertEqual([event for event in events if event["log_namespace"].startswith("presence")], [])
