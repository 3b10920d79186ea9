"""Tests of the time after the start, in which no list is told."""

from __future__ import annotations

from typing import Any

from presence.broadcast import MOST_WAITING
from presence.config import Settings
from presence.settling import LARGEST_TRICKLE, LONGEST_CROWD_SECONDS
from presence.testing import FakeClient, FakeDaemon
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


class CrowdTests(BroadcastTestCase):
    settings = Settings(settle=SETTLE, token_recheck=0)

    def setUp(self) -> None:
        """Let somebody come who wants the lists."""
        super().setUp()
        self.client = self.daemon.hello(1)
        self.online = 1

    def let_in(self, users: int, seconds: float = 1) -> None:
        """Let so many new users come, and then some time pass."""
        self.come(*range(self.online + 1, self.online + 1 + users))
        self.online += users
        self.clock.advance(seconds)

    def settle_with(self, users: int, *, before: int = 0) -> None:
        """Let so many come in the last second of the usual time, and others earlier."""
        self.let_in(before, SETTLE - 1)
        self.let_in(users)

    def lengths(self) -> list[int]:
        """Return how long the lists are that were told since the last call."""
        return [len(online) for online in self.lists(self.client)]

    def test_trickle(self) -> None:
        """Ten users in the last second are no crowd: the list is told in time."""
        self.settle_with(LARGEST_TRICKLE)
        self.assertEqual(self.lengths(), [11])

    def test_crowd(self) -> None:
        """With more of them there is no list until a second has passed in which few came."""
        self.settle_with(LARGEST_TRICKLE + 1)
        self.clock.advance(1 - 0.125)
        self.assertEqual(self.lengths(), [])
        self.clock.advance(0.125)
        self.assertEqual(self.lengths(), [12])

    def test_crowd_that_goes_on(self) -> None:
        """As long as a crowd comes there is no list; with its end there is one, of all."""
        self.settle_with(100, before=100)
        for _ in range(5):
            self.let_in(50)
        self.assertEqual(self.lengths(), [])
        self.let_in(LARGEST_TRICKLE)
        self.assertEqual(self.lengths(), [461])

    def test_small_share(self) -> None:
        """A hundredth of all who are online is no crowd, however many that are."""
        self.settle_with(12, before=1187)
        self.assertEqual(self.lengths(), [1200])

    def test_large_share(self) -> None:
        """More than a hundredth is one."""
        self.settle_with(13, before=1187)
        self.assertEqual(self.lengths(), [])

    def test_early_crowd(self) -> None:
        """A crowd that was in a second before the end makes nobody wait."""
        self.settle_with(0, before=500)
        self.assertEqual(self.lengths(), [501])

    def test_visitors(self) -> None:
        """Who came and went is no part of a crowd."""
        self.clock.advance(SETTLE - 1)
        for user in range(2, 100):
            self.flicker(user)
        self.clock.advance(1)
        self.assertEqual(self.lengths(), [1])

    def test_late_look(self) -> None:
        """Where a look came late, and the next in time, a crowd is one by how many come in a second."""
        self.let_in(1187, SETTLE - 0.125)
        self.let_in(11, 0.125)
        self.assertEqual(self.lengths(), [])

    def test_late_last_look(self) -> None:
        """The same holds for a trickle."""
        self.settle_with(100, before=1087)
        self.let_in(20, 2)
        self.assertEqual(self.lengths(), [1208])

    def test_less_than_a_second(self) -> None:
        """A crowd is waited for also when the usual time is short."""
        self.daemon = FakeDaemon(Settings(settle=0.5))
        self.client = self.daemon.hello(1)
        self.come(*range(2, 12))
        self.daemon.clock.advance(0.5)
        self.assertEqual(self.lengths(), [])

    def test_timer(self) -> None:
        """Nor is a timer set into the past then, which a reactor refuses."""
        (look,) = FakeDaemon(Settings(settle=0.5)).clock.getDelayedCalls()
        self.assertEqual(look.getTime(), 0)

    def test_bound(self) -> None:
        """However long a crowd comes, there is a list half a minute after the usual time."""
        self.settle_with(100)
        for _ in range(17):
            self.let_in(self.online // 8 + 20, 1.75)
        self.assertEqual(self.lengths(), [])
        self.let_in(self.online, LONGEST_CROWD_SECONDS - 17 * 1.75)
        self.assertEqual(self.lengths(), [self.online])

    def test_replies_wait(self) -> None:
        """Replies about who is online wait for the end of the crowd."""
        self.client.say(GetAllOnline())
        self.settle_with(100)
        self.assertEqual(self.client.take(), [])
        self.clock.advance(1)
        self.assertEqual([len(reply["online"]) for reply in self.client.take_of("OK")], [101])

    def test_most(self) -> None:
        """A request too many is refused with the time that is left at least."""
        self.settle_with(100)
        self.clock.advance(0.25)
        for _ in range(MOST_WAITING):
            self.client.say(GetAllOnline())
        (error,) = self.client.say(GetAllOnline())
        self.assertEqual((error["code"], error["after"]), ("rate_limited", 0.75))

    def test_stop(self) -> None:
        """Stopping while a crowd comes leaves no timer, and tells nobody."""
        self.settle_with(100)
        self.daemon.broadcast.stop()
        self.assertEqual((self.clock.getDelayedCalls(), self.lengths()), ([], []))
