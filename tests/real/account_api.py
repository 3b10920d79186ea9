"""The account API on a real socket, in the process of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from OpenSSL.SSL import Connection
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredQueue, gatherResults
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IProtocolFactory, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import PrivateCertificate
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from presence.demo.accounts import SAMPLE_ACCOUNTS, Accounts
from presence.demo.faults import Faults
from presence.demo.site import make_site
from tests.canary import new_token

USER, CLIENT, SERVICE = SAMPLE_ACCOUNTS


class _Connection(ProtocolWrapper):
    factory: _Connections

    def connectionMade(self) -> None:
        self.ended: Deferred[None] = Deferred()
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        self.factory.asked.put(data)
        super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self.ended.callback(None)


class _Connections(WrappingFactory[_Connection]):
    noisy = False
    protocol = _Connection

    def __init__(self, served: IProtocolFactory) -> None:
        super().__init__(served)
        self.asked: DeferredQueue[bytes] = DeferredQueue()
        self.most_at_once = 0

    def registerProtocol(self, protocol: _Connection) -> None:
        super().registerProtocol(protocol)
        self.most_at_once = max(self.most_at_once, len(self.protocols))


@implementer(IOpenSSLServerConnectionCreator)
@attrs.define
class Tls:
    """
    The certificate of a server.

    :ivar certificate: What new connections get to see; may be changed at any time.
    """

    certificate: PrivateCertificate

    def serverConnectionForTLS(self, _: object) -> Connection:
        """Return TLS for the next connection."""
        return Connection(self.certificate.options().getContext())


@attrs.define
class Served:
    """
    A server on loopback.

    :ivar url: What a daemon takes for ``--api-url``.
    :ivar tls: Its certificate, if it is an ``https://`` server.
    """

    url: str
    tls: Tls | None
    _connections: _Connections

    @property
    def asked(self) -> DeferredQueue[bytes]:
        """The bytes of every request that arrived."""
        return self._connections.asked

    @property
    def most_at_once(self) -> int:
        """How many connections were open at a time, at most."""
        return self._connections.most_at_once

    def closed(self, *, but: int = 0) -> Deferred[Any]:
        """Fire when all connections that are open now have ended, but for so many of the newest."""
        still_open = list(self._connections.protocols)
        return gatherResults([one.ended for one in still_open[: len(still_open) - but]])

    def drop(self) -> Deferred[Any]:
        """Break all connections."""
        for connection in list(self._connections.protocols):
            connection.transport.abortConnection()
        return self.closed()


async def serve(
    test: TestCase, served: IProtocolFactory, certificate: PrivateCertificate | None = None
) -> Served:
    """
    Serve anything on loopback during a test.

    :param certificate: Makes it an ``https://`` server.
    """
    connections = _Connections(served)
    tls = None if certificate is None else Tls(certificate)
    if tls is None:
        endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    else:
        endpoint = SSL4ServerEndpoint(reactor, 0, tls, interface="127.0.0.1")
    port = await endpoint.listen(connections)
    scheme = "http" if tls is None else "https"
    running = Served(f"{scheme}://127.0.0.1:{port.getHost().port}", tls, connections)
    test.addCleanup(lambda: gatherResults([port.stopListening(), running.drop()]))
    return running


@attrs.define
class AccountApi:
    """
    The account API of the sample platform.

    :ivar served: Its server.
    :ivar faults: Makes it misbehave.
    """

    served: Served
    accounts: Accounts
    faults: Faults

    @property
    def url(self) -> str:
        """What a daemon takes for ``--api-url``."""
        return self.served.url

    @property
    def asked(self) -> DeferredQueue[bytes]:
        """The bytes of every request that arrived."""
        return self.served.asked

    def token(self, user_id: int) -> str:
        """Return a good token of a sample account."""
        return self.accounts.mint(SAMPLE_ACCOUNTS[user_id - 1]).access_token


async def serve_api(test: TestCase, certificate: PrivateCertificate | None = None) -> AccountApi:
    """
    Serve the account API on loopback during a test.

    :param certificate: Makes it an ``https://`` API.
    """
    accounts, faults = Accounts(reactor, new_token), Faults()
    site = make_site(accounts, [], faults, lambda: "ws://127.0.0.1/", reactor)
    return AccountApi(await serve(test, site, certificate), accounts, faults)


class _Raw(Protocol):
    """Answers every request by any bytes, or does anything else with the connection."""

    factory: _RawFactory
    transport: ITCPTransport

    def dataReceived(self, data: bytes) -> None:  # noqa: ARG002 - one piece is one request
        self.factory.answer(self.transport)


class _RawFactory(Factory):
    noisy = False
    protocol = _Raw  # type: ignore[assignment]  # any callable will do

    def __init__(self, answer: Callable[[ITCPTransport], object]) -> None:
        self.answer = answer


async def serve_raw(
    test: TestCase,
    answer: Callable[[ITCPTransport], object],
    certificate: PrivateCertificate | None = None,
) -> Served:
    """Serve on loopback whatever ``answer`` does with a connection when a request has arrived."""
    return await serve(test, _RawFactory(answer), certificate)
