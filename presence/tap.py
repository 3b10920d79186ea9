"""``twistd presence``: the only place that knows all parts, and puts them together."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random, SystemRandom
from secrets import token_bytes, token_urlsafe
from time import monotonic
from typing import Any

from twisted.application.service import IService, MultiService, Service
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.web.iweb import IAgent

from presence.admission.connections import Admission
from presence.admission.limits import Limits
from presence.admission.rates import Rates
from presence.broadcast import Broadcast
from presence.config import Settings
from presence.demo.accounts import Accounts
from presence.demo.service import API_URL, DemoService
from presence.host.limits import raise_file_limit
from presence.host.listening import Listener
from presence.host.requesting import KeptConnections
from presence.host.signals import Signals
from presence.interfaces import IConnection, ITokenChecker
from presence.logs import set_level
from presence.options import Options
from presence.relay import LocalRelay
from presence.requests import Requests
from presence.roster.embedded import EmbeddedRoster
from presence.service import PresenceService
from presence.session import Session
from presence.ticker import Ticker
from presence.tokens import Judge, make_token_checker
from presence.websocket.protocol import PresenceFactory, make_frame

__all__ = ["Options", "makeService"]

_RECHECK_LATENESS = 0.01
"""How late a token is checked again, as a part of the time between two checks; never more than a second."""


def makeService(options: Options) -> IService:
    """Make the daemon that the options describe."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing presence installs none

    set_level(options["log-level"])
    raise_file_limit()
    random = SystemRandom()
    judge = Judge(options["user-id-field"] or "", options["trust-claimed-userid"])
    if not options["demo"]:
        connections = KeptConnections(reactor)
        agent = connections.verifying_agent(options.authority)
        tokens = _make_tokens(options["api-url"].rstrip("/"), judge, agent, reactor, random)
        daemon = make_daemon(options.settings, options.endpoints, tokens, reactor, random)
        return _together(Signals(reactor), connections, daemon)

    demo = DemoService(
        description=options["demo-endpoint"],
        endpoint=options.demo_endpoint,
        accounts=Accounts(reactor, token_urlsafe),
        websocket_url=lambda: _websocket_url(daemon),
        visitors=options["demo-visitors"],
        reactor=reactor,
        random=random,
    )
    tokens = _make_tokens(API_URL, judge, demo.agent, reactor, random)
    daemon = make_daemon(options.settings, options.endpoints, tokens, reactor, random)
    return _together(Signals(reactor), daemon, demo)


def make_daemon(
    settings: Settings,
    endpoints: Mapping[str, IStreamServerEndpoint],
    tokens: ITokenChecker,
    reactor: Any,  # noqa: ANN401 - IReactorTime, and what its endpoints were made with
    random: Random,
) -> PresenceService:
    """
    Make a daemon; any number of them can live in one process.

    :param endpoints: Where clients connect, by the strings that describe it.
    """
    roster = EmbeddedRoster(reactor, random)
    broadcast = Broadcast(
        roster.journal,
        make_frame,
        reactor,
        interval_seconds=settings.broadcast_interval,
        settle_seconds=settings.settle,
    )
    limits = Limits(reactor)
    rates = Rates(settings, limits, reactor)
    admission = Admission(settings, limits, lambda: roster.sockets)
    requests = Requests(roster, LocalRelay(roster, make_frame, reactor), broadcast, limits, reactor, settings)
    daemon = PresenceService(roster, broadcast, limits, reactor, settings)

    ticker = Ticker(reactor, min(1.0, settings.token_recheck * _RECHECK_LATENESS or 1.0))

    def make_session(connection: IConnection) -> Session:
        return Session(connection, requests, tokens, rates, reactor, ticker, random, settings)

    for description, endpoint in endpoints.items():
        proxied = description.startswith("haproxy:")
        factory = PresenceFactory(settings, reactor, random, daemon, admission, make_session, proxied=proxied)
        Listener(description, endpoint, factory).setServiceParent(daemon)
    return daemon


def _make_tokens(
    api_url: str,
    judge: Judge,
    agent: IAgent,
    reactor: Any,  # noqa: ANN401 - see make_daemon
    random: Random,
) -> ITokenChecker:
    return make_token_checker(
        api_url, judge, key=token_bytes(32), agent=agent, random=random, timer=monotonic, clock=reactor
    )


def _together(*services: Service) -> MultiService:
    together = MultiService()
    for service in services:
        service.setServiceParent(together)
    return together


def _websocket_url(daemon: PresenceService) -> str:
    listener: Listener = next(iter(daemon))
    scheme = "wss" if listener.description.startswith("ssl:") else "ws"
    return f"{scheme}://{listener.authority}/"
