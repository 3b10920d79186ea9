"""Tests of the requests of a client and of what becomes of them."""

from __future__ import annotations

from msgspec import UNSET, Raw
from twisted.internet.defer import CancelledError, TimeoutError  # noqa: A004 - Twisted's name

from presence.client import ConnectionEnded, NotConnected
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import (
    GetAllOnline,
    Goodbye,
    Hello,
    HelloOk,
    Ok,
    OnlinePage,
    Ping,
    Position,
    Request,
    SendMessageToUser,
    SendOk,
    SubscribeOk,
    SubscribeOnlineStatus,
    UnsubscribeOnlineStatus,
)
from tests.canary import TOKEN
from tests.client.scripted import ClientTestCase


class RequestTestCase(ClientTestCase):
    def setUp(self) -> None:
        """Connect."""
        super().setUp()
        self.connected()


class RequestTests(RequestTestCase):
    def assert_sent(self, expected: Request) -> None:
        """Check what the server got; it is the first request of its connection."""
        expected.ref = 1
        self.assertEqual(self.received(), expected)

    def test_hello(self) -> None:
        """A HELLO carries what was given, and fires with what the server says of the socket."""
        reply = self.client.hello(2, TOKEN, broadcast=False, client="tests")
        self.assert_sent(Hello(userid=2, accesstoken=TOKEN, broadcast=False, client="tests"))
        self.answered(HelloOk(userid=2, socket="5f", ping=25, maxbytes=65536, features=[]))
        self.assertEqual(self.successResultOf(reply).socket, "5f")

    def test_hello_leaves_out(self) -> None:
        """What was not given to a HELLO is not on the wire, where it would mean something."""
        self.client.hello(2, TOKEN).addErrback(lambda _: None)
        self.assert_sent(Hello(userid=2, accesstoken=TOKEN))
        self.assertNotIn("broadcast", self.listener.frames[0][1])

    def test_message(self) -> None:
        """Any Python value is sent as JSON, and the reply counts the sockets."""
        reply = self.client.send_message_to_user(1, {"text": "hi"}, key="k")
        self.assert_sent(SendMessageToUser(id=1, message=Raw(b'{"text":"hi"}'), key="k"))
        self.answered(SendOk(delivered=2))
        self.assertEqual(self.successResultOf(reply).delivered, 2)

    def test_raw_message(self) -> None:
        """JSON that is written already goes out as it is."""
        self.client.send_message_to_user(1, Raw(b'{"n": 1.0}')).addErrback(lambda _: None)
        self.assert_sent(SendMessageToUser(id=1, message=Raw(b'{"n": 1.0}')))

    def test_message_that_is_no_json(self) -> None:
        """What cannot be JSON is the caller's mistake, said at once."""
        self.assertRaises(TypeError, self.client.send_message_to_user, 1, object())

    def test_subscribe(self) -> None:
        """A subscription names users and a position, and fires with where it starts."""
        since = Position("b7", 41)
        reply = self.client.subscribe_online_status(users=(1, 2), since=since)
        self.assert_sent(SubscribeOnlineStatus(users=[1, 2], since=since))
        self.answered(SubscribeOk(epoch="b7", version=42, resumed=False, online=[1]))
        self.assertEqual(self.successResultOf(reply).online, [1])

    def test_subscribe_to_all(self) -> None:
        """A subscription without users is to all of them."""
        self.client.subscribe_online_status().addErrback(lambda _: None)
        self.assert_sent(SubscribeOnlineStatus(users=UNSET, since=UNSET))

    def test_unsubscribe(self) -> None:
        """The end of a subscription is confirmed."""
        reply = self.client.unsubscribe_online_status()
        self.assert_sent(UnsubscribeOnlineStatus())
        self.answered(Ok())
        self.assertEqual(self.successResultOf(reply).re, "unsubscribeOnlineStatus")

    def test_get_all_online(self) -> None:
        """A page is asked for by cursor and limit."""
        reply = self.client.get_all_online(cursor="7", limit=10)
        self.assert_sent(GetAllOnline(cursor="7", limit=10))
        self.answered(OnlinePage(online=[1], sockets=[], epoch="b7", version=42))
        self.assertEqual(self.successResultOf(reply).online, [1])

    def test_goodbye(self) -> None:
        """A GOODBYE is confirmed, and the connection stays."""
        reply = self.client.goodbye()
        self.assert_sent(Goodbye())
        self.answered(Ok())
        self.assertEqual(self.successResultOf(reply).re, "GOODBYE")
        self.assertIsNone(self.server.closed)

    def test_ping(self) -> None:
        """A PING is answered."""
        reply = self.client.ping()
        self.assert_sent(Ping())
        self.answered(Ok())
        self.assertEqual(self.successResultOf(reply).re, "PING")


class ReplyTests(RequestTestCase):
    def test_overtaking(self) -> None:
        """Each reply finds its own request, in whatever order they come."""
        slow, quick = self.client.send_message_to_user(1, 1), self.client.send_message_to_user(2, 2)
        self.flush()
        first, second = self.server.requests
        self.server.reply(SendOk(delivered=2), second)
        self.server.reply(SendOk(delivered=1), first)
        self.flush()
        self.assertEqual([self.successResultOf(reply).delivered for reply in (slow, quick)], [1, 2])

    def test_refused(self) -> None:
        """An ERROR fails the request with all that it says."""
        reply = self.client.ping()
        self.answered(Refused(ErrorCode.RATE_LIMITED, "slowly", after=2.5, path="$"))
        refusal = self.failureResultOf(reply, Refused).value
        self.assertEqual(
            (refusal.code, refusal.text, refusal.temporary, refusal.after, refusal.path),
            (ErrorCode.RATE_LIMITED, "slowly", True, 2.5, "$"),
        )

    def test_newer_error(self) -> None:
        """A code that is newer than the client is taken by whether it is temporary."""
        reply = self.client.ping()
        self.flush()
        self.server.sendMessage(b'{"type":"ERROR","ref":1,"code":"tired","text":"zzz","temporary":true}')
        self.flush()
        refusal = self.failureResultOf(reply, Refused).value
        self.assertEqual((refusal.text, refusal.temporary), ("tired: zzz", True))

    def test_timeout(self) -> None:
        """A request without a reply fails after 45 seconds, and a late reply hurts nobody."""
        reply = self.client.ping()
        self.reactor.advance(44.9)
        self.assertNoResult(reply)
        self.reactor.advance(0.1)
        self.failureResultOf(reply, TimeoutError)
        self.answered(Ok())
        self.assertIsNone(self.server.closed)

    def test_chosen_timeout(self) -> None:
        """How long a request may wait can be chosen."""
        self.client.stop()
        self.flush()
        self.client = self.make_client(timeout_seconds=2.0)
        self.connected()
        reply = self.client.ping()
        self.reactor.advance(2.0)
        self.failureResultOf(reply, TimeoutError)

    def test_in_time(self) -> None:
        """A reply that came leaves no timer behind."""
        self.client.ping()
        self.answered(Ok())
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """A request that is cancelled fails at once, and its reply is ignored."""
        reply = self.client.ping()
        reply.cancel()
        self.failureResultOf(reply, CancelledError)
        self.answered(Ok())
        self.assertIsNone(self.server.closed)

    def test_connection_ends(self) -> None:
        """A request that waits when the connection ends fails with the code and the reason."""
        reply = self.client.ping()
        self.closed(4410, "disconnected by the operator")
        ended = self.failureResultOf(reply, ConnectionEnded).value
        self.assertEqual((ended.code, ended.reason), (4410, "disconnected by the operator"))
        self.assertEqual(str(ended), "the connection ended with 4410: disconnected by the operator")

    def test_not_connected(self) -> None:
        """A request without a connection fails at once."""
        self.closed(4410, "")
        self.failureResultOf(self.client.ping(), NotConnected)

    def test_closing(self) -> None:
        """A request while the connection closes fails at once."""
        self.client.stop()
        self.failureResultOf(self.client.ping(), NotConnected)
