"""
A presence change: who is told, and when.

A *listener* gets the whole list at each publication; a *watcher* gets only who came and
went, of all users or of some.

A publication comes at once after a quiet time, and otherwise when the window that the
publication before it opened has passed; whatever cancels out meanwhile is never told.

While a socket is *paused*, because it reads more slowly than it is written to, nothing
is kept for it: when it drains it gets one event with the net change, or the newest list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import SchedulerStopped
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.distribution import SECONDS, SIZES, Distribution
from presence.interfaces import Frame, FrameMaker, IPresenceListener, Socket
from presence.logs import logger, without_text
from presence.readers import Reader, Watch, following
from presence.roster.journal import Change, Journal
from presence.settling import Settling
from presence.slices import MOST_SENDS, Slices
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import OnlineStatus, OnlineUsers, Position

T = TypeVar("T")

_log = logger(__name__)

MOST_WAITING = 16
"""How many requests of one socket wait until the list has settled."""

_SHARE_OF_TIME = 4
"""Sending takes at most one part in so many of the time."""


def _broke_off(failure: Failure) -> None:
    if not failure.check(SchedulerStopped):
        _log.failure("a publication broke off", failure=without_text(failure))


@implementer(IPresenceListener)
class Broadcast:
    """
    Tells sockets who comes and goes.

    :param journal: Holds what there is to tell.
    :param make_frame: Makes one frame for all who get an event.
    :ivar interval_seconds: The least time between two publications; 0 publishes
        every change by itself.
    :param settle_seconds: How long after :meth:`start` nothing is published, at least.
    :ivar followers: Each is called soon after the published list has moved or settled.
    :ivar window_seconds: The least time until the next publication, counted from the last one.
    :ivar fan_out_seconds: How long sending was, for each publication.
    :ivar fan_out_sockets: How many sockets were considered.
    """

    def __init__(
        self,
        journal: Journal,
        make_frame: FrameMaker,
        clock: IReactorTime,
        *,
        interval_seconds: float,
        settle_seconds: float,
    ) -> None:
        self._journal = journal
        self._make_frame = make_frame
        self._clock = clock
        self.interval_seconds = interval_seconds
        self._settling = Settling(lambda: journal.unpublished, self._settled, clock, settle_seconds)
        self._slices = Slices(clock)
        self.followers: set[Callable[[], None]] = set()
        self.window_seconds = 0.0
        self.fan_out_seconds = Distribution(SECONDS)
        self.fan_out_sockets = Distribution(SIZES)
        self._publishes = False
        self._telling = False
        self._window: IDelayedCall | None = None
        self._published_at = 0.0
        self._behind_since: float | None = None
        self._list: tuple[int, Frame] | None = None
        self._readers: dict[Socket, Reader] = {}
        self._newcomers: dict[Reader, None] = {}
        self._listeners: dict[Reader, None] = {}
        self._watchers: dict[Reader, None] = {}
        self._watchers_of: dict[int, dict[Reader, None]] = {}

    def start(self) -> None:
        """Begin to settle."""
        self._settling.start()

    def stop(self) -> None:
        """Publish nothing any more."""
        self._publishes = False
        self._settling.stop()
        self._slices.stop()
        if self._window is not None:
            self._window.cancel()
            self._window = None

    # The sockets

    def add(self, socket: Socket) -> None:
        """Add a socket that gets neither lists nor changes yet."""
        self._readers[socket] = Reader(socket, socket.outlet)

    def remove(self, socket: Socket) -> None:
        """Tell a socket nothing any more; what it waits for is cancelled."""
        reader = self._readers.pop(socket)
        self._unlisten(reader)
        self._unwatch(reader)
        for waiting in reader.unsettled:
            waiting.errback(Refused(ErrorCode.CANCELLED, "the socket said GOODBYE meanwhile"))

    def listen(self, socket: Socket) -> None:
        """Send a socket the list: now, or as soon as its own user is on it, and at each change."""
        reader = self._readers[socket]
        if reader in self._listeners:
            return
        if self._publishes and socket.user_id in self._journal:
            self._listeners[reader] = None
            if not socket.outlet.paused:
                self._tell_missed(reader)
            self._send_list(reader)
        else:
            self._newcomers[reader] = None

    def unlisten(self, socket: Socket) -> None:
        """Send a socket no more lists."""
        self._unlisten(self._readers[socket])

    def watch(self, socket: Socket, users: frozenset[int] | None) -> None:
        """Tell a socket from now on who comes and goes, of these users or of all."""
        reader = self._readers[socket]
        self._unwatch(reader)
        reader.watch = Watch(users, self._journal.version, self._journal.version)
        if users is None:
            self._watchers[reader] = None
        else:
            for user in users:
                self._watchers_of.setdefault(user, {})[reader] = None

    def unwatch(self, socket: Socket) -> None:
        """Tell a socket no longer who comes and goes."""
        self._unwatch(self._readers[socket])

    def drained(self, socket: Socket) -> None:
        """Tell a socket that was paused what it missed."""
        reader = self._readers[socket]
        self._tell_missed(reader)
        if reader.list_due:
            self._send_list(reader)

    def when_settled(self, socket: Socket, ask: Callable[[], T]) -> T | Deferred[T]:
        """Return what ``ask`` returns, once there is a list to speak of."""
        if not self._settling.lasts:
            return ask()
        waiting = self._readers[socket].unsettled
        if len(waiting) >= MOST_WAITING:
            after = self._settling.seconds_left
            raise Refused(ErrorCode.RATE_LIMITED, "too many requests wait for the list", after=after)
        settled: Deferred[None] = Deferred()
        waiting.append(settled)
        return settled.addCallback(lambda _: ask())

    # The publications

    @property
    def settled(self) -> bool:
        """Whether there is a list to speak of."""
        return self._publishes

    @property
    def settling_seconds(self) -> float:
        """How long it takes at least until there is a list, where that is known; else 0."""
        return max(0.0, self._settling.seconds_left) if self._settling.lasts else 0.0

    @property
    def lag_seconds(self) -> float:
        """How long the published list has been behind the truth."""
        return 0.0 if self._behind_since is None else max(0.0, self._clock.seconds() - self._behind_since)

    def changed(self) -> None:
        """Publish, now or when the window has passed."""
        if not self._journal.unpublished:  # what came last cancelled what was before
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self._clock.seconds()
        if not self._publishes or self._telling or self._window is not None:
            return
        # The clock may have been set back since.
        passed_seconds = max(0, self._clock.seconds() - self._published_at)
        wait_seconds = self.window_seconds - passed_seconds
        if self.interval_seconds == 0 or wait_seconds <= 0:
            self._publish()
        else:
            self._window = self._clock.callLater(wait_seconds, self._window_passed)

    def _window_passed(self) -> None:
        self._window = None
        self._publish()

    def _settled(self) -> None:
        self._publishes = True
        if not self._publish():
            self._tell_followers()
        for reader in list(self._readers.values()):
            waiting, reader.unsettled = reader.unsettled, []
            for settled in waiting:
                settled.callback(None)

    def _publish(self) -> bool:
        change = self._journal.publish()
        if change is None:
            return False
        self._published_at = self._clock.seconds()
        self._behind_since = None
        self._telling = True
        self._slices.run(self._tell_all(change)).addBoth(self._told).addErrback(_broke_off)
        self._tell_followers()
        return True

    def _tell_followers(self) -> None:
        # In a turn of its own, where a fault of it hurts nobody.
        for follower in self.followers:
            self._clock.callLater(0, follower)

    def _tell_all(self, change: Change) -> Iterator[None]:
        readers = chain(
            self._tell_watchers(change), self._tell_watchers_of_some(change), self._tell_listeners()
        )
        took_seconds = 0.0
        number = 0
        started = self._clock.seconds()
        for number, _ in enumerate(readers, 1):
            if number % MOST_SENDS == 0 and self.interval_seconds:
                took_seconds += self._clock.seconds() - started
                yield
                started = self._clock.seconds()
        took_seconds += self._clock.seconds() - started
        self.fan_out_seconds.add(took_seconds)
        self.fan_out_sockets.add(number)
        self.window_seconds = max(self.interval_seconds, _SHARE_OF_TIME * took_seconds)

    def _told(self, outcome: T) -> T:
        self._telling = False
        if self._journal.unpublished:
            self.changed()
        return outcome

    # Each of these tells one reader at each step. Between two steps readers may come and go, and
    # subscribe anew: whoever did knows the change.

    def _tell_watchers(self, change: Change) -> Iterator[None]:
        # Almost all were told the publication before this one, so there is one frame
        # for them; who was paused while nothing changed on balance has another
        # `previous`, and the same users came and went since then.
        frames: dict[int, Frame] = {}
        for reader in list(self._watchers):
            watch = following(reader, change)
            if watch is not None:
                frame = frames.get(watch.previous)
                if frame is None:
                    event = self._status(attrs.evolve(change, previous=watch.previous))
                    frame = frames[watch.previous] = self._make_frame(event)
                self._tell(reader, watch, frame)
            yield

    def _tell_watchers_of_some(self, change: Change) -> Iterator[None]:
        told: dict[Reader, tuple[list[int], list[int]]] = {}
        for index, users in enumerate((change.came, change.went)):
            for user in users:
                for reader in self._watchers_of.get(user, ()):
                    told.setdefault(reader, ([], []))[index].append(user)
        for reader, (came, went) in told.items():
            watch = following(reader, change)
            if watch is not None:
                event = self._status(Change(watch.previous, change.version, came, went))
                self._tell(reader, watch, self._make_frame(event))
            yield

    def _tell_listeners(self) -> Iterator[None]:
        for reader in list(self._newcomers):
            if reader.socket.user_id in self._journal:
                del self._newcomers[reader]
                self._listeners[reader] = None
        for reader in list(self._listeners):
            if reader in self._listeners and reader.listed != self._journal.version:
                self._send_list(reader)
            yield

    def _tell_missed(self, reader: Reader) -> None:
        # Also while its turn is still to come: no list is to be before the change that made it.
        watch = reader.watch
        if watch is not None and (watch.behind or self._telling):
            watch.behind = False
            self._catch_up(reader, watch)

    def _catch_up(self, reader: Reader, watch: Watch) -> None:
        journal = self._journal
        change = journal.since(Position(journal.epoch, watch.previous))
        if change is None:
            online = journal.online if watch.users is None else journal.among(watch.users)
            reset = OnlineStatus(epoch=journal.epoch, version=journal.version, reset=True, online=online)
            self._tell(reader, watch, self._make_frame(reset))
            return
        if watch.users is not None:
            change = change.among(watch.users)
        watch.known = journal.version
        if change:
            self._tell(reader, watch, self._make_frame(self._status(change)))

    def _status(self, change: Change) -> OnlineStatus:
        return OnlineStatus(
            epoch=self._journal.epoch,
            version=change.version,
            previous=change.previous,
            wentOnline=list(change.came),
            wentOffline=list(change.went),
        )

    def _tell(self, reader: Reader, watch: Watch, frame: Frame) -> None:
        if reader.outlet.offer(frame):
            watch.previous = watch.known = self._journal.version

    def _send_list(self, reader: Reader) -> None:
        journal = self._journal
        reader.list_due = reader.outlet.paused
        if reader.list_due:
            return
        if self._list is None or self._list[0] != journal.version:
            event = OnlineUsers(online=journal.online, epoch=journal.epoch, version=journal.version)
            self._list = (journal.version, self._make_frame(event))
        reader.outlet.offer(self._list[1])
        reader.listed = journal.version

    def _unlisten(self, reader: Reader) -> None:
        self._newcomers.pop(reader, None)
        self._listeners.pop(reader, None)
        reader.list_due = False

    def _unwatch(self, reader: Reader) -> None:
        watch, reader.watch = reader.watch, None
        self._watchers.pop(reader, None)
        chosen: Iterable[int] = () if watch is None or watch.users is None else watch.users
        for user in chosen:
            readers = self._watchers_of[user]
            del readers[reader]
            if not readers:
                del self._watchers_of[user]
