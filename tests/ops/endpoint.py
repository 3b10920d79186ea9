"""The operations endpoint of a daemon without sockets."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from twisted.application.service import Service

import tests.exchange
from presence.config import Settings
from presence.ops.events import Streams
from presence.ops.lag import Lag
from presence.ops.metrics import make_registry
from presence.ops.parts import Parts
from presence.ops.places import Access
from presence.ops.site import make_site
from presence.service import PresenceService
from presence.testing import FakeDaemon
from presence.tokens import TokenChecks
from presence.tokens.breaker import Breaker
from presence.tokens.counts import CheckCounts
from presence.tokens.places import Places
from presence.websocket.traffic import Traffic
from tests.canary import secret

KEY = secret("ops-key")


def with_key(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a request of the platform."""
    return {"Authorization": f"Bearer {KEY}", **headers}


class Port(Service):
    """A port that is open or not."""

    listens = True


class Endpoint(tests.exchange.Exchange):
    """
    A connection to the operations endpoint.

    :ivar daemon: The daemon behind it.
    :ivar port: Its only port.
    :ivar lag: Measures its event loop, once started.
    :ivar certificates: Their names and expiries.
    :ivar metrics: What it tells Prometheus.
    """

    def __init__(self, settings: Settings | None = None, access: Access | None = None) -> None:
        self.daemon = daemon = FakeDaemon(settings)
        self.access = access or Access(KEY)
        self.port = Port()
        self.service = PresenceService(
            daemon.roster, daemon.broadcast, daemon.limits, daemon.clock, daemon.settings
        )
        self.port.setServiceParent(self.service)
        random = Random(1)  # noqa: S311 - the same at each run
        timer = daemon.clock.seconds
        self.tokens = TokenChecks(
            daemon.tokens, CheckCounts(), Breaker(random, timer), Places(random, daemon.clock)
        )
        self.parts = Parts(
            reconfigure=lambda _: None,
            service=self.service,
            roster=daemon.roster,
            broadcast=daemon.broadcast,
            relay=daemon.relay,
            backend=daemon.backend,
            limits=daemon.limits,
            traffic=Traffic(),
            streams=Streams(daemon.broadcast, daemon.roster.journal, daemon.clock),
        )
        self.lag = Lag(daemon.clock)
        self.certificates: list[tuple[str, float]] = []
        self.metrics = make_registry(self.parts, self.tokens, self.lag, None, lambda: self.certificates)
        super().__init__(
            make_site(self.parts, self.tokens, self.metrics, self.access, daemon.clock), daemon.clock
        )

    def another(self) -> tests.exchange.Exchange:
        """Return another connection to the same endpoint."""
        return tests.exchange.Exchange(self.site, self.clock)

    def ask_with_key(self, request: str, body: bytes = b"", **headers: str) -> tests.exchange.Response:
        """Ask as the platform does."""
        return self.ask(request, body, **with_key(headers))
