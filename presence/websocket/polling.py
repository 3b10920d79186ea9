"""
Which connections have something to read, asked for all of them in one call of the reactor.

For each descriptor that is ready the reactor calls ten functions before any of ours, most of
them for the sake of Twisted's old log: ``callWithLogger`` of ``twisted.python.log``. But epolls
nest: here is one that the reactor waits for, and that waits for thousands.
"""

from __future__ import annotations

import select

from twisted.internet.interfaces import IReactorFDSet, IReactorTime, IReadDescriptor
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.logs import logger, without_text

_log = logger(__name__)


@implementer(IReadDescriptor)
class Poll:
    """
    Waits in a reactor until one of many connections has something to read.

    It stands in the place of the reactor of these connections, and passes on what has to do
    with writing and with time. Their protocols must not be half-closeable.
    """

    def __init__(self, reactor: IReactorFDSet) -> None:
        self._reactor = reactor
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self.addWriter = reactor.addWriter
        self.removeWriter = reactor.removeWriter
        self.callLater = reactor.callLater  # type: ignore[attr-defined]  # each one has it

    def take(self, connection: Connection) -> None:
        """Wait for what a connection has to read, in the place of its reactor, which does so now."""
        if connection.reactor is self._reactor:
            connection.stopReading()
            connection.reactor = self  # type: ignore[assignment]  # all that it asks of one is here
            connection.startReading()

    # What a connection asks of its reactor

    def addReader(self, connection: Connection) -> None:
        """Begin to wait for a connection, if that is not so already."""
        number = connection.fileno()
        if number not in self._connections:
            self._epoll.register(number, select.EPOLLIN)
            self._reactor.addReader(self)
            self._connections[number] = connection

    def removeReader(self, connection: Connection) -> None:
        """Wait no longer for a connection, if that is so."""
        number = connection.fileno()
        if self._connections.pop(number, None) is not None:
            self._epoll.unregister(number)
            if not self._connections:
                self._reactor.removeReader(self)

    # What the reactor asks of a descriptor

    def fileno(self) -> int:
        """Return the descriptor that is ready when one of the connections is."""
        return self._epoll.fileno()

    def logPrefix(self) -> str:
        """Return a name for the old log."""
        return "poll"

    def doRead(self) -> None:
        """Let all connections read that have something."""
        # All of them in this turn, as the reactor would: what is late, like a HELLO, has one turn more
        # after a stall of ours.
        for number, _ in self._epoll.poll(0, len(self._connections)):
            connection = self._connections.get(number)
            if connection is not None:  # else one before it has ended it
                _read(connection)

    def connectionLost(self, reason: Failure) -> None:
        """End all connections, because the reactor stops."""
        for connection in list(self._connections.values()):
            try:
                connection.connectionLost(reason)
            except Exception:  # noqa: BLE001 - the others are to be told too
                _tell_fault()


def _read(connection: Connection) -> None:
    try:
        lost = connection.doRead()
        if lost is not None:
            connection.connectionLost(Failure(lost))
    except Exception:  # noqa: BLE001 - the reactor would end the poll, and all connections with it
        _tell_fault()
        connection.abortConnection()


def _tell_fault() -> None:
    _log.failure("internal error in a connection", failure=without_text(Failure()))


def make_poll(reactor: IReactorTime) -> Poll | None:
    """Return a poll for a reactor; None where the kernel or the reactor knows nothing of the kind."""
    able = hasattr(select, "epoll") and IReactorFDSet.providedBy(reactor)
    return Poll(reactor) if able else None  # type: ignore[arg-type]  # mypy does not follow able
