"""Tests of what comes while the token of a first HELLO is checked."""

from __future__ import annotations

from msgspec import Raw
from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from presence.interfaces import Delivery, IRelay
from presence.requests import Requests
from presence.session.machine import MOST_WAITING
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import (
    GetAllOnline,
    Goodbye,
    Hello,
    Message,
    Ping,
    SendMessageToUser,
    SubscribeOnlineStatus,
)
from tests.canary import secret
from tests.session.case import SessionTestCase, gist


@implementer(IRelay)
class BrokenRelay:
    """A relay with a fault in it, at once or later."""

    def __init__(self, *, at_once: bool) -> None:
        self._at_once = at_once

    def deliver(self, addressee: int | None, message: Message) -> Deferred[Delivery]:
        """Break."""
        del addressee, message
        if self._at_once:
            raise ZeroDivisionError
        return fail(ZeroDivisionError())


class WaitingTests(SessionTestCase):
    def test_nothing_runs_before(self) -> None:
        """A request that comes meanwhile is not answered before the token is checked."""
        self.assertEqual(self.checking().say(GetAllOnline(ref=1)), [])

    def test_in_order(self) -> None:
        """Once the user is known, what waited runs in the order in which it came."""
        client = self.checking(broadcast=False)
        for ref in range(MOST_WAITING):
            client.say(GetAllOnline(ref=ref) if ref % 2 else SubscribeOnlineStatus(ref=ref))
        self.accept()
        refs = [message["ref"] for message in client.take_of("OK")]
        self.assertEqual(refs, ["first", *range(MOST_WAITING)])

    def test_most(self) -> None:
        """A 17th request is refused at once; the others wait on."""
        client = self.checking(broadcast=False)
        for ref in range(16):
            client.say(GetAllOnline(ref=ref))
        (error,) = client.say(GetAllOnline(ref=16))
        self.assertEqual((error["ref"], error["code"], error["temporary"]), (16, "rate_limited", True))
        self.accept()
        self.assertEqual(len(client.take_of("OK")), 17)

    def test_ping(self) -> None:
        """PING is answered at once, and does not count."""
        client = self.checking()
        for ref in range(17):
            self.assertEqual(gist(client.say(Ping(ref=ref))), [(ref, "OK")])

    def test_hello_after_success(self) -> None:
        """A HELLO that waited is a refresh once the first one succeeded."""
        client = self.checking()
        client.say(Hello(userid=1, accesstoken=secret("newer"), ref="second"))
        self.accept()
        self.accept()
        first, second = client.take_of("OK")
        self.assertEqual((first["socket"], self.tokens.asked[1]), (second["socket"], (1, secret("newer"))))

    def test_hello_as_another_after_success(self) -> None:
        """A HELLO that waited is refused for another user, once the first one succeeded."""
        client = self.checking(1)
        client.say(Hello(userid=2, accesstoken=secret("other"), ref="second"))
        self.accept()
        self.assertEqual(gist(client.take_of("ERROR")), [("second", "already_identified")])

    def test_refused(self) -> None:
        """When HELLO fails, each that waited learns that there is no user."""
        client = self.checking()
        client.say(GetAllOnline(ref=1))
        client.say(SubscribeOnlineStatus(ref=2))
        self.refuse()
        expected = [("first", "token_rejected"), (1, "not_identified"), (2, "not_identified")]
        self.assertEqual(gist(client.take()), expected)
        self.assert_nobody_came()

    def test_hello_after_failure(self) -> None:
        """A HELLO that waited is run as if it were the first when the one before fails."""
        client = self.checking(broadcast=False)
        client.say(GetAllOnline(ref=1))
        client.say(Hello(userid=2, accesstoken=secret("other"), ref="second"))
        client.say(GetAllOnline(ref=3))
        self.refuse()
        self.assertEqual(gist(client.take()), [("first", "token_rejected"), (1, "not_identified")])
        self.accept()
        self.assertEqual(gist(client.take_of("OK")), [("second", "OK"), (3, "OK")])
        self.assertEqual(self.daemon.roster.journal.online, [2])

    def test_known_after_failure(self) -> None:
        """So it is where its verdict is known at once: what waited behind it is done, in its order."""
        client = self.checking()
        client.say(Hello(userid=2, accesstoken=secret("other"), broadcast=False, ref="second"))
        client.say(GetAllOnline(ref=3))
        client.say(Hello(userid=2, accesstoken=secret("newer"), ref="fourth"))
        self.tokens.waits = False
        self.refuse()
        expected = [("first", "token_rejected"), ("second", "OK"), (3, "OK"), ("fourth", "OK")]
        self.assertEqual(gist(client.take()), expected)

    def test_hellos_after_failure(self) -> None:
        """Each of several HELLOs gets its turn, and the deadline stands meanwhile."""
        client = self.checking()
        for ref in range(3):
            client.say(Hello(userid=1, accesstoken=secret("bad"), ref=ref))
        for _ in range(4):
            self.clock.advance(11)
            self.refuse()
        self.assertEqual([error["ref"] for error in client.take()], ["first", 0, 1, 2])
        self.assertIsNone(client.connection.closed_with)

    def test_same_limit_after_failure(self) -> None:
        """What waits behind a second HELLO counts as before."""
        client = self.checking()
        client.say(Hello(userid=2, accesstoken=secret("other"), ref="second"))
        for ref in range(15):
            client.say(GetAllOnline(ref=ref))
        self.refuse()
        client.take()
        self.assertEqual(client.say(GetAllOnline(ref=15)), [])
        self.assertEqual(gist(client.say(GetAllOnline(ref=16))), [(16, "rate_limited")])


class CancelledTests(SessionTestCase):
    def test_goodbye(self) -> None:
        """GOODBYE cancels the check, and everything that waited for it is answered."""
        client = self.checking()
        client.say(GetAllOnline(ref=1))
        client.say(Hello(userid=1, accesstoken=secret("newer"), ref=2))
        expected = [("first", "cancelled"), (1, "not_identified"), (2, "not_identified"), (3, "OK")]
        self.assertEqual(gist(client.say(Goodbye(ref=3))), expected)
        self.assertTrue(self.tokens.checks[0].called, "the check runs on")

    def test_nobody_came(self) -> None:
        """Whatever the account API says after a GOODBYE, nobody was ever online."""
        client = self.checking()
        client.say(Goodbye())
        self.tokens.checks[0].callback(None)
        self.assertEqual(gist(client.say(GetAllOnline(ref=1))), [(1, "not_identified")])
        self.assert_nobody_came()

    def test_goodbye_to_a_hello_that_waited(self) -> None:
        """GOODBYE cancels the check of a HELLO that waited for another too."""
        client = self.checking()
        client.say(Hello(userid=1, accesstoken=secret("newer"), ref="second"))
        self.refuse()
        client.take()
        self.assertEqual(gist(client.say(Goodbye(ref=3))), [("second", "cancelled"), (3, "OK")])

    def test_hello_again(self) -> None:
        """After a GOODBYE that cancelled a HELLO the client may be somebody else."""
        client = self.checking(1)
        client.say(Goodbye())
        client.say(Hello(userid=2, accesstoken=secret("other"), ref="second"))
        self.tokens.checks[1].callback(None)
        self.assertEqual(client.take_of("OK")[0]["userid"], 2)
        self.assertEqual(self.daemon.roster.journal.online, [2])


class FaultTests(SessionTestCase):
    def break_relay(self, *, at_once: bool) -> None:
        """Put a fault into the relay."""
        daemon = self.daemon
        relay = BrokenRelay(at_once=at_once)
        daemon.requests = Requests(
            daemon.roster, relay, daemon.broadcast, daemon.limits, daemon.clock, daemon.settings
        )

    def test_later(self) -> None:
        """A fault that a request runs into later is told to its client, which is closed."""
        self.break_relay(at_once=False)
        client = self.daemon.hello(1)
        client.say(SendMessageToUser(id=1, message=Raw(b"1"), ref=1))
        self.assertIsInstance(client.connection.failures[0].value, ZeroDivisionError)
        self.assertEqual(client.connection.closed_with, CloseCode.INTERNAL_ERROR)

    def test_later_is_told(self) -> None:
        """The client learns which request ran into a fault, and that it is no fault of its own."""
        self.break_relay(at_once=False)
        client = self.daemon.hello(1)
        received = client.say(SendMessageToUser(id=1, message=Raw(b"1"), ref=1))
        self.assertEqual(gist(received), [(1, ErrorCode.INTERNAL)])

    def test_at_once(self) -> None:
        """A fault that a request runs into at once is for the connection, which passed it on."""
        self.break_relay(at_once=True)
        client = self.daemon.hello(1)
        request = SendMessageToUser(id=1, message=Raw(b"1"))
        self.assertRaises(ZeroDivisionError, client.say, request)

    def test_in_what_waited(self) -> None:
        """A fault in a request that waited for a HELLO does not pass in silence."""
        self.break_relay(at_once=True)
        client = self.checking()
        client.say(SendMessageToUser(id=1, message=Raw(b"1")))
        self.accept()
        self.assertIsInstance(client.connection.failures[0].value, ZeroDivisionError)
        self.assertEqual(client.connection.closed_with, CloseCode.INTERNAL_ERROR)
