"""Tests of when a change is published."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.broadcast import Broadcast
from presence.config import Settings
from presence.interfaces import Frame, Socket
from presence.roster.journal import Journal
from presence.testing import FakeConnection, FakeDaemon, fake_frame
from presence.wire.messages import Event, GetAllOnline, Goodbye, SubscribeOnlineStatus
from tests.broadcast.case import WINDOW, BroadcastTestCase


class WindowTests(BroadcastTestCase):
    def test_first(self) -> None:
        """The first change after a quiet time is told at once."""
        watcher = self.watcher(1)
        self.come(2)
        self.assertEqual(self.told(watcher), [([2], [])])

    def test_coalesced(self) -> None:
        """Later changes are told together when the window has passed."""
        watcher = self.watcher(1)
        self.come(2, 4, 3)
        self.told(watcher)
        self.clock.advance(WINDOW / 2)
        self.assertEqual(self.told(watcher), [])
        self.clock.advance(WINDOW / 2)
        self.assertEqual(self.told(watcher), [([3, 4], [])])

    def test_measured_from_the_last_publication(self) -> None:
        """The window begins with the publication, not with the change that waits for its end."""
        watcher = self.watcher(1)
        self.come(2)
        self.clock.advance(WINDOW * 3 / 4)
        self.come(3)
        self.told(watcher)
        self.clock.advance(WINDOW / 4)
        self.assertEqual(self.told(watcher), [([3], [])])

    def test_after_the_window(self) -> None:
        """A change right after a window without one is told at once."""
        watcher = self.watcher(1)
        self.come(2)
        self.clock.advance(WINDOW)
        self.come(3)
        self.assertEqual(self.told(watcher), [([2], []), ([3], [])])

    def test_clock_set_back(self) -> None:
        """When the clock is set back, the next change waits for one window and not for an hour."""
        watcher = self.watcher(1)
        self.come(2)
        self.told(watcher)
        self.clock.rightNow -= 3600
        self.come(3)
        self.clock.advance(WINDOW)
        self.assertEqual(self.told(watcher), [([3], [])])

    def test_next_window(self) -> None:
        """A publication at the end of a window opens the next one."""
        watcher = self.watcher(1)
        self.come(2, 3)
        self.clock.advance(WINDOW)
        self.told(watcher)
        self.come(4)
        self.assertEqual(self.told(watcher), [])
        self.clock.advance(WINDOW)
        self.assertEqual(self.told(watcher), [([4], [])])

    def test_came_and_went(self) -> None:
        """Of a user who came and went inside a window nobody hears, and the version stays."""
        watcher = self.watcher(1)
        self.come(2)
        self.told(watcher)
        version = self.journal.version
        self.flicker(3)
        self.quiet()
        self.assertEqual((watcher.take(), self.journal.version), ([], version))

    def test_after_nothing(self) -> None:
        """A window that told nothing opens no other: the next change is told at once."""
        watcher = self.watcher(1)
        self.come(2)
        self.flicker(3)
        self.clock.advance(WINDOW)
        self.told(watcher)
        self.come(4)
        self.assertEqual(self.told(watcher), [([4], [])])

    def test_version_grows(self) -> None:
        """Each publication has a higher version than the one before."""
        watcher = self.watcher(1)
        for user in (2, 3, 4):
            self.come(user)
            self.quiet()
        versions = [event["version"] for event in watcher.take_of("onlineStatus")]
        self.assertEqual(versions, sorted(set(versions)))

    def test_snapshots(self) -> None:
        """Whatever is asked inside a window shows the published list, by the same version."""
        watcher = self.watcher(1)
        self.come(2, 3)
        (event,) = watcher.take_of("onlineStatus")
        (page,) = watcher.say(GetAllOnline())
        (subscribed,) = watcher.say(SubscribeOnlineStatus())
        self.assertEqual((page["online"], subscribed["online"]), ([1, 2], [1, 2]))
        self.assertEqual({page["version"], subscribed["version"]}, {event["version"]})

    def test_subscribed_inside(self) -> None:
        """Whoever subscribes inside a window is told of what waits for its end."""
        client = self.watcher(1)
        self.come(2, 3)
        client.take()
        self.subscribe(client)
        self.clock.advance(WINDOW)
        self.assertEqual(self.told(client), [([3], [])])

    def test_stop(self) -> None:
        """Once stopped, nothing is published and nothing is left to be done."""
        watcher = self.watcher(1)
        self.come(2, 3)
        self.told(watcher)
        self.daemon.broadcast.stop()
        self.come(4)
        self.assertEqual((self.clock.getDelayedCalls(), watcher.take()), ([], []))


class NoIntervalTests(BroadcastTestCase):
    settings = Settings(settle=0, broadcast_interval=0, token_recheck=0)

    def test_each_transition(self) -> None:
        """Without an interval each change is published by itself, also one that cancels another."""
        watcher = self.watcher(1)
        self.come(2, 3)
        self.flicker(4)
        self.assertEqual(self.told(watcher), [([2], []), ([3], []), ([4], []), ([], [4])])

    def test_nothing_waits(self) -> None:
        """Without an interval there are no windows."""
        self.come(2, 3)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_hold(self) -> None:
        """A user who is held is told to have gone when the hold ends, and not before."""
        watcher = self.watcher(1)
        self.daemon.hello(2).vanish()
        self.assertEqual(self.told(watcher), [([2], [])])
        self.clock.advance(5)
        self.assertEqual(self.told(watcher), [([], [2])])


class SlowSendingTests(SynchronousTestCase):
    """A daemon that needs half a second for each publication."""

    def setUp(self) -> None:
        """Publish the coming of user 1."""
        self.clock = Clock()
        self.journal = Journal("e")
        self.broadcast = Broadcast(
            self.journal, self.frame_slowly, self.clock, interval_seconds=WINDOW, settle_seconds=0
        )
        self.broadcast.start()
        self.socket = Socket("s", 1, FakeConnection(), 0)
        self.broadcast.add(self.socket)
        self.broadcast.watch(self.socket, None)
        self.change(1)

    def frame_slowly(self, event: Event) -> Frame:
        """Take half a second to make a frame."""
        self.clock.advance(0.5)
        return fake_frame(event)

    def change(self, version: int) -> None:
        """Let a user come who is numbered like the version."""
        self.journal.record(version, version, online=True)
        self.broadcast.changed()

    def test_wider_window(self) -> None:
        """Sending takes a quarter of the time at most, so the window is four times as long."""
        self.change(2)
        self.clock.advance(1.25)  # half a second was spent on sending
        self.assertEqual(self.journal.online, [1])
        self.clock.advance(0.25)
        self.assertEqual(self.journal.online, [1, 2])

    def test_only_while_slow(self) -> None:
        """A publication that costs nothing opens a window of the usual length again."""
        self.broadcast.unwatch(self.socket)
        self.clock.advance(10)
        self.change(2)
        self.change(3)
        self.clock.advance(WINDOW)
        self.assertEqual(self.journal.online, [1, 2, 3])


class StopTests(SynchronousTestCase):
    def test_while_settling(self) -> None:
        """A daemon that stops while it settles leaves nothing to be done."""
        daemon = FakeDaemon(Settings(settle=5, token_recheck=0))
        daemon.broadcast.stop()
        self.assertEqual(daemon.clock.getDelayedCalls(), [])

    def test_goodbye_after_stop(self) -> None:
        """Who leaves a daemon that stopped is not told to anybody."""
        daemon = FakeDaemon()
        watcher, client = daemon.hello(1), daemon.hello(2)
        daemon.clock.advance(1)
        watcher.take()
        daemon.broadcast.stop()
        client.say(Goodbye())
        self.assertEqual(watcher.take(), [])
