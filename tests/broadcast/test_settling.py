"""Tests of the time after the start, in which no list is told."""

from __future__ import annotations

from typing import Any

from presence.broadcast import MOST_WAITING
from presence.config import Settings
from presence.testing import FakeClient
from presence.wire.messages import (
    GetAllOnline,
    Goodbye,
    Hello,
    SubscribeOnlineStatus,
    UnsubscribeOnlineStatus,
)
from tests.broadcast.case import BroadcastTestCase
from tests.canary import TOKEN

SETTLE = 5


class SettlingTests(BroadcastTestCase):
    settings = Settings(settle=SETTLE)

    def settle(self) -> None:
        """Let the list settle."""
        self.clock.advance(SETTLE)

    def test_nothing(self) -> None:
        """Before, nobody is told of anybody."""
        client = self.daemon.connect()
        (ok,) = client.say(Hello(userid=1, accesstoken=TOKEN))
        self.come(2)
        self.clock.advance(SETTLE - 0.125)
        self.assertEqual((ok["type"], client.take()), ("OK", []))

    def test_one_list(self) -> None:
        """Then everybody gets one list."""
        client = self.daemon.hello(1)
        self.come(2, 3)
        self.settle()
        self.assertEqual(self.lists(client), [[1, 2, 3]])

    def test_nobody(self) -> None:
        """A daemon that nobody came to settles without a publication."""
        self.settle()
        self.assertEqual(self.journal.version, 0)

    def test_afterwards(self) -> None:
        """Afterwards changes are told as ever."""
        client = self.daemon.hello(1)
        self.settle()
        self.quiet()
        client.take()
        self.come(2)
        self.assertEqual(self.lists(client), [[1, 2]])

    def test_replies_wait(self) -> None:
        """Replies about who is online wait for the list, in their order."""
        client = self.daemon.hello(1, broadcast=False)
        client.say(GetAllOnline(ref=1))
        client.say(SubscribeOnlineStatus(ref=2))
        client.say(GetAllOnline(ref=3))
        self.come(2)
        self.settle()
        replies = [(message["ref"], message["online"]) for message in client.take()]
        self.assertEqual(replies, [(1, [1, 2]), (2, [1, 2]), (3, [1, 2])])

    def test_subscription_starts_with_its_reply(self) -> None:
        """A subscription that waited is told only what comes after its reply."""
        client = self.daemon.hello(1, broadcast=False)
        client.say(SubscribeOnlineStatus())
        self.settle()
        self.quiet()
        client.take()
        self.come(2)
        self.assertEqual(self.told(client), [([2], [])])

    def test_unsubscribe_waits_its_turn(self) -> None:
        """Unsubscribing also ends a subscription that still waits for the list."""
        client = self.daemon.hello(1, broadcast=False)
        client.say(SubscribeOnlineStatus(ref=1))
        client.say(UnsubscribeOnlineStatus(ref=2))
        self.settle()
        self.quiet()
        self.come(2)
        self.assertEqual([message.get("ref") for message in client.take()], [1, 2])

    def test_goodbye(self) -> None:
        """GOODBYE answers what waits for the list."""
        client = self.daemon.hello(1)
        client.say(GetAllOnline(ref=1))
        client.say(SubscribeOnlineStatus(ref=2))
        received = client.say(Goodbye(ref=3))
        answers = [(message["ref"], message.get("code", "ok")) for message in received]
        self.assertEqual(answers, [(1, "cancelled"), (2, "cancelled"), (3, "ok")])
        self.settle()
        self.assertEqual(client.take(), [])

    def test_gone(self) -> None:
        """What waits for the list goes with its connection, and is no fault."""
        client = self.daemon.hello(1)
        client.say(GetAllOnline())
        client.vanish()
        client.take()
        self.settle()
        self.assertEqual((client.take(), client.connection.failures), ([], []))

    def ask_too_often(self, client: FakeClient) -> dict[str, Any]:
        """Return what a client gets for one request too many."""
        for _ in range(MOST_WAITING):
            self.assertEqual(client.say(GetAllOnline()), [])
        (error,) = client.say(GetAllOnline())
        return error

    def test_most(self) -> None:
        """A 17th request that would wait is refused, with the time after which it helps."""
        self.clock.advance(1)
        error = self.ask_too_often(self.daemon.hello(1))
        self.assertEqual((error["code"], error["after"]), ("rate_limited", SETTLE - 1))

    def test_most_of_each(self) -> None:
        """One socket's waiting requests do not count for another's."""
        self.ask_too_often(self.daemon.hello(1))
        self.assertEqual(self.daemon.hello(2).say(GetAllOnline()), [])

    def test_others_are_served(self) -> None:
        """All 16 are answered once the list has settled."""
        client = self.daemon.hello(1, broadcast=False)
        self.ask_too_often(client)
        self.settle()
        self.assertEqual(len(client.take_of("OK")), MOST_WAITING)

    def test_hello_in_time(self) -> None:
        """A user who came and was held until then is in the first list."""
        self.daemon.hello(1).vanish()
        self.clock.advance(1)
        client = self.daemon.hello(2)
        self.clock.advance(SETTLE - 1.125)
        self.daemon.hello(1)
        self.clock.advance(0.125)
        self.assertEqual(self.lists(client), [[1, 2]])
