"""Tests of a change that so many are told that it takes several turns of the reactor."""

from __future__ import annotations

from presence.config import Settings
from presence.logs import Unforeseen
from presence.slices import MOST_SENDS
from presence.testing import FakeClient, FakeDaemon
from presence.wire.messages import Goodbye, Hello, UnsubscribeOnlineStatus
from tests.broadcast.case import WINDOW, BroadcastTestCase
from tests.canary import TOKEN

CROWD = range(1000, 1000 + 2 * MOST_SENDS + 1)
NEWCOMER = 7


class TurnsTests(BroadcastTestCase):
    def listeners(self) -> list[FakeClient]:
        """Return a crowd of clients that get the lists, with nothing left to tell them."""
        return self.without_news([self.daemon.hello(user) for user in CROWD])

    def watchers(self, users: list[int] | None = None) -> list[FakeClient]:
        """Return a crowd of clients that subscribed."""
        crowd = self.without_news([self.daemon.hello(user, broadcast=False) for user in CROWD])
        for client in crowd:
            self.subscribe(client, users=users)
        return crowd

    def without_news(self, crowd: list[FakeClient]) -> list[FakeClient]:
        """Let everything be told, and forget it."""
        self.quiet()
        self.clock.advance(0)
        self.quiet()
        for client in crowd:
            client.take()
        return crowd

    def news(self, crowd: list[FakeClient]) -> int:
        """Count the events since the last call."""
        return sum(len(client.take()) for client in crowd)

    def test_lists(self) -> None:
        """So many get the list in a turn, and everybody gets it once."""
        crowd = self.listeners()
        self.come(NEWCOMER)
        self.assertEqual(self.news(crowd), MOST_SENDS)
        self.clock.advance(0)
        self.assertEqual(self.news(crowd), len(CROWD) - MOST_SENDS)

    def test_changes(self) -> None:
        """So do those who subscribed, to all users or to some."""
        for users in (None, [NEWCOMER]):
            self.setUp()
            crowd = self.watchers(users)
            self.come(NEWCOMER)
            self.assertEqual(self.news(crowd), MOST_SENDS)
            self.clock.advance(0)
            self.assertEqual(self.news(crowd), len(CROWD) - MOST_SENDS)

    def test_each_change_by_itself(self) -> None:
        """Without a window everybody is told every change before the next one."""
        self.daemon = FakeDaemon(Settings(settle=0, broadcast_interval=0, token_recheck=0))
        self.clock, self.journal = self.daemon.clock, self.daemon.roster.journal
        crowd = self.listeners()
        self.come(NEWCOMER)
        self.assertEqual(self.news(crowd), len(CROWD))

    def test_subscribed_meanwhile(self) -> None:
        """Whoever subscribes anew before its turn knows the change, and is not told it again."""
        crowd = self.watchers()
        self.come(NEWCOMER)
        reply = self.subscribe(crowd[-1])
        self.clock.advance(0)
        self.assertIn(NEWCOMER, reply["online"])
        self.assertEqual(crowd[-1].take(), [])

    def test_left_meanwhile(self) -> None:
        """Whoever subscribes no more before its turn, or says GOODBYE, is not told."""
        crowd = self.watchers()
        self.come(NEWCOMER)
        crowd[-1].say(UnsubscribeOnlineStatus())
        crowd[-2].say(Goodbye())
        self.clock.advance(0)
        self.assertEqual([crowd[-1].take(), crowd[-2].take()], [[], []])

    def test_no_lists_any_more(self) -> None:
        """Whoever wants no lists any more gets none when its turn comes."""
        crowd = self.listeners()
        self.come(NEWCOMER)
        crowd[-1].say(Hello(userid=CROWD[-1], accesstoken=TOKEN, broadcast=False))
        self.clock.advance(0)
        self.assertEqual(crowd[-1].take(), [])

    def test_listed_meanwhile(self) -> None:
        """Whoever got the new list before its turn does not get it again."""
        crowd = self.listeners()
        self.come(NEWCOMER)
        second = self.daemon.connect()
        received = second.say(Hello(userid=CROWD[0], accesstoken=TOKEN))
        self.assertIn(NEWCOMER, received[1]["online"])
        self.clock.advance(0)
        self.assertEqual(second.take(), [])
        self.assertEqual(self.news(crowd), len(CROWD))

    def test_drained_meanwhile(self) -> None:
        """A slow reader that has room again before its turn is told the net change, once."""
        crowd = self.watchers()
        crowd[-1].stop_reading()
        self.come(NEWCOMER)
        self.clock.advance(0)
        self.quiet()
        self.come(NEWCOMER + 1)
        crowd[-1].read_on()
        self.clock.advance(0)
        (event,) = crowd[-1].take()
        self.assertEqual(event["wentOnline"], [NEWCOMER, NEWCOMER + 1])

    def test_list_wanted_meanwhile(self) -> None:
        """Whoever wants lists from then on gets the change of its subscription first."""
        crowd = self.watchers()
        self.come(NEWCOMER)
        received = crowd[-1].say(Hello(userid=CROWD[-1], accesstoken=TOKEN, broadcast=True))
        kinds = [message["type"] for message in received]
        self.assertEqual(kinds, ["OK", "onlineStatus", "onlineUsers"])
        self.clock.advance(0)
        self.assertEqual(crowd[-1].take(), [])

    def test_slow_reader_wants_lists_meanwhile(self) -> None:
        """So it is for a slow reader, when it has room again."""
        crowd = self.watchers()
        crowd[-1].stop_reading()
        self.come(NEWCOMER)
        crowd[-1].say(Hello(userid=CROWD[-1], accesstoken=TOKEN, broadcast=True))
        crowd[-1].take()
        crowd[-1].read_on()
        kinds = [message["type"] for message in crowd[-1].take()]
        self.assertEqual(kinds, ["onlineStatus", "onlineUsers"])

    def test_nothing_missed(self) -> None:
        """A slow reader that missed nothing on balance is not told half of it when its turn comes."""
        crowd = self.watchers()
        crowd[-1].stop_reading()
        visitor = self.daemon.hello(NEWCOMER, broadcast=False)
        self.clock.advance(0)
        self.quiet()
        visitor.say(Goodbye())
        crowd[-1].read_on()
        self.clock.advance(0)
        self.assertEqual(crowd[-1].take(), [])

    def test_change_meanwhile(self) -> None:
        """What changes meanwhile is told when everybody has been told, and the window has passed."""
        crowd = self.watchers()
        self.come(NEWCOMER)
        self.come(NEWCOMER + 1)
        self.clock.advance(0)
        self.assertEqual(self.news(crowd), len(CROWD))
        self.clock.advance(WINDOW)
        self.assertEqual(self.news(crowd), len(CROWD))

    def test_first_list(self) -> None:
        """What changes while the first list is told is told after it, and not in the middle of it."""
        self.daemon = FakeDaemon(Settings(settle=1, broadcast_interval=WINDOW, token_recheck=0))
        crowd = [self.daemon.hello(user) for user in CROWD]
        self.daemon.clock.advance(0)  # it looks how many came
        self.daemon.clock.callLater(1, self.come, NEWCOMER)
        self.daemon.clock.pump([1, WINDOW])
        self.assertEqual(self.news(crowd), 2 * len(CROWD))

    def test_stop(self) -> None:
        """A daemon that stops meanwhile tells nobody any more."""
        crowd = self.watchers()
        self.come(NEWCOMER)
        self.news(crowd)
        self.daemon.broadcast.stop()
        self.clock.advance(0)
        self.assertEqual(self.news(crowd), 0)

    def test_fault(self) -> None:
        """A fault of ours in the middle is logged, and the next change is told."""
        crowd = self.watchers()
        del crowd[-1].connection.received
        self.come(NEWCOMER)
        self.clock.advance(0)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)
        crowd.pop().connection.received = []
        self.news(crowd)
        self.quiet()
        self.come(NEWCOMER + 1)
        self.clock.advance(0)
        self.assertEqual(self.news(crowd), len(CROWD) - 1)
