"""
Tells another server who comes and goes: what it is told, and when.

The receiver is a position in the journal, so nothing is queued for it, however long it is away. A
*batch* takes it from its position to the published list: mostly the net change between the two,
and the whole list (a *reset*) at first, when its position is no longer remembered, when it says
that it is somewhere else, and when the change is too large.

There is one request at a time. A batch is tried again, with pauses, until the receiver takes it,
and meanwhile its content stays the same: a receiver whose answer got lost knows it by its version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, cast

import attrs
import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from presence.broadcast import Broadcast
from presence.logs import Summary, logger
from presence.roster.journal import Change, Journal
from presence.wire.messages import Position

REST_SECONDS = 1.0
"""The least time between two requests, in which changes are collected."""

SHORTEST_CEILING_SECONDS = 1.0
LONGEST_CEILING_SECONDS = 60.0
"""After a failure the pause is a rest and a random part of a ceiling, which doubles each time."""

MOST_EVENTS = 10_000
"""A change with more comings and goings than that is told as the whole list, which is shorter."""

TAKEN = "ok"
CONFLICT = "conflict"
REFUSED = "refused"
LATE = "late"
FAILED = "failed"
RESULTS = (TAKEN, CONFLICT, REFUSED, LATE, FAILED)
"""What can become of a request."""

_log = logger(__name__)


class NotTaken(Exception):  # noqa: N818 - what happened
    """
    The receiver did not take a batch, or did not say so.

    :ivar kind: ``conflict`` where the receiver does not know the list before the change; ``refused``,
        ``late`` or ``failed``.
    :ivar reason: Why, for the log; holds nothing that came from the receiver.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@attrs.frozen
class Batch:
    """
    What is told by one request.

    :ivar version: That of the published list after it.
    :ivar change: Who came and went; None in a reset.
    :ivar online: The whole list, in a reset.
    """

    epoch: str
    version: int
    change: Change | None
    online: Sequence[int] = ()

    def encode(self, time_ms: int) -> bytes:
        """Return the body of a request that is made at this time, in milliseconds since the Unix epoch."""
        body: dict[str, Any] = {"time_ms": time_ms, "epoch": self.epoch, "version": self.version}
        if self.change is None:
            body |= {"reset": True, "online": self.online, "events": []}
        else:
            came = [{"name": "user.online", "user_id": user} for user in self.change.came]
            went = [{"name": "user.offline", "user_id": user} for user in self.change.went]
            body |= {"previous": self.change.previous, "events": came + went}
        return msgspec.json.encode(body)


class Webhook(Service):
    """
    Keeps a receiver informed, from when the list has settled until the service stops.

    :param post: Makes a request; fails with :class:`NotTaken`, and may be cancelled.
    :param random: Returns a number from 0 up to 1, like :func:`random.random`.
    :ivar results: How many requests ended ``ok``, or as which kind of :class:`NotTaken`.
    """

    def __init__(
        self,
        journal: Journal,
        broadcast: Broadcast,
        post: Callable[[Batch], Deferred[None]],
        random: Callable[[], float],
        clock: IReactorTime,
    ) -> None:
        self.results: Counter[str] = Counter()
        self._journal = journal
        self._broadcast = broadcast
        self._post = post
        self._random = random
        self._clock = clock
        self._known: Position | None = None
        self._batch: Batch | None = None
        self._posting: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None
        self._failures = 0
        self._failures_to_tell = Summary(clock)
        self._behind_since: float | None = None
        self._moved_at: float | None = None

    @property
    def behind_seconds(self) -> float:
        """How old the oldest published change is that the receiver has not taken."""
        return 0.0 if self._behind_since is None else max(0.0, self._clock.seconds() - self._behind_since)

    def startService(self) -> None:
        """Follow the published list."""
        super().startService()
        self._broadcast.followers.add(self._list_moved)
        if self._broadcast.settled:
            self._list_moved()

    def stopService(self) -> None:
        """Give up whatever is under way."""
        super().stopService()
        self._broadcast.followers.discard(self._list_moved)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._posting is not None:
            self._posting.cancel()

    def _list_moved(self) -> None:
        if not self.running:  # the call was on its way
            return
        now = self._clock.seconds()
        if self._batch is not None:
            self._moved_at = now if self._moved_at is None else self._moved_at
            return
        self._behind_since = now if self._behind_since is None else self._behind_since
        if self._timer is None:
            self._look()

    def _look(self) -> None:
        self._timer = None
        if self._batch is None:
            self._batch = self._next_batch()
            self._moved_at = None
        if self._batch is None:
            self._behind_since = None
            return
        self._posting = self._post(self._batch)
        self._posting.addCallbacks(self._taken, self._not_taken, callbackArgs=(self._batch,))

    def _next_batch(self) -> Batch | None:
        journal = self._journal
        change = None if self._known is None else journal.since(self._known)
        if change is None or len(change.came) + len(change.went) > MOST_EVENTS:
            return Batch(journal.epoch, journal.version, None, journal.online.copy())
        # Where all cancelled out the receiver stays where it is: its next change begins there.
        return Batch(journal.epoch, change.version, change) if change else None

    def _taken(self, _: None, batch: Batch) -> None:
        self.results[TAKEN] += 1
        if self._failures:
            _log.info("the webhook is taken again, after {failures} failures", failures=self._failures)
        self._failures = 0
        self._known = Position(batch.epoch, batch.version)
        self._batch = None
        self._behind_since, self._moved_at = self._moved_at, None
        self._timer = self._clock.callLater(REST_SECONDS, self._look)

    def _not_taken(self, failure: Failure) -> None:
        if not self.running:
            return
        problem = cast("NotTaken", failure.value)
        self.results[problem.kind] += 1
        if problem.kind == CONFLICT:
            self._known = self._batch = None
        ceiling = min(LONGEST_CEILING_SECONDS, SHORTEST_CEILING_SECONDS * 2.0 ** min(self._failures, 16))
        self._failures += 1
        self._timer = self._clock.callLater(REST_SECONDS + self._random() * ceiling, self._look)
        if times := self._failures_to_tell.add():
            _log.warn(
                "webhook requests not taken: {times}, the last one because: {reason}",
                times=times,
                reason=problem.reason,
            )
