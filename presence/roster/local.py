"""The users of this process: their live sockets, and for how long each is held online."""

from __future__ import annotations

from collections.abc import Callable, Collection

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from presence.interfaces import Socket


@attrs.define
class _User:
    """
    A user who is online.

    :ivar sockets: The live sockets, by id, in the order in which they came.
    :ivar hold: The call that ends the hold of a socket that ended.
    """

    sockets: dict[str, Socket] = attrs.Factory(dict)
    hold: IDelayedCall | None = None


class LocalUsers:
    """
    The only index from users to the sockets of this process.

    A user is online while a socket is live or held. Every socket that ends holds its
    user for the time given then; a longer hold outlasts a shorter one, and a new
    socket ends none.

    :param transition: Is called with a user and whether the user is online now, once
        for each time it changed.
    :ivar sockets: How many live sockets there are.
    """

    def __init__(self, clock: IReactorTime, transition: Callable[[int, bool], None]) -> None:
        self._clock = clock
        self._transition = transition
        self._users: dict[int, _User] = {}
        self.sockets = 0

    def sockets_of(self, user_id: int) -> Collection[Socket]:
        """Return the live sockets of a user, the oldest first."""
        user = self._users.get(user_id)
        return user.sockets.values() if user is not None else ()

    def add(self, socket: Socket) -> None:
        """Add a socket; its user is online from now on."""
        self.sockets += 1
        user = self._users.get(socket.user_id)
        if user is None:
            user = self._users[socket.user_id] = _User()
            user.sockets[socket.id] = socket
            self._transition(socket.user_id, True)  # noqa: FBT003 - the callable takes positions
        else:
            user.sockets[socket.id] = socket

    def remove(self, socket: Socket, hold_seconds: float) -> None:
        """Remove a socket; its user stays online for ``hold_seconds`` at least."""
        self.sockets -= 1
        socket.live = False
        user = self._users[socket.user_id]
        del user.sockets[socket.id]
        if hold_seconds > 0:
            self._hold(socket.user_id, user, hold_seconds)
        self._forget_if_away(socket.user_id, user)

    def stop(self) -> None:
        """End all holds without telling anybody."""
        for user in self._users.values():
            if user.hold is not None:
                user.hold.cancel()
                user.hold = None

    def _hold(self, user_id: int, user: _User, seconds: float) -> None:
        if user.hold is None:
            user.hold = self._clock.callLater(seconds, self._end_hold, user_id, user)
        elif user.hold.getTime() < self._clock.seconds() + seconds:
            user.hold.reset(seconds)

    def _end_hold(self, user_id: int, user: _User) -> None:
        user.hold = None
        self._forget_if_away(user_id, user)

    def _forget_if_away(self, user_id: int, user: _User) -> None:
        if not user.sockets and user.hold is None:
            del self._users[user_id]
            self._transition(user_id, False)  # noqa: FBT003 - see add
