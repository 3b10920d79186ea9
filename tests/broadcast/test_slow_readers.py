"""Tests of clients that read more slowly than they are written to."""

from __future__ import annotations

from presence.config import Settings
from presence.roster.journal import PUBLICATIONS_REMEMBERED
from presence.wire.messages import Goodbye, Hello, UnsubscribeOnlineStatus
from tests.broadcast.case import BroadcastTestCase
from tests.canary import TOKEN


class SlowReaderTestCase(BroadcastTestCase):
    """Every change is published at once."""

    settings = Settings(settle=0, broadcast_interval=0, token_recheck=0)


class SlowWatcherTests(SlowReaderTestCase):
    def test_nothing_while_paused(self) -> None:
        """Nothing is sent to a client that does not read."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.come(2)
        self.assertEqual(watcher.take(), [])

    def test_merged(self) -> None:
        """When it reads on, it gets one change, from where it was to where all are."""
        watcher = self.watcher(1)
        start = self.journal.version
        watcher.stop_reading()
        self.come(4, 2)
        self.flicker(3)
        watcher.read_on()
        (event,) = watcher.take()
        self.assertEqual((event["wentOnline"], event["wentOffline"]), ([2, 4], []))
        self.assertEqual((event["previous"], event["version"]), (start, self.journal.version))

    def test_chain_goes_on(self) -> None:
        """The next change follows the one that caught up."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.come(2)
        watcher.read_on()
        self.come(3)
        caught_up, following = watcher.take()
        self.assertEqual(following["previous"], caught_up["version"])

    def test_nothing_missed(self) -> None:
        """Who missed nothing is told nothing when it reads on."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        watcher.read_on()
        self.assertEqual(watcher.take(), [])

    def test_told_once(self) -> None:
        """What was caught up is not told again at the next pause."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.come(2)
        watcher.read_on()
        watcher.stop_reading()
        watcher.read_on()
        self.assertEqual(self.told(watcher), [([2], [])])

    def test_cancelled_out(self) -> None:
        """What cancelled out meanwhile is not told."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.flicker(2)
        watcher.read_on()
        self.assertEqual(watcher.take(), [])

    def test_chain_after_cancelled_out(self) -> None:
        """After a pause that told nothing the next change follows what was written last."""
        slow, other = self.watcher(1), self.watcher(2)
        slow.take()
        start = self.journal.version
        slow.stop_reading()
        self.flicker(3)
        slow.read_on()
        other.take()
        self.come(4)
        (mine,), (theirs,) = slow.take(), other.take()
        self.assertEqual((mine["previous"], theirs["previous"]), (start, start + 2))
        self.assertEqual((mine["version"], mine["wentOnline"]), (theirs["version"], [4]))

    def test_others_are_told(self) -> None:
        """One that does not read keeps nobody else from being told."""
        slow, other = self.watcher(1), self.watcher(2)
        slow.stop_reading()
        self.come(3)
        self.assertEqual(self.told(other), [([3], [])])

    def test_new_subscription(self) -> None:
        """A subscription made during a pause starts with its reply; nothing older is told."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.come(2)
        self.assertEqual(self.subscribe(watcher)["online"], [1, 2])
        watcher.read_on()
        self.assertEqual(watcher.take(), [])

    def test_unsubscribed(self) -> None:
        """Whoever unsubscribed during a pause is told nothing when it reads on."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.come(2)
        watcher.say(UnsubscribeOnlineStatus())
        watcher.read_on()
        self.assertEqual(watcher.take(), [])

    def test_goodbye(self) -> None:
        """Whoever said GOODBYE during a pause is told nothing when it reads on."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.come(2)
        watcher.say(Goodbye())
        watcher.read_on()
        self.assertEqual(watcher.take(), [])


class ForgottenTests(SlowReaderTestCase):
    def publish(self, times: int) -> None:
        """Let so many publications pass, of users who come and go."""
        for _ in range(times // 2):
            self.flicker(99)
        if times % 2:
            self.come(99)

    def test_just_remembered(self) -> None:
        """The last 1000 publications are remembered, the current one included."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.publish(PUBLICATIONS_REMEMBERED - 1)
        watcher.read_on()
        self.assertEqual(self.told(watcher), [([99], [])])

    def test_reset(self) -> None:
        """A client that missed more than is remembered gets the list anew."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.come(2)
        self.publish(PUBLICATIONS_REMEMBERED - 1)
        watcher.read_on()
        (event,) = watcher.take()
        position = {"epoch": self.journal.epoch, "version": self.journal.version}
        self.assertEqual(event, {"type": "onlineStatus", "reset": True, "online": [1, 2, 99]} | position)

    def test_chain_after_reset(self) -> None:
        """The next change follows the reset."""
        watcher = self.watcher(1)
        watcher.stop_reading()
        self.publish(PUBLICATIONS_REMEMBERED)
        watcher.read_on()
        self.come(2)
        reset, following = watcher.take()
        self.assertEqual(following["previous"], reset["version"])

    def test_reset_of_chosen_users(self) -> None:
        """A reset for chosen users lists those of them who are online."""
        watcher = self.watcher(1, users=[3, 99])
        watcher.stop_reading()
        self.come(2)
        self.publish(PUBLICATIONS_REMEMBERED + 1)
        watcher.read_on()
        (event,) = watcher.take()
        self.assertEqual((event["reset"], event["online"]), (True, [99]))

    def test_no_reset_without_need(self) -> None:
        """Whoever missed nothing gets no reset, however much was published of others since."""
        watcher = self.watcher(1, users=[2])
        watcher.stop_reading()
        self.come(2)
        watcher.read_on()
        self.publish(PUBLICATIONS_REMEMBERED)
        watcher.stop_reading()
        watcher.read_on()
        self.assertEqual(self.told(watcher), [([2], [])])

    def test_since(self) -> None:
        """A subscription resumes from the oldest publication that is remembered, and none before."""
        client, position = self.watcher(1), self.here()
        self.publish(PUBLICATIONS_REMEMBERED - 1)
        client.take()
        self.assertTrue(self.subscribe(client, since=position)["resumed"])
        self.come(2)
        client.take()
        self.assertFalse(self.subscribe(client, since=position)["resumed"])


class SlowChooserTests(SlowReaderTestCase):
    def test_merged(self) -> None:
        """One change tells what became of the chosen users meanwhile, and of nobody else."""
        watcher = self.watcher(1, users=[2, 3, 4])
        start = self.journal.version
        watcher.stop_reading()
        self.come(2, 9, 4)
        self.flicker(3)
        watcher.read_on()
        (event,) = watcher.take()
        self.assertEqual((event["wentOnline"], event["wentOffline"]), ([2, 4], []))
        self.assertEqual((event["previous"], event["version"]), (start, self.journal.version))

    def test_went(self) -> None:
        """A chosen user who went meanwhile is told, too."""
        client = self.daemon.hello(2)
        watcher = self.watcher(1, users=[2])
        watcher.stop_reading()
        client.say(Goodbye())
        watcher.read_on()
        self.assertEqual(self.told(watcher), [([], [2])])

    def test_others(self) -> None:
        """Of others nothing is caught up."""
        watcher = self.watcher(1, users=[2])
        watcher.stop_reading()
        self.come(9)
        watcher.read_on()
        self.assertEqual(watcher.take(), [])

    def test_cancelled_out(self) -> None:
        """What cancelled out among the chosen users is not told, whatever others did."""
        watcher = self.watcher(1, users=[2])
        watcher.stop_reading()
        self.flicker(2)
        self.come(9)
        watcher.read_on()
        self.assertEqual(watcher.take(), [])


class SlowListenerTests(SlowReaderTestCase):
    def test_newest(self) -> None:
        """A client that reads on gets one list, the newest."""
        client = self.listener(1)
        client.stop_reading()
        self.come(2, 3)
        self.assertEqual(client.take(), [])
        client.read_on()
        self.assertEqual(self.lists(client), [[1, 2, 3]])

    def test_nothing_missed(self) -> None:
        """Without a change meanwhile there is no list to catch up."""
        client = self.listener(1)
        client.stop_reading()
        client.read_on()
        self.assertEqual(client.take(), [])

    def test_once(self) -> None:
        """The list that was caught up is not sent again at the next pause."""
        client = self.listener(1)
        client.stop_reading()
        self.come(2)
        client.read_on()
        client.stop_reading()
        client.read_on()
        self.assertEqual(self.lists(client), [[1, 2]])

    def test_after_the_change(self) -> None:
        """When both are caught up, the change comes first, and the list of the same version then."""
        client = self.listener(1)
        self.subscribe(client)
        client.stop_reading()
        self.come(2, 3)
        client.read_on()
        received = client.take()
        self.assertEqual([message["type"] for message in received], ["onlineStatus", "onlineUsers"])
        self.assertEqual(received[0]["version"], received[1]["version"])

    def test_turned_off(self) -> None:
        """A client that turned the broadcast off during a pause gets no list when it reads on."""
        client = self.listener(1)
        client.stop_reading()
        self.come(2)
        client.say(Hello(userid=1, accesstoken=TOKEN, broadcast=False))
        client.read_on()
        self.assertEqual(client.take(), [])

    def test_first_list(self) -> None:
        """A client that does not even read its first list gets it when it does."""
        client = self.daemon.connect()
        client.stop_reading()
        (ok,) = client.say(Hello(userid=1, accesstoken=TOKEN))
        client.read_on()
        self.assertEqual((ok["type"], self.lists(client)), ("OK", [[1]]))
