"""The roster of a daemon that is alone: everything in this process."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from presence.interfaces import IPresenceListener, IRoster, Socket
from presence.roster.journal import Journal
from presence.roster.local import LocalUsers


@implementer(IRoster)
class EmbeddedRoster:
    """
    Who is online in this one process.

    Each transition gets a version of its own; the epoch is new with each process.
    """

    def __init__(self, clock: IReactorTime, random: Random) -> None:
        self.journal = Journal(f"{random.getrandbits(64):016x}")
        self._local = LocalUsers(clock, self._transition)
        self._version = 0
        self._listener: IPresenceListener

    @property
    def sockets(self) -> int:
        """How many live sockets this process has."""
        return self._local.sockets

    def start(self, listener: IPresenceListener) -> None:
        """Begin; from now on ``listener`` is told of every change."""
        self._listener = listener

    def stop(self) -> None:
        """End; no call is left waiting."""
        self._local.stop()

    def join(self, socket: Socket) -> None:
        """Add a socket; its user is online."""
        self._local.add(socket)

    def leave(self, socket: Socket, hold_seconds: float) -> None:
        """Remove a socket; its user stays online for ``hold_seconds`` at least."""
        self._local.remove(socket, hold_seconds)

    def sockets_of(self, user_id: int) -> Collection[Socket]:
        """Return the live sockets of a user, the oldest first."""
        return self._local.sockets_of(user_id)

    def _transition(self, user_id: int, online: bool) -> None:  # noqa: FBT001 - see LocalUsers
        self._version += 1
        self.journal.record(self._version, user_id, online=online)
        self._listener.changed()
