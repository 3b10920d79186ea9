"""HTTP requests to another server, over connections that are kept."""

from __future__ import annotations

# The first look-up of a name imports this, in a thread and after --uid: from an interpreter
# that only root may read that fails, and Twisted's resolver then never answers.
import encodings.idna  # noqa: F401
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.client import _HTTP11ClientFactory as HTTP11ClientFactory
from twisted.web.iweb import IAgent, IAgentEndpointFactory


class _QuietFactory(HTTP11ClientFactory):
    # Twisted logs two lines for each connection, and a pool takes its factory from a
    # private name only.
    noisy = False


class _QuietPool(HTTPConnectionPool):
    _factory = _QuietFactory


class KeptConnections(Service):
    """
    Keeps connections to a server open between requests, until the service stops.

    :param most: How many connections are kept.
    """

    def __init__(self, reactor: Any, most: int = 32) -> None:  # noqa: ANN401 - what endpoints need
        self._reactor = reactor
        self._pool = _QuietPool(reactor)
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
