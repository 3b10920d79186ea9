"""HTTP requests to another server, over connections that are kept."""

from __future__ import annotations

# The first look-up of a name imports this, in a thread and after --uid: from an interpreter
# that only root may read that fails, and Twisted's resolver then never answers.
import encodings.idna  # noqa: F401
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IConsumer, IPushProducer, ITCPTransport
from twisted.python.components import proxyForInterface
from twisted.web._newclient import HTTP11ClientProtocol
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.client import _HTTP11ClientFactory as HTTP11ClientFactory
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IResponse

LARGEST_ANSWER = 256 * 1024
"""The most bytes of an answer, its head included, which nothing else bounds."""


class _IStream(ITCPTransport, IConsumer, IPushProducer):
    """What an HTTP connection uses of its transport."""


class _Abrupt(proxyForInterface(_IStream, "stream")):  # type: ignore[misc]  # made at run time
    """A transport that ends at once; TLS would wait for the other side to agree, for ever perhaps."""

    stream: ITCPTransport

    def loseConnection(self) -> None:
        self.stream.abortConnection()


class _Connection(HTTP11ClientProtocol):
    """A connection that ends when it is told to, and after an answer that is too large."""

    transport: ITCPTransport
    _received = 0

    def makeConnection(self, transport: Any) -> None:  # noqa: ANN401 - of TCP, perhaps under TLS
        super().makeConnection(_Abrupt(transport))

    def request(self, request: Any) -> Deferred[IResponse]:  # noqa: ANN401 - a private type of Twisted
        self._received = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > LARGEST_ANSWER:
            self.transport.abortConnection()
        else:
            super().dataReceived(data)


class _Factory(HTTP11ClientFactory):
    # Twisted logs two lines for each connection, and a pool takes its factory from a
    # private name only.
    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> HTTP11ClientProtocol:  # noqa: ARG002 - Twisted's
        return _Connection(self._quiescentCallback)


class _Pool(HTTPConnectionPool):
    _factory = _Factory


class KeptConnections(Service):
    """
    Keeps connections to a server open between requests, until the service stops.

    :param most: How many connections are kept.
    """

    def __init__(self, reactor: Any, most: int = 32) -> None:  # noqa: ANN401 - what endpoints need
        self._reactor = reactor
        self._pool = _Pool(reactor)
        self._pool.maxPersistentPerHost = most

    def verifying_agent(self, authority: object = None) -> IAgent:
        """
        Return an agent that verifies names and certificates.

        :param authority: The trust root; None for the authorities of the system.
        """
        return Agent(self._reactor, BrowserLikePolicyForHTTPS(authority), pool=self._pool)

    def agent_to(self, endpoints: IAgentEndpointFactory) -> IAgent:
        """Return an agent that goes where ``endpoints`` leads."""
        agent: IAgent = Agent.usingEndpointFactory(self._reactor, endpoints, pool=self._pool)
        return agent

    def stopService(self) -> Deferred[None]:
        """Close what is kept."""
        super().stopService()
        closed: Deferred[None] = self._pool.closeCachedConnections()
        return closed
