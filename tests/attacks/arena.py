"""What surrounds the attacks: a daemon in this process, and two honest clients of it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from random import SystemRandom
from typing import Any, cast

import trustme
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS
from twisted.internet.task import deferLater

from presence.config import Settings
from presence.interfaces import IConnection
from presence.tap import make_daemon
from tests.attacks.accounts import Accounts
from tests.attacks.honest import FRIENDS, Honest
from tests.attacks.saying import shake
from tests.attacks.wire import Wire

PLAIN, TLS = "plain", "tls"

HOME = "127.0.0.1"
"""Where the daemon and the honest clients are."""

BACKLOG = 4096
"""How many connections may wait to be accepted, as in the daemon's default."""

ORIGIN = "https://www.example.com"
"""The only web origin whose pages may connect."""

SETTINGS = Settings(
    offline_delay=0.5,
    broadcast_interval=0.05,
    settle=0,
    handshake_timeout=3,
    hello_timeout=3,
    message_timeout=2,
    stall_timeout=2,
    linger=1.5,
    ping_interval=1,
    ping_timeout=2.5,
    token_recheck=0,
    max_connections=280,
    max_unidentified=260,
    max_connections_per_address=20,
    max_sockets_per_user=4,
    request_rate=50,
    request_burst=200,
    user_request_rate=75,
    user_request_burst=300,
    allowed_origins=frozenset({ORIGIN}),
    trusted_proxies=(ip_network("127.2.0.0/16"),),
)
"""Shorter times and smaller numbers than the defaults, so that each is reached in a test."""

PATIENCE_SECONDS = 8.0
"""How long the daemon may take until nothing of an attack is left."""

LOOK_SECONDS = 0.05


class Arena:
    """
    A daemon with a plain port and one for TLS, and two honest clients, one on each.

    :ivar accounts: Its account API.
    :ivar honest: The honest clients, who talk to each other while there are attacks.
    """

    def __init__(self, reactor: Any) -> None:  # noqa: ANN401 - a reactor is many interfaces
        self.reactor = reactor
        self.settings = SETTINGS
        self.accounts = Accounts(reactor)
        self.honest: list[Honest] = []
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        pem = issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()
        trusted = Certificate.loadPEM(authority.cert_pem.bytes())
        # One for all, since making it takes longer than a handshake.
        self._client_tls = optionsForClientTLS("localhost", trusted)
        endpoints = {
            PLAIN: TCP4ServerEndpoint(reactor, 0, BACKLOG, HOME),
            TLS: SSL4ServerEndpoint(reactor, 0, PrivateCertificate.loadPEM(pem).options(), BACKLOG, HOME),
        }
        self._daemon = make_daemon(SETTINGS, endpoints, self.accounts, reactor, SystemRandom()).service

    def open(self) -> None:
        """Open the ports."""
        self._daemon.startService()
        self._ports = {listener.description: listener.host.port for listener in self._daemon}

    async def welcome(self) -> None:
        """Let the honest clients in, who begin to talk."""
        for user, over in zip(sorted(FRIENDS), (PLAIN, TLS), strict=True):
            wire = await self.dial(over)
            wire.send(shake())
            await wire.response()
            honest = Honest(wire, user, self.accounts, self.reactor)
            self.honest.append(honest)
            await honest.enter()
        await self.eventually(self.is_quiet)
        for honest, friend in zip(self.honest, reversed(self.honest), strict=True):
            honest.begin(friend)

    async def dial(self, over: str, address: str = HOME, port_of: str | None = None) -> Wire:
        """
        Connect to the daemon.

        :param address: From where.
        :param port_of: Which of the two ports; that for ``over`` when absent.
        """
        port = self._ports[port_of or over]
        endpoint: IStreamClientEndpoint
        endpoint = TCP4ClientEndpoint(self.reactor, HOME, port, bindAddress=(address, 0))
        if over == TLS:
            endpoint = wrapClientTLS(self._client_tls, endpoint)
        wire = await endpoint.connect(Factory.forProtocol(Wire))
        return cast("Wire", wire)

    def is_quiet(self) -> bool:
        """Return whether only the honest clients are there, and know it."""
        alone = len(self._daemon._connections) == len(self.honest)
        return alone and not self.accounts.undecided and all(one.online == FRIENDS for one in self.honest)

    def holds(self, wire: Wire) -> bool:
        """Return whether the daemon still holds the other end of a connection."""
        return self._other_end(wire) is not None

    def waits_for(self, wire: Wire) -> bool:
        """Return whether the daemon waits for a connection to read what it was sent."""
        other_end = self._other_end(wire)
        return other_end is not None and other_end.outlet.paused

    def _other_end(self, wire: Wire) -> IConnection | None:
        ends = (one for one in self._daemon._connections if wire.is_other_end_of(one))
        return next(ends, None)

    async def eventually(self, condition: Callable[[], object]) -> None:
        """Wait until something is so, but not for ever; the daemon tells nobody what it has forgotten."""
        ends_at = self.reactor.seconds() + PATIENCE_SECONDS
        while not condition() and self.reactor.seconds() < ends_at:
            await deferLater(self.reactor, LOOK_SECONDS)

    async def dismiss(self) -> None:
        """Let the honest clients leave."""
        for honest in self.honest:
            honest.fall_silent()
        for honest in self.honest:
            await honest.leave()

    async def close(self) -> None:
        """Stop the daemon."""
        await self._daemon.stopService()
