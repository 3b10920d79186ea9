"""Tests of subscriptions: who is told of which change."""

from __future__ import annotations

from presence.wire.closing import CloseCode
from presence.wire.messages import Goodbye, Position, UnsubscribeOnlineStatus
from tests.broadcast.case import BroadcastTestCase


class SubscriptionTests(BroadcastTestCase):
    def test_reply(self) -> None:
        """The reply says who is online, and at which position."""
        self.come(7)
        watcher = self.watcher(1)
        reply = self.subscribe(watcher)
        position = {"epoch": self.journal.epoch, "version": self.journal.version}
        expected = {"type": "OK", "re": "subscribeOnlineStatus", "resumed": False, "online": [1, 7]}
        self.assertEqual(reply, expected | position)

    def test_event(self) -> None:
        """A change says who came and went, from which version to which."""
        watcher = self.watcher(1)
        self.come(2)
        (event,) = watcher.take()
        expected = {"type": "onlineStatus", "epoch": self.journal.epoch, "previous": 1, "version": 2}
        self.assertEqual(event, expected | {"wentOnline": [2], "wentOffline": []})

    def test_goes(self) -> None:
        """A subscriber is told who goes."""
        watcher, client = self.watcher(1), self.daemon.hello(2)
        self.quiet()
        watcher.take()
        client.say(Goodbye())
        self.assertEqual(self.told(watcher), [([], [2])])

    def test_chain(self) -> None:
        """Each change follows the one before, and the first of them the reply."""
        watcher = self.watcher(1)
        versions = [self.subscribe(watcher)["version"]]
        for user in (2, 3, 4):
            self.come(user)
            self.quiet()
        for event in watcher.take():
            self.assertEqual(event["previous"], versions[-1])
            versions.append(event["version"])
        self.assertEqual(len(versions), 4)

    def test_all_alike(self) -> None:
        """Whoever subscribed earlier and whoever did now are told the same change."""
        first, second = self.watcher(1), self.watcher(2)
        first.take()
        self.come(3)
        self.assertEqual(first.take(), second.take())

    def test_replaced(self) -> None:
        """A new subscription replaces the old one whole."""
        watcher = self.watcher(1)
        self.subscribe(watcher, users=[2])
        self.come(3)
        self.assertEqual(watcher.take(), [])

    def test_replaced_by_all(self) -> None:
        """A subscription to all replaces one to a few, and every change is told once."""
        watcher = self.watcher(1, users=[2])
        self.subscribe(watcher)
        self.come(2)
        self.assertEqual(self.told(watcher), [([2], [])])

    def test_unsubscribe(self) -> None:
        """No change follows the OK to unsubscribe."""
        watcher = self.watcher(1)
        (reply,) = watcher.say(UnsubscribeOnlineStatus())
        self.come(2)
        self.assertEqual((reply["type"], watcher.take()), ("OK", []))

    def test_unsubscribe_from_nothing(self) -> None:
        """Unsubscribing is fine without a subscription."""
        (reply,) = self.daemon.hello(1).say(UnsubscribeOnlineStatus())
        self.assertEqual(reply, {"type": "OK", "re": "unsubscribeOnlineStatus"})

    def test_unsubscribe_keeps_the_list(self) -> None:
        """Unsubscribing does not end the broadcast."""
        client = self.listener(1)
        self.subscribe(client)
        client.say(UnsubscribeOnlineStatus())
        self.come(2)
        self.assertEqual(self.lists(client), [[1, 2]])

    def test_gone(self) -> None:
        """A subscription ends with its connection."""
        watcher = self.watcher(1)
        watcher.vanish()
        self.come(2)
        self.assertEqual(watcher.take(), [])

    def test_closing(self) -> None:
        """A connection that takes nothing any more does not keep others from being told."""
        first, second = self.watcher(1), self.watcher(2)
        first.take()
        first.connection.close(CloseCode.TOO_SLOW)
        self.come(3)
        self.assertEqual(self.told(second), [([3], [])])


class ChosenUsersTests(BroadcastTestCase):
    def test_reply(self) -> None:
        """The reply names those of the chosen users who are online, ascending, each once."""
        self.come(5, 3, 4)
        watcher = self.watcher(1)
        self.assertEqual(self.subscribe(watcher, users=[5, 3, 3, 9])["online"], [3, 5])

    def test_others(self) -> None:
        """Of users who were not chosen a subscriber is told nothing."""
        watcher = self.watcher(1, users=[2])
        self.come(3)
        self.assertEqual(watcher.take(), [])

    def test_chosen(self) -> None:
        """Of chosen users a subscriber is told, and of nobody else in the same publication."""
        watcher = self.watcher(1, users=[3, 4])
        self.come(2)
        self.come(3, 4, 5)
        self.quiet()
        self.assertEqual(self.told(watcher), [([3, 4], [])])

    def test_came_and_went(self) -> None:
        """One event tells of chosen users who came and of chosen users who went."""
        client = self.daemon.hello(2)
        watcher = self.watcher(1, users=[2, 3])
        self.come(9)
        client.say(Goodbye())
        self.come(3)
        self.quiet()
        self.assertEqual(self.told(watcher), [([3], [2])])

    def test_oneself(self) -> None:
        """A client that chose itself is not told of its second tab."""
        watcher = self.watcher(1, users=[1])
        self.come(1)
        self.assertEqual(watcher.take(), [])

    def test_chain(self) -> None:
        """Publications about others do not count: ``previous`` is the last that was told."""
        watcher = self.watcher(1, users=[2, 4])
        start = self.subscribe(watcher, users=[2, 4])["version"]
        for user in (2, 3, 4):
            self.come(user)
            self.quiet()
        first, second = watcher.take()
        self.assertEqual((first["previous"], second["previous"]), (start, first["version"]))
        self.assertEqual(second["version"], self.journal.version)

    def test_shared_choice(self) -> None:
        """Two who chose the same user are both told, and one's end is not the other's."""
        first, second = self.watcher(1, users=[3]), self.watcher(2, users=[3])
        first.say(UnsubscribeOnlineStatus())
        self.come(3)
        self.assertEqual((self.told(first), self.told(second)), ([], [([3], [])]))

    def test_since(self) -> None:
        """A position is ignored when users are chosen."""
        watcher = self.watcher(1)
        reply = self.subscribe(watcher, users=[1], since=self.here())
        self.assertEqual((reply["resumed"], reply["online"]), (False, [1]))


class SinceTests(BroadcastTestCase):
    def test_net_change(self) -> None:
        """Whoever was here before gets what changed since, and no list."""
        client, leaver = self.daemon.hello(1, broadcast=False), self.daemon.hello(2)
        self.quiet()
        position = self.here()
        leaver.say(Goodbye())
        self.come(3)
        self.quiet()
        reply = self.subscribe(client, since=position)
        self.assertEqual((reply["resumed"], reply["wentOnline"], reply["wentOffline"]), (True, [3], [2]))
        self.assertNotIn("online", reply)
        self.assertEqual(reply["version"], self.journal.version)

    def test_no_change(self) -> None:
        """The newest position is resumed too, with nothing to tell."""
        client = self.watcher(1)
        reply = self.subscribe(client, since=self.here())
        self.assertEqual((reply["resumed"], reply["wentOnline"], reply["wentOffline"]), (True, [], []))

    def test_follows(self) -> None:
        """Changes after a resumed subscription follow its reply."""
        client = self.watcher(1)
        version = self.subscribe(client, since=Position(self.journal.epoch, 0))["version"]
        self.come(2)
        (event,) = client.take()
        self.assertEqual((event["previous"], event["wentOnline"]), (version, [2]))

    def test_other_epoch(self) -> None:
        """A position of another epoch is not resumed: the reply holds the list."""
        client = self.watcher(1)
        reply = self.subscribe(client, since=Position("other", self.journal.version))
        self.assertEqual((reply["resumed"], reply["online"]), (False, [1]))

    def test_unknown_version(self) -> None:
        """A version that was never published is not resumed."""
        client = self.watcher(1)
        reply = self.subscribe(client, since=Position(self.journal.epoch, 999))
        self.assertEqual((reply["resumed"], reply["online"]), (False, [1]))

    def test_inside_a_window(self) -> None:
        """What waits for the end of a window is no part of what changed since."""
        client = self.watcher(1)
        position = self.here()
        self.come(2, 3)
        client.take()
        self.assertEqual(self.subscribe(client, since=position)["wentOnline"], [2])
