"""The echo and a client of bytes, over real sockets."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from presence.config import Settings
from tests.conformance.echo import EchoFactory
from tests.conformance.table import HANDSHAKE
from tests.real.certificates import Authority


class Wire(Protocol):
    """
    A client of bytes, which shakes hands first.

    :ivar ended: Fires with why the connection ended.
    """

    transport: ITCPTransport

    def __init__(self) -> None:
        self.ended: Deferred[Exception] = Deferred()
        self._received = bytearray()
        self._awaited: list[tuple[int, Deferred[bytes]]] = []
        self._gone = False

    @property
    def received(self) -> bytes:
        """Return all that came after the opening handshake."""
        return bytes(self._received).partition(b"\r\n\r\n")[2]

    def receives(self, size: int) -> Deferred[bytes]:
        """Fire with what came, when that many bytes did."""
        awaited: Deferred[bytes] = Deferred()
        self._awaited.append((size, awaited))
        self._look()
        return awaited

    def leave(self) -> None:
        """Make sure that the connection ends."""
        if not self._gone:
            self.transport.abortConnection()

    def connectionMade(self) -> None:
        """Shake hands."""
        self.transport.write(HANDSHAKE)

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self._received += data
        self._look()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say so."""
        self._gone = True
        self.ended.callback(cast("Exception", reason.value))

    def _look(self) -> None:
        waiting, self._awaited = self._awaited, []
        shaken = b"\r\n\r\n" in self._received
        for size, awaited in waiting:
            if shaken and len(self.received) >= size:
                awaited.callback(self.received)
            else:
                self._awaited.append((size, awaited))


async def serve_echo(test: TestCase, settings: Settings, *, tls: bool = False) -> IStreamClientEndpoint:
    """Serve the echo until the end of the test; return where clients connect to."""
    endpoint: IStreamServerEndpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    if tls:
        authority = Authority(test)
        options = authority.issue("localhost").options()
        endpoint = SSL4ServerEndpoint(reactor, 0, options, interface="127.0.0.1")
    port = await endpoint.listen(EchoFactory(settings, reactor))
    test.addCleanup(maybeDeferred, port.stopListening)
    clients = TCP4ClientEndpoint(reactor, "127.0.0.1", cast("Any", port.getHost()).port)
    if tls:
        return wrapClientTLS(optionsForClientTLS("localhost", authority.certificate), clients)
    return clients


async def connect(test: TestCase, clients: IStreamClientEndpoint) -> Wire:
    """Return a client whose opening handshake is done; it will be gone after the test."""
    wire = cast("Wire", await clients.connect(Factory.forProtocol(Wire)))
    test.addCleanup(wire.leave)
    await wire.receives(0)
    return wire
