"""Ten thousand clients say HELLO at once, and the account API hardly notices."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, TestCase

from presence.demo.accounts import Account
from presence.host.limits import file_limit, raise_file_limit
from presence.tokens.places import MOST_AT_ONCE
from tests.attacks.saying import shake, text
from tests.real.account_api import serve_api
from tests.real.crowd import take_frames
from tests.real.processes import PRESENCE, TWISTD, reserve_port, spawn

CLIENTS = 10_000
TOKENS = 100

API_DELAY_SECONDS = 0.1

CONNECTING_AT_ONCE = 500
"""The kernel makes who does not fit into its queue wait for a second."""

OPTIONS = (
    f"--max-connections={CLIENTS}",
    f"--max-unidentified={CLIENTS}",
    f"--max-connections-per-address={CLIENTS}",
    f"--max-sockets-per-user={CLIENTS // TOKENS}",
    "--accept-rate=100000",
    "--handshake-timeout=60",
    "--hello-timeout=60",
    "--ping-interval=60",
)


class Guest(Protocol):
    """
    A client that speaks bytes, since ten thousand of Autobahn's would be most of the load.

    :ivar opened: Fires when the WebSocket is open.
    :ivar ended: Fires when it has ended.
    """

    transport: ITCPTransport

    def __init__(self) -> None:
        self.opened: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self._reply: Deferred[dict[str, Any]] = Deferred()
        self._received = bytearray()

    def hello(self, account: Account, token: str) -> Deferred[dict[str, Any]]:
        """Say HELLO, and that no lists are wanted; fires with the reply."""
        hello = {"type": "HELLO", "userid": account.id, "accesstoken": token, "broadcast": False}
        self._reply = Deferred()
        self.transport.write(text(hello))
        return self._reply

    def leave(self) -> Deferred[None]:
        """Break the connection."""
        self.transport.abortConnection()
        return self.ended

    # Called by Twisted

    def connectionMade(self) -> None:
        """Shake hands."""
        self.transport.write(shake())

    def dataReceived(self, data: bytes) -> None:
        """Wait for the end of the handshake, and then for the reply."""
        self._received += data
        if not self.opened.called and (end := self._received.find(b"\r\n\r\n")) >= 0:
            del self._received[: end + 4]
            self.opened.callback(None)
        for _, payload in take_frames(self._received) if self.opened.called else ():
            self._reply.callback(json.loads(payload))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002 - any will do
        """Say that it is over."""
        self.ended.callback(None)


class StormTests(TestCase):
    timeout = 120

    async def connect(self, port: int) -> list[Guest]:
        """Return so many clients, connected and without a user."""
        endpoint, guests = TCP4ClientEndpoint(reactor, "127.0.0.1", port), [Guest() for _ in range(CLIENTS)]
        self.addCleanup(lambda: gatherResults([guest.leave() for guest in guests]))

        async def come(guest: Guest) -> None:
            await connectProtocol(endpoint, guest)
            await guest.opened

        door = DeferredSemaphore(CONNECTING_AT_ONCE)
        await gatherResults([door.run(come, guest) for guest in guests])
        return guests

    async def test_storm(self) -> None:
        """Their hundred tokens cost a hundred requests, of which no more than 32 are under way at a time."""
        if file_limit() < CLIENTS + 1000:
            raise SkipTest("needs a higher limit of open files")
        raise_file_limit()
        api, port = await serve_api(self), reserve_port(self)
        api.faults.delay_seconds = API_DELAY_SECONDS
        accounts = [Account(number, f"{number}@example.com", "") for number in range(1, TOKENS + 1)]
        people = [(account, api.accounts.mint(account).access_token) for account in accounts]
        endpoint = f"tcp:{port}:interface=127.0.0.1:backlog=4096"
        daemon = spawn(self, *TWISTD, *PRESENCE, "--api-url", api.url, "-e", endpoint, *OPTIONS)
        await daemon.prints("listening on ")
        guests = await self.connect(port)
        for _ in range(2):  # at once, and again while the tokens are remembered
            replies = await gatherResults(
                [guest.hello(*people[number % TOKENS]) for number, guest in enumerate(guests)]
            )
            self.assertEqual({(reply["type"], reply.get("code")) for reply in replies}, {("OK", None)})
        self.assertEqual(len(api.asked.pending), TOKENS)
        self.assertEqual(api.served.most_at_once, MOST_AT_ONCE)
