"""The daemon as a service: its ports, its connections, its start and its stop."""

from __future__ import annotations

from math import ceil

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from presence.admission.limits import Limits
from presence.admission.pace import Pace
from presence.broadcast import Broadcast
from presence.config import Settings
from presence.interfaces import IConnection, IConnections, IRoster
from presence.logs import logger
from presence.wire.closing import CloseCode

DRAIN_STEP_SECONDS = 0.1
"""How much time lies between two groups of connections that are sent away."""

RESTART_SECONDS = 1.0
"""How long after the last connection a daemon that starts anew is likely to be back."""

_log = logger(__name__)


@implementer(IConnections)
class PresenceService(MultiService):
    """
    Holds the connections of all ports; the ports are its child services.

    It stops in an order: the ports close, then the connections, then what they need. With a drain
    the connections are sent away over that time, and told when to come back; without one they
    close at once.

    :ivar draining: Whether it has begun to stop.
    :ivar settings: ``drain``.
    """

    def __init__(
        self, roster: IRoster, broadcast: Broadcast, limits: Limits, clock: IReactorTime, settings: Settings
    ) -> None:
        super().__init__()
        self.draining = False
        self._roster = roster
        self._broadcast = broadcast
        self._clock = clock
        self.settings = settings
        self._connections: dict[IConnection, None] = {}
        self._all_ended: Deferred[None] | None = None
        self._pace = Pace(settings.accept_rate, limits, clock, self._pause, self._resume)

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    @property
    def listening(self) -> bool:
        """Whether all ports are open."""
        return all(listener.listens for listener in self)

    def startService(self) -> None:
        """Begin to settle, and listen."""
        self._roster.start(self._broadcast)
        self._broadcast.start()
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Close the ports, then every connection; fires when the last one is gone."""
        self.draining = True
        return Deferred.fromCoroutine(self._stop())

    def opened(self, connection: IConnection) -> None:
        """Note a connection that was accepted."""
        self._connections[connection] = None
        self._pace.passed(connection.peer)

    def ended(self, connection: IConnection) -> None:
        """Forget a connection."""
        del self._connections[connection]
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
        if self._connections:
            self._all_ended = Deferred()
            if self.settings.drain:
                await self._drain(self.settings.drain)
            _log.info("closing {count} connections", count=len(self._connections))
            for connection in list(self._connections):
                connection.close(CloseCode.GOING_AWAY)
            await self._all_ended
        self._broadcast.stop()
        self._roster.stop()

    async def _drain(self, seconds: float) -> None:
        connections = list(self._connections)
        # A few are gone, and the next daemon has settled, before a long drain would be over: nobody
        # may be told to wait for the rest of it.
        steps = min(ceil(seconds / DRAIN_STEP_SECONDS), len(connections))
        seconds = min(seconds, steps * DRAIN_STEP_SECONDS)
        _log.info(
            "sending {count} connections away within {seconds:.1f} s",
            count=len(connections),
            seconds=seconds,
        )
        self._roster.drain(seconds + RESTART_SECONDS)
        for step in range(steps):
            if not self._connections:
                return
            rest_seconds = seconds * (1 - step / steps)
            for connection in connections[step::steps]:
                connection.send_away(rest_seconds + RESTART_SECONDS)
            await deferLater(self._clock, seconds / steps)
