"""Tests of a client over real sockets, in the clear and by TLS."""

from __future__ import annotations

from random import random
from typing import Any

import trustme
from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.ssl import Certificate, PrivateCertificate
from twisted.trial.unittest import TestCase

from presence.client import PresenceClient
from presence.wire.messages import SUBPROTOCOL, Ok
from tests.client.scripted import ScriptedServer


class SocketTests(TestCase):
    timeout = 10

    async def serve(self, endpoint: IStreamServerEndpoint) -> int:
        """Run a server that answers every request with a bare OK, and return its port."""
        factory = WebSocketServerFactory(reactor=reactor, protocols=[SUBPROTOCOL])
        self.servers: list[ScriptedServer] = []

        def serve() -> ScriptedServer:
            server = ScriptedServer()
            server.script = lambda server, request: server.reply(Ok(), request)
            self.servers.append(server)
            return server

        factory.protocol = serve  # type: ignore[assignment]  # any callable will do
        port = await endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port  # type: ignore[attr-defined]  # a TCP port has a number
        return number

    async def serve_tls(self, host: str) -> tuple[int, Certificate]:
        """Run a server with a certificate for a host, and return its port and its authority."""
        authority = trustme.CA()
        issued = authority.issue_cert(host)
        certificate = PrivateCertificate.loadPEM(
            issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()
        )
        endpoint = SSL4ServerEndpoint(reactor, 0, certificate.options(), interface="127.0.0.1")
        return await self.serve(endpoint), Certificate.loadPEM(authority.cert_pem.bytes())

    async def connect(self, url: str, **options: Any) -> PresenceClient:  # noqa: ANN401 - any option of the client
        """Return a client that is connected; fail with the reason where it cannot be."""
        connected: Deferred[None] = Deferred()

        def disconnected(_code: int, reason: str) -> None:
            if not connected.called:
                connected.errback(ConnectionError(reason))

        client = PresenceClient(
            url,
            on_connected=lambda: connected.callback(None),
            on_disconnected=disconnected,
            random=random,
            reactor=reactor,
            **options,
        )
        self.addCleanup(client.stop)
        client.start()
        await connected
        return client

    async def test_tcp(self) -> None:
        """A client talks over TCP, and small frames leave at once."""
        port = await self.serve(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
        client = await self.connect(f"ws://127.0.0.1:{port}/")
        self.assertEqual((await client.ping()).re, "PING")
        self.assertTrue(client._connection.transport.getTcpNoDelay())  # type: ignore[union-attr]  # it is connected

    async def test_tls(self) -> None:
        """A client trusts the authority it was given, and closes in an orderly way."""
        port, authority = await self.serve_tls("127.0.0.1")
        client = await self.connect(f"wss://127.0.0.1:{port}/", trust_root=authority)
        self.assertEqual((await client.ping()).re, "PING")
        await client.stop()
        await self.servers[0].lost
        self.assertEqual(self.servers[0].closed, (1000, None))

    async def test_unknown_authority(self) -> None:
        """A client does not talk to a server whose authority it does not know, and says why."""
        port, _ = await self.serve_tls("127.0.0.1")
        with self.assertRaisesRegex(ConnectionError, "certificate verify failed"):
            await self.connect(f"wss://127.0.0.1:{port}/")
        self.assertIsNone(self.servers[0].offered or None)

    async def test_another_host(self) -> None:
        """A client does not talk to a server with the certificate of another host."""
        port, authority = await self.serve_tls("presence.example")
        with self.assertRaisesRegex(ConnectionError, "not for this host"):
            await self.connect(f"wss://127.0.0.1:{port}/", trust_root=authority)
