"""A message on its way to the sockets of a user, and how many of them took it."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from presence.interfaces import Delivery, FrameMaker, IRelay, IRoster
from presence.wire.messages import Message


@implementer(IRelay)
class LocalRelay:
    """
    The relay of a daemon that is alone.

    :param make_frame: Makes one frame for all sockets of the user.
    """

    def __init__(self, roster: IRoster, make_frame: FrameMaker) -> None:
        self._roster = roster
        self._make_frame = make_frame

    def deliver(self, user_id: int, message: Message) -> Deferred[Delivery]:
        """Hand a message to every socket of a user, in the order of the calls."""
        frame = self._make_frame(message)
        taken = [socket.connection.send(frame) for socket in self._roster.sockets_of(user_id)]
        return succeed(Delivery(delivered=sum(taken)))
