"""The daemon as a service: its ports, its connections, its start and its stop."""

from __future__ import annotations

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from presence.admission.limits import Limits
from presence.admission.pace import Pace
from presence.broadcast import Broadcast
from presence.config import Settings
from presence.interfaces import IConnection, IConnections, IRoster
from presence.logs import logger
from presence.wire.closing import CloseCode

_log = logger(__name__)


@implementer(IConnections)
class PresenceService(MultiService):
    """
    Holds the connections of all ports; the ports are its child services.

    It stops in an order: the ports close, then the connections, then what they need.
    """

    def __init__(
        self, roster: IRoster, broadcast: Broadcast, limits: Limits, clock: IReactorTime, settings: Settings
    ) -> None:
        super().__init__()
        self._roster = roster
        self._broadcast = broadcast
        self._connections: set[IConnection] = set()
        self._all_ended: Deferred[None] | None = None
        self._pace = Pace(settings.accept_rate, limits, clock, self._pause, self._resume)

    def startService(self) -> None:
        """Begin to settle, and listen."""
        self._roster.start(self._broadcast)
        self._broadcast.start()
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Close the ports, then every connection with 1001; fires when the last one is gone."""
        return Deferred.fromCoroutine(self._stop())

    def opened(self, connection: IConnection) -> None:
        """Note a connection that was accepted."""
        self._connections.add(connection)
        self._pace.passed(connection.peer)

    def ended(self, connection: IConnection) -> None:
        """Forget a connection."""
        self._connections.remove(connection)
        if not self._connections and self._all_ended is not None:
            self._all_ended.callback(None)

    def _pause(self) -> None:
        for listener in self:
            listener.pause()

    def _resume(self) -> None:
        for listener in self:
            listener.resume()

    async def _stop(self) -> None:
        await super().stopService()
        self._pace.stop()
        self._broadcast.stop()
        if self._connections:
            _log.info("closing {count} connections", count=len(self._connections))
            self._all_ended = Deferred()
            for connection in list(self._connections):
                connection.close(CloseCode.GOING_AWAY)
            await self._all_ended
        self._roster.stop()
