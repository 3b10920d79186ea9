"""The demo as a service: the site, the visitors, and a banner that says where everything is."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, cast

import attrs
from twisted.application.service import MultiService
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI
from twisted.web.iweb import IAgent, IAgentEndpointFactory
from zope.interface import implementer

from presence.client import PresenceClient
from presence.demo.accounts import CLIENT_ID, CLIENT_SECRET, SAMPLE_ACCOUNTS, SAMPLE_PASSWORD, Accounts
from presence.demo.faults import Faults
from presence.demo.site import make_site
from presence.demo.visitors import Visitors, make_visitors
from presence.host.listening import Listener
from presence.host.requesting import KeptConnections
from presence.logs import logger

_log = logger(__name__)

API_URL = "http://localhost"
"""What a daemon with :attr:`DemoService.agent` takes for its account API."""


class DemoService(MultiService):
    """
    The demo's web site with the account API, and its visitors.

    Start it after the daemon listens.

    :param description: The endpoint as the operator wrote it.
    :param endpoint: Where the site listens; a loopback address.
    :param websocket_url: Returns the daemon's address; called once the daemon listens.
    :param visitors: How many simulated users come and go.
    :ivar agent: Reaches the site wherever it listens, whatever the host in the URL.
    :ivar faults: Makes the account API misbehave.
    """

    def __init__(
        self,
        *,
        description: str,
        endpoint: IStreamServerEndpoint,
        accounts: Accounts,
        websocket_url: Callable[[], str],
        visitors: int,
        reactor: Any,  # noqa: ANN401 - IReactorTime and the interfaces of HostnameEndpoint in one
        random: Random,
    ) -> None:
        super().__init__()
        self.faults = Faults()
        self._websocket_url = websocket_url
        people = make_visitors(visitors)
        self._connections = _BrowserConnections(
            make_site(accounts, people, self.faults, websocket_url, reactor)
        )
        self._listener = Listener(description, endpoint, self._connections)
        self._listener.setServiceParent(self)
        connections = KeptConnections(reactor)
        connections.setServiceParent(self)
        self.agent: IAgent = connections.agent_to(_Here(reactor, self._address))

        def make_client(on_connected: Callable[[], object]) -> PresenceClient:
            return PresenceClient(
                websocket_url(), on_connected=on_connected, random=random.random, reactor=reactor
            )

        Visitors(people, accounts, make_client, reactor, random).setServiceParent(self)

    @property
    def page_url(self) -> str:
        """Where the page is; known once the service listens."""
        return f"http://{self._listener.authority}/"

    def startService(self) -> None:
        """Listen, let the visitors come, and say where everything is."""
        super().startService()
        _log.info("demo page:  {url}", url=self.page_url)
        _log.info("WebSocket:  {url}", url=self._websocket_url())
        for account in SAMPLE_ACCOUNTS:
            _log.info(
                "account {id}:  {email}, password {password}",
                id=account.id,
                email=account.email,
                password=SAMPLE_PASSWORD,
            )
        _log.info(
            "a token:    curl -s {url}oauth/token -d grant_type=password -d client_id={client_id}"
            " -d client_secret={client_secret} -d username={email} -d password={password}",
            url=self.page_url,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            email=SAMPLE_ACCOUNTS[0].email,
            password=SAMPLE_PASSWORD,
        )

    def stopService(self) -> Deferred[Any]:
        """Close the port, the visitors' connections and those of the browsers."""
        children = super().stopService()
        return gatherResults([children, self._connections.drop()])

    def _address(self) -> IPv4Address | IPv6Address:
        return cast("IPv4Address | IPv6Address", self._listener.host)


@implementer(IAgentEndpointFactory)
@attrs.frozen
class _Here:
    """Leads every request to the demo's own port."""

    reactor: Any
    address: Callable[[], IPv4Address | IPv6Address]

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:  # noqa: ARG002 - all lead here
        address = self.address()
        return HostnameEndpoint(self.reactor, address.host, address.port)


class _Connection(ProtocolWrapper):
    """An open connection of the site."""

    def __init__(self, factory: _BrowserConnections, channel: Any) -> None:  # noqa: ANN401 - Twisted's are untyped
        super().__init__(factory, channel)
        self.ended: Deferred[None] = Deferred()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self.ended.callback(None)


class _BrowserConnections(WrappingFactory[_Connection]):
    """The open connections of a site, which outlive its port unless they are dropped."""

    noisy = False
    protocol = _Connection

    def drop(self) -> Deferred[Any]:
        """Break all connections; fires when the last one is gone."""
        connections = list(self.protocols)
        for connection in connections:
            connection.transport.abortConnection()
        return gatherResults([connection.ended for connection in connections])
