"""What the platform's backend and the operator may do, who are no users."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from msgspec import UNSET, Raw, UnsetType
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from presence.interfaces import Delivery, IRelay, IRoster, Socket
from presence.roster.history import Cause, Transition
from presence.wire.closing import CloseCode
from presence.wire.messages import Message, timestamp


@attrs.frozen
class About:
    """
    What is known of a user.

    :ivar sockets: The live sockets, the oldest first.
    :ivar held_until: Until when an ended socket holds the user online, in seconds since the Unix epoch.
    :ivar transitions: Those of late, the latest first.
    """

    sockets: Sequence[Socket]
    held_until: float | None
    transitions: Sequence[Transition]

    @property
    def online(self) -> bool:
        """Whether the user is online now, published or not."""
        return bool(self.sockets) or self.held_until is not None


class Backend:
    """The verbs of the platform."""

    def __init__(self, roster: IRoster, relay: IRelay, clock: IReactorTime) -> None:
        self._roster = roster
        self._relay = relay
        self._clock = clock

    def send(
        self, addressee: int | None, message: Raw, key: str | UnsetType = UNSET
    ) -> Delivery | Deferred[Delivery]:
        """
        Hand a message of the platform to every socket of a user, or of all users.

        :param addressee: The user; None for everybody who is online.
        :raises Refused: As :meth:`~presence.interfaces.IRelay.deliver`.
        """
        event = Message(message=message, key=key, ts=timestamp(self._clock.seconds()))
        return self._relay.deliver(addressee, event)

    def about(self, user_id: int) -> About:
        """Tell what is known of a user."""
        roster = self._roster
        return About(
            sockets=list(roster.sockets_of(user_id)),
            held_until=roster.held_until(user_id),
            transitions=roster.history.of(user_id),
        )

    def disconnect_user(self, user_id: int) -> int:
        """Close all connections of a user, and hold the user no longer; return how many there were."""
        sockets = list(self._roster.sockets_of(user_id))
        for socket in sockets:
            socket.connection.close(CloseCode.DISCONNECTED)
        self._roster.release(user_id, Cause.DISCONNECTED)
        return len(sockets)

    def disconnect_socket(self, socket_id: str) -> bool:
        """Close the connection of a socket; return whether there was one."""
        socket = self._roster.sockets.get(socket_id)
        if socket is None:
            return False
        socket.connection.close(CloseCode.DISCONNECTED)
        return True
