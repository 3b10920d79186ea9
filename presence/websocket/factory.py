"""What makes the connections, with their options on the class."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import cast

from autobahn.twisted.websocket import WebSocketServerFactory
from autobahn.websocket import USES_NVX
from twisted.internet.interfaces import IProtocolNegotiationFactory, IReactorTime
from zope.interface import implementer

from presence.admission.connections import Admission
from presence.config import Settings
from presence.interfaces import IConnection, IConnections
from presence.logs import Summary, logger
from presence.session import Session
from presence.websocket.configuration import configured
from presence.websocket.polling import make_poll
from presence.websocket.protocol import PresenceProtocol
from presence.websocket.traffic import Traffic

_log = logger(__name__)


def _on(flag: object) -> str:
    return "on" if flag else "off"


@implementer(IProtocolNegotiationFactory)
class PresenceFactory(WebSocketServerFactory):
    """
    Makes the connections.

    Browsers offer protocols by ALPN (:rfc:`7301`), and Twisted breaks the TLS handshake of
    those who do when the factory does not say which it speaks.

    :param connections: Is told of every connection.
    :param traffic: Counts what comes and goes.
    :param proxied: Whether the address of the other end is a proxy's until its header
        has been read, as on ``haproxy:`` endpoints.
    :param make_session: Makes the session of a connection whose opening handshake is done.
    """

    noisy = False

    def __init__(
        self,
        settings: Settings,
        clock: IReactorTime,
        random: Random,
        connections: IConnections,
        admission: Admission,
        traffic: Traffic,
        make_session: Callable[[IConnection], Session],
        *,
        proxied: bool = False,
    ) -> None:
        super().__init__(server="", reactor=clock)
        self.random = random
        self.connections = connections
        self.admission = admission
        self.traffic = traffic
        self.make_session = make_session
        self.proxied = proxied
        self.refused_origins = Summary(clock)
        self._clock = clock
        self._poll = make_poll(clock)
        self.reconfigure(settings)

    def reconfigure(self, settings: Settings) -> None:
        """Let settings hold for all connections that are still to come."""
        self.settings = settings
        self.protocol = configured(PresenceProtocol, self, settings, self._clock, self._poll)

    def startFactory(self) -> None:
        """Say on which paths bytes come and go."""
        kind = cast("type[PresenceProtocol]", self.protocol)
        _log.info(
            "fast path: {fast_path}, frames sent at once: {at_once},"
            " polled together: {polled}, compression: {compression}, native code: {native}",
            fast_path=_on(kind.fast_path),
            at_once=_on(kind.sends_at_once),
            polled=_on(kind.poll),
            compression=_on(self.settings.compression),
            native=_on(USES_NVX),
        )
        if not USES_NVX:
            _log.warn("Autobahn's native code is missing, so that long messages cost up to 20 times as much")

    def acceptableProtocols(self) -> list[bytes]:
        """Return what is spoken inside of TLS: a WebSocket begins as HTTP/1.1."""
        return [b"http/1.1"]
