"""The account API on a real socket, in the process of the tests."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredQueue, gatherResults
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import PrivateCertificate
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from presence.demo.accounts import SAMPLE_ACCOUNTS, Accounts
from presence.demo.api import Faults
from presence.demo.site import make_site

USER, CLIENT, SERVICE = SAMPLE_ACCOUNTS


class _Connection(ProtocolWrapper):
    factory: _Connections

    def connectionMade(self) -> None:
        self.ended: Deferred[None] = Deferred()
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        self.factory.asked.put(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self.ended.callback(None)


class _Connections(WrappingFactory[_Connection]):
    noisy = False
    protocol = _Connection
    asked: DeferredQueue[bytes]


@attrs.define
class AccountApi:
    """
    The account API.

    :ivar url: What a daemon takes for ``--api-url``.
    :ivar faults: Makes it misbehave.
    :ivar asked: The bytes of every request that arrived.
    """

    url: str
    accounts: Accounts
    faults: Faults
    asked: DeferredQueue[bytes]

    def token(self, user_id: int) -> str:
        """Return a good token of a sample account."""
        return self.accounts.mint(SAMPLE_ACCOUNTS[user_id - 1]).access_token


async def serve_api(test: TestCase, certificate: PrivateCertificate | None = None) -> AccountApi:
    """
    Serve the account API on loopback during a test.

    :param certificate: Makes it an ``https://`` API.
    """
    accounts, faults = Accounts(reactor, token_urlsafe), Faults()
    site = make_site(accounts, [], faults, lambda: "ws://127.0.0.1/", reactor)
    connections = _Connections(site)
    connections.asked = DeferredQueue()
    if certificate is None:
        endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    else:
        endpoint = SSL4ServerEndpoint(reactor, 0, certificate.options(), interface="127.0.0.1")
    port = await endpoint.listen(connections)

    def stop() -> Deferred[Any]:
        still_open = list(connections.protocols)
        for connection in still_open:
            connection.transport.abortConnection()
        return gatherResults([port.stopListening(), *(connection.ended for connection in still_open)])

    test.addCleanup(stop)
    scheme = "http" if certificate is None else "https"
    return AccountApi(f"{scheme}://127.0.0.1:{port.getHost().port}", accounts, faults, connections.asked)
