"""
What the daemon does, in numbers for Prometheus.

The numbers are read from their owners at each scrape; nothing else in the daemon knows
prometheus-client. A new one is a line in :class:`DaemonCollector` and one in ``docs/metrics.rst``.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from twisted.web.server import Request

from presence import __version__
from presence.admission.limits import Limit
from presence.distribution import Distribution
from presence.host.serving import answer
from presence.ops.health import reasons_against
from presence.ops.lag import Lag
from presence.ops.parts import Parts
from presence.ops.places import OpsPlace
from presence.ops.webhooks import RESULTS as WEBHOOK_RESULTS
from presence.ops.webhooks import Webhook
from presence.roster.history import KINDS
from presence.tokens import TokenChecks
from presence.tokens.counts import RESULTS
from presence.websocket.traffic import CODES_COUNTED
from presence.wire.messages import REQUESTS

Expiries = Callable[[], Iterable[tuple[str, float]]]
"""Returns the name of each certificate, and when it expires, in seconds since the Unix epoch."""

OK = "ok"
"""The result of a request that was not refused."""


def make_registry(
    parts: Parts,
    tokens: TokenChecks,
    lag: Lag,
    webhook: Webhook | None = None,
    certificates: Expiries = lambda: (),
) -> CollectorRegistry:
    """Return the metrics of one daemon, and of the process it lives in."""
    registry = CollectorRegistry()
    registry.register(DaemonCollector(parts, tokens, lag, webhook, certificates))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class Metrics(OpsPlace):
    """``GET /metrics``: as Prometheus text, or as OpenMetrics for those who ask for it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def render_GET(self, request: Request) -> bytes:
        """Answer."""
        accept = (request.getHeader(b"accept") or b"").decode("latin-1")
        try:
            encode, content_type = choose_encoder(accept)
        except TypeError:  # it compares versions that are none
            encode, content_type = choose_encoder("")
        return answer(request, HTTPStatus.OK, content_type, encode(self._registry))


class DaemonCollector(Collector):
    """Reads one daemon; its time does not grow with the number of connections."""

    def __init__(
        self, parts: Parts, tokens: TokenChecks, lag: Lag, webhook: Webhook | None, certificates: Expiries
    ) -> None:
        self._parts = parts
        self._tokens = tokens
        self._lag = lag
        self._webhook = webhook
        self._certificates = certificates
        self._build = {
            "version": __version__,
            "python": platform.python_version(),
            "twisted": version("twisted"),
            "autobahn": version("autobahn"),
        }

    def collect(self) -> Iterator[Metric]:
        """Return every number as it is now."""
        yield from self._process()
        yield from self._connections()
        yield from self._users()
        yield from self._requests()
        yield from self._messages()
        yield from self._publications()
        yield from self._token_checks()
        yield from self._platform()

    def _process(self) -> Iterator[Metric]:
        yield InfoMetricFamily("presence_build", "What runs here; always 1.", value=self._build)
        yield GaugeMetricFamily(
            "presence_ready",
            "Whether new clients are welcome: 1, or 0 for the reasons that /ready tells.",
            value=not reasons_against(self._parts, self._tokens),
        )
        yield _histogram(
            "presence_event_loop_lag_seconds",
            "How late a timer came that was due every half second; everything else was as late.",
            self._lag.seconds,
        )
        expiries = GaugeMetricFamily(
            "presence_certificate_expiry_timestamp_seconds",
            "When a certificate that is served expires, in seconds since the Unix epoch.",
            labels=["certificate"],
        )
        # Endpoints may share one, and Prometheus takes no series twice.
        for name, timestamp in dict(self._certificates()).items():
            expiries.add_metric([name], timestamp)
        yield expiries
        yield CounterMetricFamily(
            "presence_faults_total",
            "Errors of the daemon's own; each is in the log.",
            value=self._parts.traffic.faults,
        )

    def _connections(self) -> Iterator[Metric]:
        traffic = self._parts.traffic
        yield GaugeMetricFamily(
            "presence_connections",
            "Connections now, those included that still shake hands or have no user.",
            value=self._parts.service.connections,
        )
        yield CounterMetricFamily(
            "presence_connections_opened_total", "Connections that were accepted.", value=traffic.opened
        )
        yield _counters(
            "presence_connections_closed_total",
            "Connections that ended, by the close code that the server sent, or else the client;"
            " 1005 is a close frame without one, 1006 an end without a frame, 4999 any that is not usual.",
            ["code"],
            {(str(int(code)),): traffic.closed[code] for code in CODES_COUNTED},
        )
        exceeded = self._parts.limits.exceeded
        yield _counters(
            "presence_limits_exceeded_total",
            "How often a limit was exceeded, by the option that sets it.",
            ["limit"],
            {(limit.value.removeprefix("--"),): exceeded[limit] for limit in Limit},
        )
        yield GaugeMetricFamily(
            "presence_slow_readers",
            "Connections that read more slowly than they are written to, now.",
            value=traffic.slow_readers,
        )
        yield GaugeMetricFamily(
            "presence_queue_bytes",
            "Bytes that were written to slow readers since they became slow.",
            value=traffic.queued_bytes,
        )

    def _users(self) -> Iterator[Metric]:
        roster = self._parts.roster
        yield GaugeMetricFamily(
            "presence_sockets", "Connections that have a user, now.", value=len(roster.sockets)
        )
        yield GaugeMetricFamily(
            "presence_users_online", "Users on the published list, now.", value=len(roster.journal.online)
        )
        counts = roster.history.counts
        yield _counters(
            "presence_transitions_total",
            "How often users went online or offline, and why.",
            ["to", "cause"],
            {
                ("online" if online else "offline", cause.value): counts[online, cause]
                for online, cause in KINDS
            },
        )

    def _requests(self) -> Iterator[Metric]:
        traffic = self._parts.traffic
        requests: dict[tuple[str, ...], int] = {(name, OK): 0 for name in REQUESTS}
        for (kind, error), count in traffic.requests.items():
            name = str(kind.__struct_config__.tag)
            requests[name, OK if error is None else error.value] = count
        yield _counters(
            "presence_requests_total",
            "Requests of clients, by type, and by the error they were answered with or ok.",
            ["type", "result"],
            requests,
        )
        yield CounterMetricFamily(
            "presence_malformed_total", "Messages of clients that were no request.", value=traffic.malformed
        )

    def _messages(self) -> Iterator[Metric]:
        relay = self._parts.relay
        yield _counters(
            "presence_messages_total",
            "Messages that were handed on, by who sent them: a client, or the platform's backend.",
            ["origin"],
            {
                ("client",): relay.messages - relay.platform_messages,
                ("platform",): relay.platform_messages,
            },
        )
        yield CounterMetricFamily(
            "presence_deliveries_total", "Sockets that took a message, in all.", value=relay.deliveries
        )
        yield CounterMetricFamily(
            "presence_undelivered_total", "Messages that no socket took.", value=relay.undelivered
        )

    def _publications(self) -> Iterator[Metric]:
        broadcast = self._parts.broadcast
        yield CounterMetricFamily(
            "presence_publications_total",
            "Publications of who came and went, each told to all who want to know.",
            value=broadcast.fan_out_sockets.count,
        )
        yield _histogram(
            "presence_fanout_seconds",
            "How long the sending of a publication took, without the turns of others.",
            broadcast.fan_out_seconds,
        )
        yield _histogram(
            "presence_fanout_sockets",
            "How many sockets a publication was meant for.",
            broadcast.fan_out_sockets,
        )
        yield GaugeMetricFamily(
            "presence_window_seconds",
            "The least time from the last publication to the next.",
            value=broadcast.window_seconds,
        )
        yield GaugeMetricFamily(
            "presence_roster_lag_seconds",
            "How old the oldest change is that was not published yet; 0 when there is none.",
            value=broadcast.lag_seconds,
        )

    def _token_checks(self) -> Iterator[Metric]:
        counts = self._tokens.counts
        yield _counters(
            "presence_token_checks_total",
            "Checks of access tokens: accepted or refused with an error after the account API was asked"
            " or was to be; remembered and joined cost no request of their own.",
            ["result"],
            {(result,): counts.results[result] for result in RESULTS},
        )
        yield _histogram(
            "presence_token_check_seconds",
            "How long the account API took to answer, or not to.",
            counts.request_seconds,
        )
        yield GaugeMetricFamily(
            "presence_breaker_open",
            "Whether the account API is left alone, since too many requests to it failed: 1 or 0.",
            value=not self._tokens.breaker.closed,
        )
        yield GaugeMetricFamily(
            "presence_account_api_waiting",
            "Checks that wait for their turn to ask the account API, now.",
            value=self._tokens.places.waiting,
        )

    def _platform(self) -> Iterator[Metric]:
        webhook = self._webhook
        results = Counter() if webhook is None else webhook.results
        yield _counters(
            "presence_webhook_requests_total",
            "Requests to the receiver of webhooks, by what became of them; ok are those that it took.",
            ["result"],
            {(result,): results[result] for result in WEBHOOK_RESULTS},
        )
        yield GaugeMetricFamily(
            "presence_webhook_behind_seconds",
            "How old the oldest published change is that the receiver of webhooks has not taken.",
            value=0 if webhook is None else webhook.behind_seconds,
        )
        yield GaugeMetricFamily(
            "presence_event_streams",
            "Streams of events that the platform's backend has open, now.",
            value=self._parts.streams.count,
        )


def _counters(
    name: str, text: str, labels: Sequence[str], counts: Mapping[tuple[str, ...], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _histogram(name: str, text: str, distribution: Distribution) -> HistogramMetricFamily:
    buckets = [(floatToGoString(bound), count) for bound, count in distribution.buckets()]
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=distribution.total)
