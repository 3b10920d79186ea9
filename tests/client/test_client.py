"""Tests of how a client connects, comes back, and stays away."""

from __future__ import annotations

from msgspec import Raw
from twisted.internet import reactor

from presence.client import ConnectionEnded
from presence.wire.messages import GoingAway, Goodbye, HelloOk, Message, Ok
from tests.canary import TOKEN
from tests.client.scripted import ClientTestCase

LIVED_SECONDS = 20


class ConnectingTests(ClientTestCase):
    def test_waits_for_start(self) -> None:
        """A client that was made does nothing until it is started."""
        self.assertFalse(self.trying())

    def test_introduces_itself(self) -> None:
        """The opening handshake offers version 1 of the protocol and names the host."""
        self.connected()
        self.assertEqual(self.server.offered, ["presence.v1.json"])
        self.assertEqual(self.server.headers["host"], "presence.example:8080")

    def test_ipv6(self) -> None:
        """An IPv6 address stands in brackets in the opening handshake."""
        self.client = self.make_client("ws://[::1]:8080/")
        self.connected()
        self.assertEqual(self.server.headers["host"], "[::1]:8080")

    def test_tells(self) -> None:
        """The listener is told that the connection is open."""
        self.connected()
        self.assertEqual(self.listener.happened, ["connected"])

    def test_default_port(self) -> None:
        """A ``wss`` URL without a port is for 443."""
        self.make_client("wss://presence.example/").start()
        self.assertEqual(self.reactor.tcpClients[0][1], 443)

    def test_no_url(self) -> None:
        """A URL of another kind is refused when the client is made."""
        self.assertRaises(ValueError, self.make_client, "http://presence.example/")

    def test_refused(self) -> None:
        """The listener is told of a connection that could not be made; the client tries again."""
        self.client.start()
        self.network.failOnce()
        self.reactor.advance(0.3)  # until then the endpoint hopes for another address of the host
        self.assertEqual(self.listener.happened, [(1006, "Connection was refused by other side.")])
        self.reactor.advance(0.25)
        self.assertTrue(self.trying())

    def test_silent_server(self) -> None:
        """A server that does not finish the opening handshake is given up after ten seconds."""
        self.client.start()
        self.pump = self.complete(greet=False)
        self.reactor.advance(10)
        self.flush()
        self.assertEqual(self.listener.happened, [(1006, "the server was silent for 10 s")])

    def test_stopped_while_trying(self) -> None:
        """A client that is stopped while it connects tells nothing and does not try again."""
        self.client.start()
        self.successResultOf(self.client.stop())
        self.assertEqual((self.listener.happened, self.reactor.getDelayedCalls()), ([], []))


class EventTests(ClientTestCase):
    def test_event(self) -> None:
        """An event goes to the listener."""
        self.connected()
        event = Message(sender=1, message=Raw(b'"hi"'), ts=1.0)
        self.server.tell(event)
        self.flush()
        self.assertEqual(self.listener.happened, ["connected", event])

    def test_newer_event(self) -> None:
        """An event of a type that is newer than the client is passed over."""
        self.connected()
        self.server.sendMessage(b'{"type":"weather"}')
        self.flush()
        self.assertEqual(self.listener.happened, ["connected"])

    def test_frames(self) -> None:
        """Every frame in and out can be seen, as it is on the wire."""
        self.connected()
        self.client.ping()
        self.answered(Ok())
        self.assertEqual(
            self.listener.frames,
            [("out", '{"type":"PING","ref":1}'), ("in", '{"type":"OK","re":"PING","ref":1}')],
        )

    def test_listener_fails(self) -> None:
        """A mistake of the listener is logged, and the connection stays."""
        self.client = self.make_client(on_event=lambda _: 1 / 0)
        self.connected()
        self.server.tell(GoingAway(after=1.0))
        self.flush()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIsNone(self.server.closed)


class EndTests(ClientTestCase):
    def setUp(self) -> None:
        """Connect."""
        super().setUp()
        self.connected()
        self.listener.happened.clear()

    def assert_ended(self, code: int, reason: str) -> None:
        """Check what the listener was told of the end."""
        self.flush()
        self.assertEqual(self.listener.happened, [(code, reason)])

    def assert_next_pause(self, seconds: float) -> None:
        """Check when the client tries again."""
        self.reactor.advance(seconds - 0.01)
        self.assertFalse(self.trying())
        self.reactor.advance(0.02)
        self.assertTrue(self.trying())

    def test_closed_by_server(self) -> None:
        """The listener is told the code and the reason, and the client comes back."""
        self.closed(4508, "no HELLO in time")
        self.assert_ended(4508, "no HELLO in time")
        self.assert_next_pause(0.25)

    def test_no_code(self) -> None:
        """A close frame without a code counts as 1005, as the standard has it."""
        self.server.sendClose()
        self.assert_ended(1005, "")

    def test_cut(self) -> None:
        """A connection that just breaks ends with 1006."""
        self.server.dropConnection(abort=True)
        self.flush()
        self.assertEqual([code for code, _ in self.listener.happened], [1006])

    def test_must_change_first(self) -> None:
        """After a code 44xx, also one that is not known yet, the client stays away."""
        self.closed(4444, "no")
        self.assert_ended(4444, "no")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_changed(self) -> None:
        """After a code 44xx the client can be started again."""
        self.closed(4401, "token revoked or expired")
        self.connected()
        self.assertEqual(self.listener.happened[1:], ["connected"])

    def test_fails_to_live(self) -> None:
        """The pause grows while connections end soon after they were made."""
        self.closed(1013, "too many connections")
        self.reactor.advance(0.25)
        self.connect()
        self.reactor.advance(LIVED_SECONDS - 1)
        self.closed(1013, "too many connections")
        self.assert_next_pause(0.5)

    def test_lives(self) -> None:
        """The pause is short again after a connection that lived."""
        self.closed(1013, "too many connections")
        self.reactor.advance(0.25)
        self.connect()
        self.reactor.advance(LIVED_SECONDS)
        self.closed(1001, "service ends")
        self.assert_next_pause(0.25)

    def test_life_of_another(self) -> None:
        """An attempt that fails after a long pause is no connection that lived."""
        self.closed(1013, "too many connections")
        self.reactor.advance(0.25)
        pump = self.complete(greet=False)
        self.reactor.advance(LIVED_SECONDS)
        pump.flush()
        self.assert_next_pause(0.5)

    def test_drained(self) -> None:
        """A server that goes away says how long to wait, and the jitter comes on top."""
        self.server.tell(GoingAway(after=7.0))
        self.flush()
        self.closed(1012, "service restarts")
        self.assert_next_pause(7.25)

    def test_silent_server(self) -> None:
        """A server silent for ten seconds more than its ping interval is given up."""
        self.client.hello(2, TOKEN)
        self.answered(HelloOk(userid=2, socket="5f", ping=25, maxbytes=65536, features=[]))
        self.reactor.advance(35)
        self.assert_ended(1006, "the server was silent for 35 s")

    def test_pings(self) -> None:
        """A ping frame shows that the server is alive, and is answered."""
        self.client.hello(2, TOKEN)
        self.answered(HelloOk(userid=2, socket="5f", ping=25, maxbytes=65536, features=[]))
        self.reactor.advance(34)
        self.server.sendPing(b"there?")
        self.flush()
        self.reactor.advance(34)
        self.flush()
        self.assertEqual(self.listener.happened, [])
        self.assertEqual(self.server.pongs, [b"there?"])

    def test_server_without_pings(self) -> None:
        """A server that sends no pings may be silent."""
        self.client.hello(2, TOKEN)
        self.answered(HelloOk(userid=2, socket="5f", ping=0, maxbytes=65536, features=[]))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_unreadable(self) -> None:
        """A server that sends no JSON is left, and what waited fails with the reason."""
        reply = self.client.ping()
        self.server.sendMessage(b"[")
        self.flush()
        ended = self.failureResultOf(reply, ConnectionEnded).value
        self.assertIn("cannot be read: not JSON", ended.reason)

    def test_binary(self) -> None:
        """A server that sends binary frames is left."""
        self.server.sendMessage(b"{}", isBinary=True)
        self.assert_ended(1006, "the server sent a binary frame")

    def test_unfitting_reply(self) -> None:
        """A server that answers something else than was asked is left."""
        reply = self.client.hello(2, TOKEN)
        self.flush()
        self.server.reply(Ok(), Goodbye(ref=1))
        self.flush()
        self.failureResultOf(reply, ConnectionEnded)
        self.assert_ended(1006, "the server sent a reply to GOODBYE that does not fit the request")


class StopTests(ClientTestCase):
    def test_stop(self) -> None:
        """A client that stops closes with 1000, waits for the end, and leaves nothing behind."""
        self.connected()
        stopped = self.client.stop()
        self.assertNoResult(stopped)
        self.flush()
        self.successResultOf(stopped)
        self.assertEqual(self.server.closed, (1000, None))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stop_before_start(self) -> None:
        """A client that was never started stops at once."""
        self.successResultOf(self.client.stop())

    def test_stop_between_attempts(self) -> None:
        """A client that waits for its next attempt stops at once."""
        self.connected()
        self.closed(1001, "service ends")
        self.successResultOf(self.client.stop())
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stop_twice(self) -> None:
        """Both of two calls to stop end."""
        self.connected()
        stopped = [self.client.stop(), self.client.stop()]
        self.flush()
        for each in stopped:
            self.successResultOf(each)

    def test_server_does_not_answer(self) -> None:
        """A server that does not answer the close frame is waited for three seconds."""
        self.connected()
        stopped = self.client.stop()
        self.reactor.advance(3)
        self.pump.clientIO.getOutBuffer()
        self.flush()
        self.successResultOf(stopped)

    def test_chatter_while_closing(self) -> None:
        """What a server still sends does not make the closing longer."""
        self.connected()
        self.client.hello(2, TOKEN).addErrback(lambda _: None)
        self.flush()
        hello = self.server.requests[-1]
        self.client.stop()
        self.pump.clientIO.getOutBuffer()
        self.server.reply(HelloOk(userid=2, socket="5f", ping=25, maxbytes=65536, features=[]), hello)
        self.flush()
        self.reactor.advance(3)
        self.flush()
        self.assertEqual([code for code, _ in self.listener.happened[1:]], [1006])

    def test_server_keeps_connection(self) -> None:
        """A server that closes, but does not let go of the connection, is left after three seconds."""
        self.connected()
        self.server.hold = True
        self.closed(4508, "no HELLO in time")
        self.assertEqual(self.listener.happened, ["connected"])
        self.reactor.advance(3)
        self.flush()
        self.assertEqual(self.listener.happened[1:], [(4508, "no HELLO in time")])

    def test_own_clock(self) -> None:
        """Opening and closing are timed by the client's clock, and by no other reactor."""
        timed_before = reactor.getDelayedCalls()
        self.client.start()
        self.pump = self.complete(greet=False)
        self.assertEqual(reactor.getDelayedCalls(), timed_before)
        self.flush()
        self.server.hold = True
        self.client.stop()
        self.flush()
        self.assertEqual(reactor.getDelayedCalls(), timed_before)
        self.reactor.advance(3)
        self.flush()

    def test_waiting_request(self) -> None:
        """A request that waits when the client is stopped fails with 1000."""
        self.connected()
        reply = self.client.ping()
        self.client.stop()
        self.flush()
        self.assertEqual(self.failureResultOf(reply, ConnectionEnded).value.code, 1000)
