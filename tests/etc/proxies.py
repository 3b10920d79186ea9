"""What holds for every proxy in front of the daemon: tests that run over each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol, wrapClientTLS
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from presence.wire.closing import CloseCode
from tests.real.account_api import USER, AccountApi, serve_api
from tests.real.certificates import Authority
from tests.real.processes import PRESENCE, TWISTD, Running, reserve_port, spawn
from tests.real.talker import Frame, Talker, talk
from tests.real.test_endpoints import to

SOMEBODY, ANOTHER = "192.0.2.7", "192.0.2.8"
NAME = "presence.example.com"
ABNORMAL = 1006
"""The code of a WebSocket that ended without one."""


class _Prefaced(ProtocolWrapper):
    factory: _Prefacing

    def makeConnection(self, transport: ITransport) -> None:
        """Say something ahead of everything else."""
        transport.write(self.factory.preface)
        super().makeConnection(transport)


class _Prefacing(WrappingFactory[_Prefaced]):
    noisy = False
    protocol = _Prefaced
    preface: bytes


@implementer(IStreamClientEndpoint)
class ComingFrom:
    """
    The way to a port for a client elsewhere, as a balancer of TCP connections tells of it.

    All that connects is on this machine, and the daemon counts no connections of this machine.
    """

    def __init__(self, address: str, endpoint: IStreamClientEndpoint) -> None:
        self._address = address
        self._endpoint = endpoint

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, and tell the address ahead of TLS."""
        prefacing = _Prefacing(factory)
        prefacing.preface = f"PROXY TCP4 {self._address} 192.0.2.1 49152 443\r\n".encode()
        connecting: Deferred[Any] = self._endpoint.connect(prefacing)
        return connecting.addCallback(lambda prefaced: prefaced.wrappedProtocol)


class Asking(Protocol):
    """
    A client that asks for a page.

    :ivar ended: Fires with what it got when the connection has ended.
    """

    def __init__(self) -> None:
        self._got = b""
        self.ended: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        """Ask."""
        assert self.transport is not None
        self.transport.write(f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self._got += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002 - any will do
        """Say what came."""
        self.ended.callback(self._got)


class ProxyTests(TestCase):
    """
    A proxy as it is shipped, with daemons behind it.

    :cvar listens: Where daemons listen, with ``{port}``.
    :cvar ready: What the proxy prints when it listens.
    :cvar options: What else daemons are told, as the head of the shipped file says.
    """

    timeout = 30
    listens: str
    ready: str
    options: tuple[str, ...] = ()

    async def prepare(self, daemons: int) -> None:
        """Have what else the proxy needs."""

    def run_proxy(
        self, port: int, daemons: Sequence[int], pem: Path, timeout_seconds: float | None
    ) -> Running:
        """
        Start the proxy.

        :param port: Where clients connect, as :class:`ComingFrom` does.
        :param daemons: The ports of the daemons.
        :param pem: Its key and certificate.
        :param timeout_seconds: After how long it ends what is quiet; None for what the file says.
        """
        raise NotImplementedError

    async def start(self, *options: str, daemons: int = 1, timeout_seconds: float | None = None) -> None:
        """Start daemons, each with a number that clients see, and the proxy in front of them."""
        self.api: AccountApi = await serve_api(self)
        self.authority = Authority(self)
        ports = [reserve_port(self) for _ in range(daemons)]
        self.daemons = [self.run_daemon(number, port, options) for number, port in enumerate(ports)]
        for daemon in self.daemons:
            await daemon.prints("listening on ")
        await self.prepare(daemons)
        self.port = reserve_port(self)
        self.proxy = self.run_proxy(self.port, ports, self.authority.write_pem(NAME), timeout_seconds)
        await self.proxy.prints(self.ready)

    def run_daemon(self, number: int, port: int, options: Iterable[str]) -> Running:
        """Start a daemon; the most bytes of a message are its number, and 2000."""
        return spawn(
            self,
            *(*TWISTD, *PRESENCE, "--api-url", self.api.url, "--settle=0"),
            *("--endpoint", self.listens.format(port=port), f"--max-message-bytes={2000 + number}"),
            *self.options,
            *options,
        )

    async def visit(self, address: str = SOMEBODY, headers: dict[str, str] | None = None) -> Talker:
        """Return a client that comes from an address, by TLS."""
        port = ComingFrom(address, to(self.port))
        trusted = optionsForClientTLS(NAME, self.authority.certificate)
        return await talk(self, wrapClientTLS(trusted, port), headers=headers)

    async def hello(self, client: Talker) -> Frame:
        """Let a client say HELLO; return the reply."""
        return await client.hello(USER.id, self.api.token(USER.id))

    # What holds for each

    async def test_hello(self) -> None:
        """HELLO and its reply pass through."""
        await self.start()
        reply = await self.hello(await self.visit())
        self.assertEqual((reply["type"], reply["userid"]), ("OK", USER.id))

    async def test_address(self) -> None:
        """The daemon knows the address of a client."""
        await self.start("--max-connections-per-address=1")
        await self.hello(await self.visit(SOMEBODY))
        second, other = await self.visit(SOMEBODY), await self.visit(ANOTHER)
        self.assertEqual(await second.ended, CloseCode.TRY_AGAIN_LATER)
        self.assertEqual((await self.hello(other))["type"], "OK")

    async def test_forged_address(self) -> None:
        """A client that claims another's address still has its own."""
        await self.start("--max-connections-per-address=1")
        await self.hello(await self.visit(SOMEBODY))
        claims = {"X-Forwarded-For": ANOTHER, "Forwarded": f"for={ANOTHER}"}
        liar = await self.visit(SOMEBODY, claims)
        self.assertEqual(await liar.ended, CloseCode.TRY_AGAIN_LATER)

    async def test_quiet(self) -> None:
        """The proxy ends what is quiet for too long."""
        await self.start("--ping-interval=60", timeout_seconds=1)
        client = await self.visit()
        await self.hello(client)
        self.assertEqual(await client.ended, ABNORMAL)

    async def test_pings(self) -> None:
        """Pings keep a client connected that is quiet for much longer than that."""
        await self.start("--ping-interval=0.3", timeout_seconds=1)
        client = await self.visit()
        await self.hello(client)
        for _ in range(10):
            await client.pings.get()
        self.assertEqual((await client.ask("PING"))["type"], "OK")

    async def test_shared(self) -> None:
        """Clients of one address are spread over two daemons."""
        await self.start(daemons=2)
        replies = [await self.hello(await self.visit()) for _ in range(4)]
        self.assertEqual(sorted(reply["maxbytes"] for reply in replies), [2000, 2000, 2001, 2001])

    async def test_one_down(self) -> None:
        """When a daemon has ended, the other gets all clients."""
        await self.start(daemons=2)
        self.daemons[0].signal("TERM")
        await self.daemons[0].ended
        replies = [await self.hello(await self.visit()) for _ in range(4)]
        self.assertEqual([reply["maxbytes"] for reply in replies], [2001] * 4)

    async def test_no_websocket(self) -> None:
        """A plain request is answered by the proxy, even when no daemon is there."""
        await self.start()
        self.daemons[0].signal("TERM")
        await self.daemons[0].ended
        context = optionsForClientTLS(NAME, self.authority.certificate)
        asking = await connectProtocol(wrapClientTLS(context, ComingFrom(SOMEBODY, to(self.port))), Asking())
        self.assertIn(b"HTTP/1.1 426 ", await asking.ended)
