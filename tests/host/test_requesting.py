"""Connections to another server end when they should, whatever the other side does."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import ResponseFailed, readBody
from twisted.web.iweb import IResponse

from presence.host.requesting import LARGEST_ANSWER, KeptConnections
from tests.real.account_api import serve_raw
from tests.real.certificates import Authority


class Unwanted(Protocol):
    """
    A body that is turned away at its first byte.

    :ivar gone: Fires when it is over.
    """

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Turn it away."""
        del data
        assert self.transport is not None
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say so."""
        del reason
        self.gone.callback(None)


def write_and_turn_away(peer: ITCPTransport) -> None:
    """Begin an answer, and look at nothing any more that comes back."""
    peer.write(b"HTTP/1.1 200 OK\r\n\r\n{")
    cast("IPushProducer", peer).pauseProducing()


class KeptConnectionsTests(TestCase):
    timeout = 20

    async def request(self, answer: Callable[[ITCPTransport], object], *, tls: bool = False) -> IResponse:
        """Return the head of the response of a server that answers so."""
        authority = Authority(self)
        certificate = authority.issue("127.0.0.1") if tls else None
        self.server = await serve_raw(self, answer, certificate)
        self.connections = KeptConnections(reactor)
        self.addCleanup(self.connections.stopService)
        self.agent = self.connections.verifying_agent(trustRootFromCertificates([authority.certificate]))
        return await self.agent.request(b"GET", self.server.url.encode())

    async def test_kept(self) -> None:
        """A connection is used again after a whole answer, and closed when the service stops."""
        body = await readBody(await self.request(lambda peer: peer.write(WHOLE), tls=True))
        self.assertEqual(body, b"{}")
        await readBody(await self.agent.request(b"GET", self.server.url.encode()))
        closed = self.server.closed(but=1)
        self.assertTrue(closed.called)
        await self.connections.stopService()
        await self.server.closed()

    async def test_unwanted_body(self) -> None:
        """A body that is not wanted ends with its connection, though the other side does not agree."""
        for tls in (False, True):
            response = await self.request(write_and_turn_away, tls=tls)
            body = Unwanted()
            response.deliverBody(body)
            await body.gone

    async def test_large_head(self) -> None:
        """An answer whose head never ends is cut off."""
        sent = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (LARGEST_ANSWER // 6)
        with self.assertRaises(ResponseFailed):
            await self.request(lambda peer: peer.write(sent), tls=True)
        await self.server.closed()

    async def test_large_answers(self) -> None:
        """What is too large for one answer is not for several."""
        size = LARGEST_ANSWER * 2 // 3
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
        await readBody(await self.request(lambda peer: peer.write(head + b" " * size)))
        body = await readBody(await self.agent.request(b"GET", self.server.url.encode()))
        self.assertEqual(len(body), size)
        self.assertTrue(self.server.closed(but=1).called)


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
