"""How the daemon ends when it is told to, whatever its clients do."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.canary import SECRET
from tests.real.account_api import CLIENT, USER, AccountApi, serve_api
from tests.real.certificates import Authority
from tests.real.processes import (
    NO_FAULT,
    PRESENCE,
    PYTHON_M_TWISTED,
    TERMINATED,
    TWISTD,
    Running,
    reserve_port,
    spawn,
)
from tests.real.talker import Talker, talk
from tests.real.test_endpoints import tls_to, to

MESSAGE = SECRET.ljust(20_000, "x")
MOST_SECONDS = 5.0


DRAIN = ("--drain", "0.5")


class HalfOpen(Protocol):
    """A connection whose opening handshake stays half said."""

    def __init__(self, *, plain: bool) -> None:
        self.plain = plain
        self.ended: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """Begin, and leave it at that."""
        assert self.transport is not None
        self.transport.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" if self.plain else b"\x16\x03\x01")

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002 - any will do
        """Say that it is over."""
        self.ended.callback(None)


class StopTests(TestCase):
    timeout = 30

    async def start(self, *program: str, authority: Authority | None = None) -> None:
        """Start a daemon, which serves by TLS where there is an authority for it."""
        self.api: AccountApi = await serve_api(self)
        port = reserve_port(self)
        self.port = to(port)
        if authority is None:
            self.clients, endpoint = self.port, f"tcp:{port}:interface=127.0.0.1"
        else:
            pem = authority.write_pem("localhost")
            self.clients = tls_to(port, authority)
            endpoint = f"ssl:{port}:privateKey={pem}:certKey={pem}:interface=127.0.0.1"
        self.daemon: Running = spawn(
            self, *program, *PRESENCE, *DRAIN, "--api-url", self.api.url, "-e", endpoint
        )
        await self.daemon.prints("listening on ")

    async def connect(self, user_id: int | None = None) -> Talker:
        """Return a client, with a user or without."""
        client = await talk(self, self.clients)
        if user_id is not None:
            await client.hello(user_id, self.api.token(user_id))
        return client

    async def stall(self) -> None:
        """
        Connect two clients that never read, and write to them until it hurts.

        The buffers of one overflow, so that it is being closed. Those of the other are full
        too, but it was written a little less.
        """
        writer = await self.connect(CLIENT.id)
        (await self.connect(USER.id)).stop_reading()
        for _ in range(6):
            await writer.ask("sendMessageToUser", id=USER.id, message=MESSAGE)
        (await self.connect(USER.id)).stop_reading()
        delivered = 2
        while delivered == 2:
            reply = await writer.ask("sendMessageToUser", id=USER.id, message=MESSAGE)
            delivered = reply["delivered"]

    async def assert_ends(self, signal: str) -> None:
        """Assert that a signal ends the daemon in time and in order, and that clients learn why."""
        half_open = await connectProtocol(self.port, HalfOpen(plain=self.clients is self.port))
        strangers = [await self.connect(), await self.connect(USER.id)]
        await self.stall()
        begun = reactor.seconds()
        self.daemon.signal(signal)
        for client in strangers:
            self.assertEqual(await client.ended, 1012)
        await half_open.ended
        self.assertEqual(await self.daemon.ended, 0)
        self.assertLess(reactor.seconds() - begun, MOST_SECONDS)
        self.assertRegex(self.daemon.printed, NO_FAULT)

    async def test_sigterm(self) -> None:
        """SIGTERM ends ``twistd`` with 0, though some clients stall."""
        await self.start(*TWISTD)
        await self.assert_ends("TERM")

    async def test_sigint(self) -> None:
        """Ctrl-C ends ``python -m twisted`` with 0, though some clients stall."""
        await self.start(*PYTHON_M_TWISTED)
        await self.assert_ends("INT")

    async def test_tls(self) -> None:
        """SIGTERM ends a daemon that serves by TLS in the same way."""
        await self.start(*TWISTD, authority=Authority(self))
        await self.assert_ends("TERM")

    async def test_second_signal(self) -> None:
        """A second SIGTERM ends the daemon at once, though a client stalls."""
        await self.start(*TWISTD)
        await self.stall()
        self.daemon.signal("TERM")
        await self.daemon.prints("SIGTERM: ending")
        self.daemon.signal("TERM")
        self.assertEqual(await self.daemon.ended, TERMINATED)
        self.assertRegex(self.daemon.printed, NO_FAULT)

    async def test_alone(self) -> None:
        """When no client is left the daemon ends too, while it still settles."""
        await self.start(*TWISTD)
        client = await self.connect(USER.id)
        client.leave()
        await client.ended
        self.daemon.signal("TERM")
        self.assertEqual(await self.daemon.ended, 0)
        self.assertRegex(self.daemon.printed, NO_FAULT)
