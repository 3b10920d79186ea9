"""Tests of the whole list, as it is sent to every client that does not object."""

from __future__ import annotations

from presence.interfaces import Socket
from presence.testing import FakeConnection
from presence.wire.messages import Goodbye, Hello, SubscribeOnlineStatus
from tests.broadcast.case import WINDOW, BroadcastTestCase
from tests.canary import TOKEN


class ListTests(BroadcastTestCase):
    def test_after_hello(self) -> None:
        """A client gets the list once after its first HELLO, itself on it."""
        client = self.daemon.connect()
        received = client.say(Hello(userid=1, accesstoken=TOKEN))
        self.quiet()
        (event,) = [*received[1:], *client.take()]
        position = {"epoch": self.journal.epoch, "version": 1}
        self.assertEqual(event, {"type": "onlineUsers", "online": [1]} | position)

    def test_inside_a_window(self) -> None:
        """A client that comes inside a window gets its first list at the end, itself on it."""
        self.come(1)
        client = self.daemon.connect()
        received = client.say(Hello(userid=2, accesstoken=TOKEN))
        self.assertEqual([message["type"] for message in received], ["OK"])
        self.clock.advance(WINDOW)
        self.assertEqual(self.lists(client), [[1, 2]])

    def test_not_without_oneself(self) -> None:
        """A list that lacks the own user is not sent as a first one."""
        first = self.listener(1)
        self.come(2)
        newcomer = self.daemon.connect()
        newcomer.say(Hello(userid=3, accesstoken=TOKEN))
        self.assertEqual((self.lists(first), self.lists(newcomer)), ([[1, 2]], []))

    def test_late_roster(self) -> None:
        """A list without the own user is not sent either where the roster takes its time."""
        connection = FakeConnection()
        socket = Socket("s", 2, connection, 0)
        self.daemon.broadcast.add(socket)
        self.daemon.broadcast.listen(socket)
        self.come(1)
        self.assertEqual(connection.take(), [])
        self.quiet()
        self.daemon.roster.join(socket)
        self.assertEqual([event["online"] for event in connection.take()], [[1, 2]])

    def test_second_tab(self) -> None:
        """A second tab is no change: the first is told nothing."""
        first = self.listener(1)
        self.daemon.hello(1)
        self.assertEqual(first.take(), [])

    def test_second_tab_at_once(self) -> None:
        """A second tab gets the list at once, also inside a window."""
        self.listener(1)
        self.come(2, 3)
        received = self.daemon.connect().say(Hello(userid=1, accesstoken=TOKEN))
        self.assertEqual([message.get("online") for message in received], [None, [1, 2]])

    def test_back_inside_the_hold(self) -> None:
        """Whoever was held online gets the list at once."""
        self.listener(1).vanish()
        received = self.daemon.connect().say(Hello(userid=1, accesstoken=TOKEN))
        self.assertEqual(received[1]["online"], [1])

    def test_each_change(self) -> None:
        """Every client gets the new list each time it changed, ascending."""
        first, second = self.listener(7), self.listener(9)
        first.take()
        self.come(8)
        self.assertEqual((self.lists(first), self.lists(second)), ([[7, 8, 9]], [[7, 8, 9]]))

    def test_one_goes(self) -> None:
        """The list changes when a user goes, too."""
        first, second = self.listener(1), self.listener(2)
        first.take()
        second.say(Goodbye())
        self.assertEqual(self.lists(first), [[1]])

    def test_not_wanted(self) -> None:
        """A client that said so in its HELLO gets no list, at first or later."""
        client = self.daemon.connect()
        received = client.say(Hello(userid=1, accesstoken=TOKEN, broadcast=False))
        self.quiet()
        self.come(2)
        self.assertEqual([message["type"] for message in [*received, *client.take()]], ["OK"])

    def test_wanted_and_said(self) -> None:
        """A client may say that it wants the list."""
        received = self.daemon.connect().say(Hello(userid=1, accesstoken=TOKEN, broadcast=True))
        self.assertEqual(received[1]["online"], [1])

    def test_gone_before_the_first(self) -> None:
        """A client that says GOODBYE before its first list never gets one."""
        self.come(1)
        client = self.daemon.hello(2)
        client.say(Goodbye())
        self.quiet()
        self.assertEqual(client.take(), [])

    def test_turned_off_before_the_first(self) -> None:
        """A client that turns the broadcast off before its first list never gets one."""
        self.come(1)
        client = self.daemon.hello(2)
        client.say(Hello(userid=2, accesstoken=TOKEN, broadcast=False))
        self.quiet()
        self.assertEqual(client.take(), [])

    def test_turned_on_before_the_first(self) -> None:
        """A client that is waiting for its first list gets it once, however often it asks."""
        self.come(1)
        client = self.daemon.hello(2)
        client.say(Hello(userid=2, accesstoken=TOKEN, broadcast=True))
        self.quiet()
        self.assertEqual(self.lists(client), [[1, 2]])

    def test_after_the_change(self) -> None:
        """Of one version a subscriber is told the change first, and the list then."""
        client = self.listener(1)
        client.say(SubscribeOnlineStatus())
        self.come(2)
        received = client.take()
        self.assertEqual([message["type"] for message in received], ["onlineStatus", "onlineUsers"])
        self.assertEqual(received[0]["version"], received[1]["version"])

    def test_newcomer_after_the_change(self) -> None:
        """Of its own coming, too, a subscriber is told the change first."""
        self.come(1)
        client = self.daemon.hello(2)
        client.say(SubscribeOnlineStatus())
        self.clock.advance(WINDOW)
        types = [message["type"] for message in client.take()]
        self.assertEqual(types, ["onlineStatus", "onlineUsers"])
