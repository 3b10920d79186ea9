"""A message on its way to the sockets of a user, and how many of them took it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from presence.interfaces import Delivery, Frame, FrameMaker, IRelay, IRoster
from presence.slices import MOST_SENDS, Slices
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Message

MOST_WAITING = 64
"""How many messages wait for those before them to a user with very many sockets."""

Queue = deque[tuple[Frame, Deferred[Delivery]]]


@implementer(IRelay)
class LocalRelay:
    """
    The relay of a daemon that is alone.

    :param make_frame: Makes one frame for all sockets of the user.
    """

    def __init__(self, roster: IRoster, make_frame: FrameMaker, clock: IReactorTime) -> None:
        self._roster = roster
        self._make_frame = make_frame
        self._slices = Slices(clock)
        self._queues: dict[int, Queue] = {}

    def deliver(self, user_id: int, message: Message) -> Delivery | Deferred[Delivery]:
        """Hand a message to every socket of a user, in order; to very many of them in slices."""
        sockets = self._roster.sockets_of(user_id)
        queue = self._queues.get(user_id)
        if queue is None and len(sockets) <= MOST_SENDS:
            frame = self._make_frame(message)
            taken = [socket.connection.send(frame) for socket in sockets]
            return Delivery(delivered=sum(taken))
        delivery: Deferred[Delivery] = Deferred()
        if queue is None:
            queue = self._queues[user_id] = deque([(self._make_frame(message), delivery)])
            self._slices.run(self._work_off(user_id, queue))
        elif len(queue) < MOST_WAITING:
            queue.append((self._make_frame(message), delivery))
        else:
            raise Refused(ErrorCode.RATE_LIMITED, "too many messages to this user wait", after=1.0)
        return delivery

    def _work_off(self, user_id: int, queue: Queue) -> Iterator[None]:
        while queue:
            frame, delivery = queue[0]
            taken = 0
            sockets = list(self._roster.sockets_of(user_id))
            for start in range(0, len(sockets), MOST_SENDS):
                turn = sockets[start : start + MOST_SENDS]
                # One of them may have said GOODBYE since.
                taken += sum([socket.live and socket.connection.send(frame) for socket in turn])
                yield
            queue.popleft()
            delivery.callback(Delivery(delivered=taken))
        del self._queues[user_id]
