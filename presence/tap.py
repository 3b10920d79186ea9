"""``twistd presence``: the only place that knows all parts, and puts them together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from random import Random, SystemRandom
from secrets import token_bytes, token_urlsafe
from time import monotonic
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.web.iweb import IAgent

from presence.admission.connections import Admission
from presence.admission.limits import Limits
from presence.admission.rates import Rates
from presence.backend import Backend
from presence.broadcast import Broadcast
from presence.config import Settings
from presence.deadlines import Deadlines
from presence.demo.accounts import Accounts
from presence.demo.service import API_URL, DemoService
from presence.host.certificates import Certificates
from presence.host.garbage import collect_seldom
from presence.host.limits import raise_file_limit
from presence.host.listening import Listener
from presence.host.ordered import Ordered
from presence.host.requesting import KeptConnections
from presence.host.signals import Signals
from presence.host.systemd import Notifier
from presence.interfaces import IConnection, ITokenChecker
from presence.logs import set_level
from presence.ops.events import Streams
from presence.ops.lag import Lag
from presence.ops.metrics import make_registry
from presence.ops.parts import Parts
from presence.ops.places import Access
from presence.ops.receiver import Receiver
from presence.ops.site import make_site
from presence.ops.webhooks import Webhook
from presence.options import Options
from presence.relay import LocalRelay
from presence.reloading import Reloading
from presence.requests import Requests
from presence.roster.embedded import EmbeddedRoster
from presence.service import PresenceService
from presence.session import Session
from presence.ticker import Ticker
from presence.tokens import Judge, TokenChecks, make_token_checks
from presence.websocket.factory import PresenceFactory
from presence.websocket.protocol import make_frame
from presence.websocket.traffic import Traffic

__all__ = ["Options", "makeService"]

_RECHECK_LATENESS = 0.01
"""How late a token is checked again, as a part of the time between two checks; never more than a second."""


def makeService(options: Options) -> IService:
    """Make the daemon that the options describe."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing presence installs none

    set_level(options["log-level"])
    raise_file_limit()
    collect_seldom()
    random = SystemRandom()
    judge = Judge(options["user-id-field"] or "", options["trust-claimed-userid"])
    if not options["demo"]:
        connections = KeptConnections(reactor)
        agent = connections.verifying_agent(options.authority)
        tokens = _make_tokens(options["api-url"].rstrip("/"), judge, agent, reactor, random)
        parts = make_daemon(options.settings, options.endpoints, tokens.checker, reactor, random)
        return _together(options, parts, tokens, reactor, connections, parts.service)

    demo = DemoService(
        description=options["demo-endpoint"],
        endpoint=options.demo_endpoint,
        accounts=Accounts(reactor, token_urlsafe),
        websocket_url=lambda: _websocket_url(parts.service),
        visitors=options["demo-visitors"],
        reactor=reactor,
        random=random,
    )
    tokens = _make_tokens(API_URL, judge, demo.agent, reactor, random)
    parts = make_daemon(options.settings, options.endpoints, tokens.checker, reactor, random)
    return _together(options, parts, tokens, reactor, parts.service, demo)


def make_daemon(
    settings: Settings,
    endpoints: Mapping[str, IStreamServerEndpoint],
    tokens: ITokenChecker,
    reactor: Any,  # noqa: ANN401 - IReactorTime, and what its endpoints were made with
    random: Random,
) -> Parts:
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
    relay = LocalRelay(roster, make_frame, reactor)
    limits = Limits(reactor)
    rates = Rates(settings, limits, reactor)
    admission = Admission(settings, limits, lambda: len(roster.sockets))
    traffic = Traffic()
    requests = Requests(roster, relay, broadcast, limits, reactor, settings)
    service = PresenceService(roster, broadcast, limits, reactor, settings)

    deadlines = Deadlines(reactor)
    ticker = Ticker(reactor, min(1.0, settings.token_recheck * _RECHECK_LATENESS or 1.0))

    def make_session(connection: IConnection) -> Session:
        return Session(connection, requests, tokens, rates, reactor, deadlines, ticker, random, settings)

    factories = []
    for description, endpoint in endpoints.items():
        proxied = description.startswith("haproxy:")
        factory = PresenceFactory(
            settings, reactor, random, service, admission, traffic, make_session, proxied=proxied
        )
        factories.append(factory)
        Listener(description, endpoint, factory).setServiceParent(service)

    def reconfigure(new: Settings) -> None:
        nonlocal settings
        settings = service.settings = admission.settings = rates.settings = requests.settings = new
        broadcast.interval_seconds = new.broadcast_interval
        for factory in factories:
            factory.reconfigure(new)

    return Parts(
        reconfigure=reconfigure,
        service=service,
        roster=roster,
        broadcast=broadcast,
        relay=relay,
        backend=Backend(roster, relay, reactor),
        limits=limits,
        traffic=traffic,
        streams=Streams(broadcast, roster.journal, reactor),
    )


def _make_tokens(
    api_url: str,
    judge: Judge,
    agent: IAgent,
    reactor: Any,  # noqa: ANN401 - see make_daemon
    random: Random,
) -> TokenChecks:
    return make_token_checks(
        api_url, judge, key=token_bytes(32), agent=agent, random=random, timer=monotonic, clock=reactor
    )


def _together(
    options: Options,
    parts: Parts,
    tokens: TokenChecks,
    reactor: Any,  # noqa: ANN401 - see make_daemon
    *services: Service,
) -> Ordered:
    """Return the services, with those around them that connect them to the process and to its operators."""
    access = Access(options.ops_key, frozenset(options["ops-host"]))
    certificates = Certificates(options.certificates, reactor)
    reloading = Reloading(options, parts, access)
    notifier = Notifier(reactor, os.environ)

    def reload() -> None:
        with notifier.reloading():
            certificates.reload()
            reloading.reload()

    return Ordered(
        Signals(reactor, reload),
        certificates,
        *_make_ops(options, parts, tokens, access, certificates, reactor),
        *services,
        notifier,
    )


def _make_ops(
    options: Options,
    parts: Parts,
    tokens: TokenChecks,
    access: Access,
    certificates: Certificates,
    reactor: Any,  # noqa: ANN401 - see make_daemon
) -> Iterator[Service]:
    webhook = None
    if options.webhook_secret is not None:
        connections = KeptConnections(reactor, most=1)
        agent = connections.verifying_agent()
        receiver = Receiver(options["webhook"], options.webhook_secret, agent, reactor)
        webhook = Webhook(
            parts.roster.journal, parts.broadcast, receiver.post, SystemRandom().random, reactor
        )
        yield from (connections, webhook)
    if options.ops_endpoint is not None:
        lag = Lag(reactor)
        registry = make_registry(
            parts, tokens, lag, webhook, lambda: [(one.name, one.not_after) for one in certificates]
        )
        site = make_site(parts, tokens, registry, access, reactor)
        yield from (lag, Listener(options["ops-endpoint"], options.ops_endpoint, site), parts.streams)


def _websocket_url(daemon: PresenceService) -> str:
    listener: Listener = next(iter(daemon))
    scheme = "wss" if listener.secure else "ws"
    return f"{scheme}://{listener.authority}/"
