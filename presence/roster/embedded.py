"""The roster of a daemon that is alone: everything in this process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from random import Random

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from presence.interfaces import IPresenceListener, IRoster, Socket
from presence.roster.history import Cause, History, Transition
from presence.roster.journal import Journal
from presence.roster.local import LocalUsers
from presence.wire.messages import timestamp


@implementer(IRoster)
class EmbeddedRoster:
    """
    Who is online in this one process.

    Each transition gets a version of its own; the epoch is new with each process.
    """

    def __init__(self, clock: IReactorTime, random: Random) -> None:
        self.journal = Journal(f"{random.getrandbits(64):016x}")
        self.history = History()
        self.ready = False
        self._clock = clock
        self._hint_seconds = 0.0
        self._local = LocalUsers(clock, self._transition)
        self._version = 0
        self._listener: IPresenceListener

    @property
    def sockets(self) -> Mapping[str, Socket]:
        """The live sockets of this process, by id."""
        return self._local.sockets

    def start(self, listener: IPresenceListener) -> None:
        """Begin; from now on ``listener`` is told of every change."""
        self._listener = listener
        self.ready = True

    def stop(self) -> None:
        """End; no call is left waiting."""
        self.ready = False
        self._local.stop()

    def join(self, socket: Socket) -> None:
        """Add a socket; its user is online."""
        self._local.add(socket)

    def leave(self, socket: Socket, hold_seconds: float, cause: Cause) -> None:
        """Remove a socket; its user stays online for ``hold_seconds`` at least."""
        if cause is Cause.DRAINED:
            hold_seconds += self._hint_seconds
        self._local.remove(socket, hold_seconds, cause)

    def release(self, user_id: int, cause: Cause) -> None:
        """Hold a user no longer; without a live socket the user is offline at once."""
        self._local.release(user_id, cause)

    def drain(self, hint_seconds: float) -> None:
        """Hold the users of drained sockets that much longer: they were told when to come back."""
        self._hint_seconds = hint_seconds

    def sockets_of(self, user_id: int) -> Collection[Socket]:
        """Return the live sockets of a user, the oldest first."""
        return self._local.sockets_of(user_id)

    def held_until(self, user_id: int) -> float | None:
        """Return the time until which a user is held online, if an ended socket holds it."""
        return self._local.held_until(user_id)

    def _transition(self, user_id: int, online: bool, cause: Cause) -> None:  # noqa: FBT001 - see LocalUsers
        self._version += 1
        now = timestamp(self._clock.seconds())
        self.history.record(Transition(now, user_id, online, cause, self._version))
        self.journal.record(self._version, user_id, online=online)
        self._listener.changed()
