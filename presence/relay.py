"""A message on its way to the sockets of a user or of all, and how many of them took it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator

from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from presence.interfaces import Delivery, Frame, FrameMaker, IRelay, IRoster, Socket
from presence.slices import MOST_SENDS, Slices
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Message

MOST_WAITING = 64
"""How many messages wait for those before them to an addressee with very many sockets."""

Queue = deque[tuple[Message, Frame, Deferred[Delivery]]]


@implementer(IRelay)
class LocalRelay:
    """
    The relay of a daemon that is alone.

    :param make_frame: Makes one frame for all sockets of the user.
    :ivar messages: How many were handed on.
    :ivar platform_messages: How many of them had no user for a sender.
    :ivar deliveries: How many sockets took them, in all.
    :ivar undelivered: How many messages no socket took.
    """

    def __init__(self, roster: IRoster, make_frame: FrameMaker, clock: IReactorTime) -> None:
        self._roster = roster
        self._make_frame = make_frame
        self._slices = Slices(clock)
        self._queues: dict[int | None, Queue] = {}
        self.messages = self.platform_messages = self.deliveries = self.undelivered = 0

    def deliver(self, addressee: int | None, message: Message) -> Delivery | Deferred[Delivery]:
        """Hand a message to every socket, in order; to very many of them in slices."""
        sockets = self._sockets_of(addressee)
        queue = self._queues.get(addressee)
        if queue is None and len(sockets) <= MOST_SENDS:
            frame = self._make_frame(message)
            taken = 0
            for socket in sockets:
                taken += socket.outlet.offer(frame)
            return self._delivered(message, taken)
        delivery: Deferred[Delivery] = Deferred()
        if queue is None:
            queue = self._queues[addressee] = deque([(message, self._make_frame(message), delivery)])
            self._slices.run(self._work_off(addressee, queue))
        elif len(queue) < MOST_WAITING:
            queue.append((message, self._make_frame(message), delivery))
        else:
            raise Refused(ErrorCode.RATE_LIMITED, "too many messages to the same addressee wait", after=1.0)
        return delivery

    def _sockets_of(self, addressee: int | None) -> Collection[Socket]:
        return self._roster.sockets.values() if addressee is None else self._roster.sockets_of(addressee)

    def _delivered(self, message: Message, sockets: int) -> Delivery:
        self.messages += 1
        self.platform_messages += message.sender is UNSET
        self.deliveries += sockets
        self.undelivered += not sockets
        return Delivery(delivered=sockets)

    def _work_off(self, addressee: int | None, queue: Queue) -> Iterator[None]:
        while queue:
            message, frame, delivery = queue[0]
            taken = 0
            sockets = list(self._sockets_of(addressee))
            for start in range(0, len(sockets), MOST_SENDS):
                turn = sockets[start : start + MOST_SENDS]
                # One of them may have said GOODBYE since.
                taken += sum([socket.live and socket.outlet.offer(frame) for socket in turn])
                yield
            queue.popleft()
            delivery.callback(self._delivered(message, taken))
        del self._queues[addressee]
