"""Tests of a first HELLO."""

from __future__ import annotations

from msgspec import Raw

from presence.interfaces import Socket
from presence.testing import FakeClient
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import (
    GetAllOnline,
    Goodbye,
    Hello,
    Ping,
    Request,
    SendMessageToUser,
    SubscribeOnlineStatus,
    UnsubscribeOnlineStatus,
)
from tests.canary import TOKEN, secret
from tests.session.case import PLACE, SessionTestCase, gist

UNIDENTIFIED: list[Request] = [
    SendMessageToUser(id=1, message=Raw(b"1")),
    SubscribeOnlineStatus(),
    UnsubscribeOnlineStatus(),
    GetAllOnline(),
    Goodbye(),
]


class AcceptedTests(SessionTestCase):
    def test_ok(self) -> None:
        """OK tells the user, the socket, and what the client has to know of the server."""
        ok = self.daemon.connect().say(Hello(userid=1, accesstoken=TOKEN, ref=7))[0]
        self.assertRegex(ok.pop("socket"), "^[0-9a-f]{24}$")
        expected = {"type": "OK", "re": "HELLO", "ref": 7, "userid": 1}
        self.assertEqual(ok, expected | {"ping": 25, "maxbytes": 65536, "features": []})

    def test_ok_comes_first(self) -> None:
        """No event comes before OK."""
        received = self.daemon.connect().say(Hello(userid=1, accesstoken=TOKEN))
        self.assertEqual([message["type"] for message in received], ["OK", "onlineUsers"])

    def test_asks_the_account_api(self) -> None:
        """The token and the claimed user are what the account API is asked about."""
        self.daemon.connect().say(Hello(userid=7, accesstoken=TOKEN))
        self.assertEqual(self.tokens.asked, [(7, TOKEN)])

    def test_place(self) -> None:
        """The account API is asked in the name of the place that the client comes from."""
        client = self.daemon.connect()
        client.connection.place = PLACE
        client.say(Hello(userid=7, accesstoken=TOKEN))
        self.assertEqual(self.tokens.places, [PLACE])

    def test_waits_for_the_verdict(self) -> None:
        """Nothing is said, and nobody is online, before the token is checked."""
        client = self.checking()
        self.assertEqual((client.take(), self.daemon.roster.journal.online), ([], []))

    def test_online(self) -> None:
        """The user is online once the token is good."""
        self.checking(7)
        self.accept()
        self.assertEqual(self.daemon.roster.journal.online, [7])

    def only_socket_of(self, user_id: int) -> Socket:
        """Return the socket of a user who has one."""
        (socket,) = self.daemon.roster.sockets_of(user_id)
        return socket

    def test_socket(self) -> None:
        """The socket carries its label and when it was identified, to the millisecond."""
        self.checking(client="tests")
        self.clock.advance(1.23456)
        self.accept()
        socket = self.only_socket_of(1)
        self.assertEqual((socket.client, socket.identified), ("tests", 1.235))

    def test_no_label(self) -> None:
        """A socket without a label has an empty one."""
        self.daemon.hello(1)
        self.assertEqual(self.only_socket_of(1).client, "")

    def test_ids_differ(self) -> None:
        """Each socket has an id of its own, those of one user too."""
        hello = Hello(userid=1, accesstoken=TOKEN)
        ids = {self.daemon.connect().say(hello)[0]["socket"] for _ in range(3)}
        self.assertEqual(len(ids), 3)


class RefusedTests(SessionTestCase):
    def assert_refused(self, code: ErrorCode, *, temporary: bool) -> FakeClient:
        """Check that a client is told why its HELLO failed, and is nobody."""
        client = self.checking()
        self.refuse(code)
        (error,) = client.take()
        self.assertEqual((error["re"], error["ref"], error["code"]), ("HELLO", "first", code))
        self.assertIs(error["temporary"], temporary)
        self.assertEqual(gist(client.say(GetAllOnline(ref=2))), [(2, "not_identified")])
        return client

    def test_rejected(self) -> None:
        """A bad token is told as one, and nobody is online."""
        self.assert_refused(ErrorCode.TOKEN_REJECTED, temporary=False)
        self.assert_nobody_came()

    def test_mismatch(self) -> None:
        """The token of somebody else makes nobody, neither the one nor the other."""
        self.assert_refused(ErrorCode.USER_MISMATCH, temporary=False)
        self.assert_nobody_came()

    def test_unavailable(self) -> None:
        """An account API that does not decide is told as a passing trouble."""
        self.assert_refused(ErrorCode.AUTH_UNAVAILABLE, temporary=True)
        self.assert_nobody_came()

    def test_another_try(self) -> None:
        """A HELLO may follow one that was refused."""
        client = self.assert_refused(ErrorCode.TOKEN_REJECTED, temporary=False)
        client.say(Hello(userid=1, accesstoken=secret("better"), ref="second"))
        self.accept()
        self.assertEqual(gist(client.take_of("OK")), [("second", "OK")])

    def test_fault(self) -> None:
        """A fault of our own while the token is checked is told, and closes."""
        client = self.checking()
        self.tokens.checks[0].errback(RuntimeError())
        self.assertEqual(gist(client.take()), [("first", "internal")])
        self.assertEqual(client.connection.closed_with, CloseCode.INTERNAL_ERROR)
        self.assertIsInstance(client.connection.failures[0].value, RuntimeError)

    def test_no_fault(self) -> None:
        """A refusal is an answer and no fault of ours."""
        client = self.checking()
        self.refuse()
        self.assertEqual((client.connection.failures, client.connection.closed_with), ([], None))


class UnidentifiedTests(SessionTestCase):
    def test_requests(self) -> None:
        """Without a user nothing is served."""
        client = self.daemon.connect()
        codes = [client.say(request)[0].get("code") for request in UNIDENTIFIED]
        self.assertEqual(codes, ["not_identified"] * 5)

    def test_ping(self) -> None:
        """PING is answered without a user."""
        received = self.daemon.connect().say(Ping(ref=1))
        self.assertEqual(received, [{"type": "OK", "re": "PING", "ref": 1}])

    def test_ping_online(self) -> None:
        """PING is answered with a user too."""
        self.assertEqual(gist(self.daemon.hello(1).say(Ping(ref=1))), [(1, "OK")])

    def test_no_events(self) -> None:
        """A connection without a user is told nothing about others."""
        client = self.daemon.connect()
        self.daemon.hello(2)
        self.assertEqual(client.take(), [])

    def test_drained(self) -> None:
        """A connection without a user may be slow, also while its token is checked."""
        client = self.daemon.connect()
        client.read_on()
        checking = self.checking()
        checking.read_on()
        self.assertEqual((client.take(), checking.take()), ([], []))


class GoneTests(SessionTestCase):
    def test_ghost(self) -> None:
        """A client that goes while its token is checked never gets a user, and nobody hears of it."""
        watcher = self.daemon.hello(2)
        watcher.say(SubscribeOnlineStatus())
        ghost = self.checking(1)
        ghost.vanish()
        self.assertTrue(self.tokens.checks[0].called, "the check runs on")
        self.tokens.checks[0].callback(None)  # what the account API says after all
        self.clock.advance(60)
        self.assertEqual((ghost.take(), watcher.take()), ([], []))
        self.assertEqual(self.daemon.roster.journal.online, [2])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_waited(self) -> None:
        """What waited for a HELLO goes with the connection."""
        ghost = self.checking()
        ghost.say(GetAllOnline())
        ghost.vanish()
        self.assertEqual(ghost.take(), [])
        self.assert_nobody_came()

    def test_nothing_more(self) -> None:
        """After its end nothing that comes late does anything."""
        client = self.daemon.connect()
        client.vanish()
        for request in (Hello(userid=1, accesstoken=TOKEN), *UNIDENTIFIED):
            client.say(request)
        client.read_on()
        client.vanish()
        self.assertEqual((client.take(), self.tokens.asked), ([], []))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_fault_that_closes(self) -> None:
        """A fault that closes the connection at once leaves no deadline behind."""
        client = self.checking()
        close = client.connection.close

        def close_and_end(code: CloseCode) -> None:
            close(code)
            client.vanish(code)  # as the real connection does, at once

        self.patch(client.connection, "close", close_and_end)
        self.tokens.checks[0].errback(RuntimeError())
        self.assertEqual(self.clock.getDelayedCalls(), [])
