"""
Who comes and goes, as Server-Sent Events.

A stream is a place in the history of the published list, and nothing more: what its reader has
not taken yet is not kept for it. When the reader goes on, it gets the net change since that
place, or the whole list where the place is no longer remembered. The id of an event is such a
place too, so that whoever lost a stream goes on with another one, of another process even.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from presence.broadcast import Broadcast
from presence.ops.bodies import ChangeEvent, ResetEvent
from presence.ops.door import ApiPlace, Trouble, read_parameters
from presence.roster.journal import Journal
from presence.wire.messages import LARGEST_INT, Position

MOST_STREAMS = 64
"""How many streams there may be at once: they are for backends, not for clients."""

HEARTBEAT_SECONDS = 15.0
"""How often each stream shows that it lives."""

_RETRY_SECONDS = 15.0


@implementer(IPushProducer)
class _Stream:
    """
    One reader.

    :param position: What the reader knows, if anything.
    """

    def __init__(
        self, request: Request, broadcast: Broadcast, journal: Journal, position: Position | None
    ) -> None:
        self._request = request
        self._broadcast = broadcast
        self._journal = journal
        self._position = position
        self._silent = True
        self._paused = False

    def begin(self) -> None:
        request = self._request
        request.setHeader("Content-Type", "text/event-stream")
        request.setHeader("Cache-Control", "no-store")
        request.setHeader("X-Accel-Buffering", "no")  # nginx would keep events back
        request.registerProducer(self, True)  # noqa: FBT003 - Twisted's
        self.beat()
        self.catch_up()

    def beat(self) -> None:
        if not self._paused:
            self._request.write(b":\n\n")

    def catch_up(self) -> None:
        if self._paused or not self._broadcast.settled:
            return
        journal = self._journal
        change = None if self._position is None else journal.since(self._position)
        if change is None:
            reset = ResetEvent(online=journal.online, epoch=journal.epoch, version=journal.version)
            self._tell("reset", reset)
        elif change or self._silent:
            event = ChangeEvent(
                previous=change.previous,
                version=change.version,
                epoch=journal.epoch,
                wentOnline=list(change.came),
                wentOffline=list(change.went),
            )
            self._tell("change", event)

    def end(self) -> None:
        self._request.unregisterProducer()
        self._request.finish()

    def _tell(self, name: str, event: ResetEvent | ChangeEvent) -> None:
        self._silent = False
        self._position = Position(event.epoch, event.version)
        head = f"id: {event.epoch}:{event.version}\nevent: {name}\ndata: "
        self._request.write(head.encode() + msgspec.json.encode(event) + b"\n\n")

    # Called by Twisted

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        self.catch_up()

    def stopProducing(self) -> None:
        """Do nothing: the connection is lost, and the request tells of that."""


class Streams(Service):
    """
    The streams of a daemon; they end when this stops.

    :param broadcast: Tells when the published list has moved.
    """

    def __init__(self, broadcast: Broadcast, journal: Journal, clock: IReactorTime) -> None:
        self._broadcast = broadcast
        self._journal = journal
        self._clock = clock
        self._ended = False
        self._streams: dict[_Stream, None] = {}
        self._heart = LoopingCall(self._beat)
        self._heart.clock = clock

    @property
    def count(self) -> int:
        """How many streams there are."""
        return len(self._streams)

    def check(self) -> None:
        """
        Check that one more can begin.

        :raises Trouble: If not.
        """
        if self._ended:
            raise Trouble(HTTPStatus.SERVICE_UNAVAILABLE, "draining", "the daemon is ending", after_seconds=1)
        if self.count >= MOST_STREAMS:
            text = f"there are {MOST_STREAMS} streams; end one of them"
            raise Trouble(
                HTTPStatus.SERVICE_UNAVAILABLE, "too_many_streams", text, after_seconds=_RETRY_SECONDS
            )

    def begin(self, request: Request, position: Position | None) -> None:
        """Answer a request with a stream."""
        stream = _Stream(request, self._broadcast, self._journal, position)
        if not self._streams:
            self._broadcast.followers.add(self._follow)
            self._heart.start(HEARTBEAT_SECONDS, now=False)
        self._streams[stream] = None
        request.notifyFinish().addBoth(self._forget, stream)
        stream.begin()

    def stopService(self) -> Deferred[None]:
        """End all streams."""
        super().stopService()
        self._ended = True
        if not self._streams:
            return succeed(None)
        for stream in list(self._streams):
            stream.end()
        # They end in the next turn, and what is written then goes out before the one after it.
        return deferLater(self._clock, 0).addCallback(lambda _: deferLater(self._clock, 0))

    def _forget(self, _outcome: object, stream: _Stream) -> None:
        del self._streams[stream]
        if not self._streams:
            self._broadcast.followers.discard(self._follow)
            self._heart.stop()

    def _follow(self) -> None:
        for stream in list(self._streams):
            stream.catch_up()

    def _beat(self) -> None:
        for stream in list(self._streams):
            stream.beat()


class Events(ApiPlace):
    """``GET /api/v1/events``."""

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams

    def render_GET(self, request: Request) -> int:
        """Begin a stream."""
        read_parameters(request)
        self._streams.check()
        self._streams.begin(request, _position(request.getHeader("last-event-id") or ""))
        return NOT_DONE_YET

    def render_HEAD(self, request: Request) -> bytes:
        """Say what a stream would be, and begin none."""
        read_parameters(request)
        self._streams.check()
        request.setHeader("Content-Type", "text/event-stream")
        request.setHeader("Cache-Control", "no-store")
        return b""


def _position(event_id: str) -> Position | None:
    epoch, _, version = event_id.rpartition(":")
    if version.isascii() and version.isdecimal() and int(version[:17]) <= LARGEST_INT:
        return Position(epoch, int(version[:17]))
    return None
