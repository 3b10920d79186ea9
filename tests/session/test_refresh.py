"""Tests of HELLO on a socket that has a user, and of GOODBYE."""

from __future__ import annotations

from typing import Any

from presence.interfaces import Frame
from presence.session.machine import MOST_REFRESHES
from presence.testing import FakeClient, FakeDaemon
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import Event, GetAllOnline, Goodbye, Hello, SubscribeOnlineStatus
from tests.canary import TOKEN, secret
from tests.session.case import PLACE, Received, SessionTestCase, gist


def no_frame(event: Event) -> Frame:
    """Fail to make a frame."""
    raise ZeroDivisionError(event)


class RefreshTestCase(SessionTestCase):
    def setUp(self) -> None:
        """Identify user 1, and let the account API take its time from now on."""
        super().setUp()
        self.client = self.daemon.hello(1, client="tests")
        self.tokens.waits = True

    def refresh(self, user_id: int = 1, **fields: Any) -> Received:  # noqa: ANN401 - HELLO's fields
        """Say HELLO again, with the ref ``again``."""
        return self.client.say(Hello(userid=user_id, accesstoken=secret("newer"), ref="again", **fields))

    def refreshed(self, **fields: Any) -> Received:  # noqa: ANN401 - HELLO's fields
        """Say HELLO again and let the account API take the token."""
        self.refresh(**fields)
        self.accept()
        return self.client.take()

    @property
    def label(self) -> str:
        """What the socket of user 1 calls itself."""
        (socket,) = self.daemon.roster.sockets_of(1)
        return socket.client


class RefreshTests(RefreshTestCase):
    def test_same_socket(self) -> None:
        """A refresh keeps the socket, and checks the new token."""
        (socket,) = self.daemon.roster.sockets_of(1)
        (ok,) = self.refreshed()
        self.assertEqual((ok["ref"], ok["userid"], ok["socket"]), ("again", 1, socket.id))
        self.assertEqual(self.tokens.asked[-1], (1, secret("newer")))

    def test_place(self) -> None:
        """The new token is checked in the name of the place that the client comes from."""
        self.client.connection.place = PLACE
        self.refresh()
        self.assertEqual(self.tokens.places[-1], PLACE)

    def test_nothing_waits(self) -> None:
        """Other requests are served while the new token is checked."""
        self.assertEqual(self.refresh(), [])
        self.assertEqual(gist(self.client.say(GetAllOnline(ref=2))), [(2, "OK")])

    def test_failure(self) -> None:
        """A refresh that fails leaves the user, the label and the broadcast as they were."""
        self.refresh(broadcast=False, client="other")
        self.refuse()
        self.assertEqual(gist(self.client.take()), [("again", "token_rejected")])
        self.assertEqual(self.label, "tests")
        self.clock.advance(1)
        self.tokens.waits = False
        self.daemon.hello(2)
        self.assertEqual(self.client.take_of("onlineUsers")[0]["online"], [1, 2])

    def test_fault(self) -> None:
        """A fault of our own during a refresh is told, and closes."""
        self.refresh()
        self.tokens.checks[0].errback(RuntimeError())
        self.assertEqual(gist(self.client.take()), [("again", "internal")])
        self.assertEqual(self.client.connection.closed_with, CloseCode.INTERNAL_ERROR)

    def test_fault_after_the_verdict(self) -> None:
        """A fault of our own in what a good refresh changes does not pass in silence."""
        client = FakeDaemon(make_frame=no_frame).hello(1, broadcast=False)
        client.say(Hello(userid=1, accesstoken=secret("newer"), broadcast=True))
        self.assertIsInstance(client.connection.failures[0].value, ZeroDivisionError)
        self.assertEqual(client.connection.closed_with, CloseCode.INTERNAL_ERROR)

    def test_label(self) -> None:
        """A refresh changes the label when it names one."""
        self.refreshed(client="other")
        self.assertEqual(self.label, "other")

    def test_no_label(self) -> None:
        """A refresh without a label leaves the old one."""
        self.refreshed()
        self.assertEqual(self.label, "tests")

    def test_another_user(self) -> None:
        """HELLO as somebody else is refused without asking the account API."""
        self.assertEqual(gist(self.refresh(2)), [("again", "already_identified")])
        self.assertEqual(self.tokens.asked, [(1, TOKEN)])

    def test_goodbye(self) -> None:
        """GOODBYE answers a refresh that is being checked, and the check ends."""
        self.refresh()
        self.assertEqual(gist(self.client.say(Goodbye(ref=2))), [("again", "cancelled"), (2, "OK")])
        self.assertTrue(self.tokens.checks[0].called, "the check runs on")

    def test_goodbye_to_several(self) -> None:
        """GOODBYE answers each refresh that is being checked."""
        self.refresh()
        self.refresh()
        codes = [code for _, code in gist(self.client.say(Goodbye()))]
        self.assertEqual(codes, ["cancelled", "cancelled", "OK"])

    def test_gone(self) -> None:
        """The check of a refresh ends with the connection."""
        self.refresh(client="other")
        self.client.vanish()
        self.assertTrue(self.tokens.checks[0].called, "the check runs on")
        self.assertEqual(self.client.connection.failures, [])

    def test_most(self) -> None:
        """One refresh too many at a time is refused; one that was decided makes room."""
        for _ in range(MOST_REFRESHES):
            self.refresh()
        self.assertEqual(gist(self.refresh()), [("again", "rate_limited")])
        self.accept()
        self.client.take()
        self.assertEqual(self.refresh(), [])


class BroadcastOfRefreshTests(RefreshTestCase):
    def somebody_comes(self) -> None:
        """Let user 9 come, after a quiet time."""
        self.clock.advance(1)
        self.tokens.waits = False
        self.daemon.hello(9)

    def lists_after(self, client: FakeClient, **fields: bool) -> list[list[int]]:
        """Return the lists that a client gets for a coming after a refresh."""
        self.client = client
        self.refreshed(**fields)
        self.somebody_comes()
        return [message["online"] for message in client.take_of("onlineUsers")]

    def silent(self) -> FakeClient:
        """Return a second socket of user 1, which gets no lists."""
        self.tokens.waits = False
        client = self.daemon.hello(1, broadcast=False)
        self.tokens.waits = True
        return client

    def test_unchanged(self) -> None:
        """A refresh that does not speak of the broadcast leaves it on."""
        self.assertEqual(self.lists_after(self.client), [[1, 9]])

    def test_still_none(self) -> None:
        """A refresh that does not speak of the broadcast leaves it off."""
        self.assertEqual(self.lists_after(self.silent()), [])

    def test_off(self) -> None:
        """A refresh can turn the broadcast off."""
        self.assertEqual(self.lists_after(self.client, broadcast=False), [])

    def test_on(self) -> None:
        """A refresh that turns the broadcast on is followed by the list, after its OK."""
        self.client = self.silent()
        received = self.refreshed(broadcast=True)
        self.assertEqual([message["type"] for message in received], ["OK", "onlineUsers"])

    def test_stays_on(self) -> None:
        """A refresh that turns on what is on brings no list of its own."""
        received = self.refreshed(broadcast=True)
        self.assertEqual([message["type"] for message in received], ["OK"])

    def test_on_from_now_on(self) -> None:
        """A broadcast that was turned on tells every later change, once."""
        self.client = self.silent()
        self.refreshed(broadcast=True)
        self.assertEqual(self.lists_after(self.client, broadcast=True), [[1, 9]])


class GoodbyeTests(SessionTestCase):
    def test_nobody_any_more(self) -> None:
        """After GOODBYE the connection has no user."""
        client = self.daemon.hello(1)
        self.assertEqual(gist(client.say(Goodbye(ref=1))), [(1, "OK")])
        self.assertEqual(gist(client.say(GetAllOnline(ref=2))), [(2, ErrorCode.NOT_IDENTIFIED)])

    def test_no_events(self) -> None:
        """No event follows the OK to GOODBYE, neither lists nor changes nor messages."""
        client = self.daemon.hello(1)
        client.say(SubscribeOnlineStatus())
        received = client.say(Goodbye())
        self.assertEqual(received[-1]["re"], "GOODBYE")
        self.clock.advance(1)
        self.daemon.hello(2)
        self.clock.advance(1)
        self.assertEqual(client.take(), [])

    def test_somebody_else(self) -> None:
        """After GOODBYE the connection can be somebody else, by a new socket."""
        client = self.daemon.connect()
        hello = Hello(userid=1, accesstoken=TOKEN)
        old = client.say(hello)[0]
        client.say(Goodbye())
        new = client.say(Hello(userid=2, accesstoken=secret("other")))[0]
        self.clock.advance(1)
        self.assertEqual((old["userid"], new["userid"]), (1, 2))
        self.assertNotEqual(old["socket"], new["socket"])
        self.assertEqual(self.daemon.roster.journal.online, [2])

    def test_same_again(self) -> None:
        """The same user gets a new socket after GOODBYE too."""
        client = self.daemon.connect()
        hello = Hello(userid=1, accesstoken=TOKEN)
        old = client.say(hello)[0]["socket"]
        client.say(Goodbye())
        self.assertNotEqual(client.say(hello)[0]["socket"], old)

    def test_subscription_is_forgotten(self) -> None:
        """A subscription does not come back with the next HELLO."""
        client = self.daemon.hello(1)
        client.say(SubscribeOnlineStatus())
        client.say(Goodbye())
        client.say(Hello(userid=1, accesstoken=TOKEN, broadcast=False))
        self.clock.advance(1)
        self.daemon.hello(2)
        self.assertEqual(client.take(), [])
