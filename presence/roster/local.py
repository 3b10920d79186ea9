"""The users of this process: their live sockets, and for how long each is held online."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

import attrs
from twisted.internet.interfaces import IReactorTime

from presence.deadlines import Deadline, Deadlines
from presence.interfaces import Socket
from presence.roster.history import Cause


@attrs.define
class _User:
    """
    A user who is online.

    :ivar sockets: The live sockets, by id, in the order in which they came.
    :ivar hold: The call that ends the hold of a socket that ended.
    :ivar left: Why the last socket ended.
    """

    sockets: dict[str, Socket] = attrs.Factory(dict)
    hold: Deadline | None = None
    left: Cause = Cause.LOST


class LocalUsers:
    """
    The only index from users to the sockets of this process.

    A user is online while a socket is live or held. Every socket that ends holds its
    user for the time given then; a longer hold outlasts a shorter one, and a new
    socket ends none.

    :param transition: Is called with a user, whether the user is online now, and why, once
        for each time it changed.
    :ivar sockets: The live sockets, by id.
    """

    def __init__(self, clock: IReactorTime, transition: Callable[[int, bool, Cause], None]) -> None:
        self._clock = clock
        self._deadlines = Deadlines(clock)
        self._transition = transition
        self._users: dict[int, _User] = {}
        self.sockets: dict[str, Socket] = {}

    def sockets_of(self, user_id: int) -> Collection[Socket]:
        """Return the live sockets of a user, the oldest first."""
        user = self._users.get(user_id)
        return user.sockets.values() if user is not None else ()

    def held_until(self, user_id: int) -> float | None:
        """Return the time until which a user is held online, if an ended socket holds it."""
        user = self._users.get(user_id)
        return user.hold.at if user is not None and user.hold is not None else None

    def add(self, socket: Socket) -> None:
        """Add a socket; its user is online from now on."""
        self.sockets[socket.id] = socket
        user = self._users.get(socket.user_id)
        if user is None:
            user = self._users[socket.user_id] = _User()
            user.sockets[socket.id] = socket
            self._transition(socket.user_id, True, Cause.HELLO)  # noqa: FBT003 - the callable takes positions
        else:
            user.sockets[socket.id] = socket

    def remove(self, socket: Socket, hold_seconds: float, cause: Cause) -> None:
        """Remove a socket; its user stays online for ``hold_seconds`` at least."""
        del self.sockets[socket.id]
        socket.live = False
        user = self._users[socket.user_id]
        del user.sockets[socket.id]
        user.left = cause
        if hold_seconds > 0:
            self._hold(socket.user_id, user, hold_seconds)
        self._forget_if_away(socket.user_id, user)

    def release(self, user_id: int, cause: Cause) -> None:
        """Hold a user no longer, if anything does; ``cause`` is why."""
        user = self._users.get(user_id)
        if user is not None and user.hold is not None:
            user.hold.cancel()
            user.left = cause
            self._end_hold(user_id, user)

    def stop(self) -> None:
        """End all holds without telling anybody."""
        for user in self._users.values():
            if user.hold is not None:
                user.hold.cancel()
                user.hold = None

    def _hold(self, user_id: int, user: _User, seconds: float) -> None:
        if user.hold is not None:
            if user.hold.at >= self._clock.seconds() + seconds:
                return
            user.hold.cancel()
        user.hold = self._deadlines.call_later(seconds, partial(self._end_hold, user_id, user))

    def _end_hold(self, user_id: int, user: _User) -> None:
        user.hold = None
        self._forget_if_away(user_id, user)

    def _forget_if_away(self, user_id: int, user: _User) -> None:
        if not user.sockets and user.hold is None:
            del self._users[user_id]
            self._transition(user_id, False, user.left)  # noqa: FBT003 - see add
