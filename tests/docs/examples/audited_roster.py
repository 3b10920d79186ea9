"""A roster that also writes down whose sockets come and go."""

from __future__ import annotations

from random import Random

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from presence.interfaces import IRoster, Socket
from presence.roster.embedded import EmbeddedRoster
from presence.roster.history import Cause


@implementer(IRoster)
class AuditedRoster(EmbeddedRoster):
    """The roster of one process, with a log."""

    def __init__(self, clock: IReactorTime, random: Random, log: Logger) -> None:
        super().__init__(clock, random)
        self._log = log

    def join(self, socket: Socket) -> None:
        """Add a socket, and write it down."""
        super().join(socket)
        self._log.info("{socket} of {user} came", socket=socket.id, user=socket.user_id)

    def leave(self, socket: Socket, hold_seconds: float, cause: Cause) -> None:
        """Remove a socket, and write it down."""
        super().leave(socket, hold_seconds, cause)
        self._log.info(
            "{socket} of {user} went: {cause}", socket=socket.id, user=socket.user_id, cause=cause.value
        )
