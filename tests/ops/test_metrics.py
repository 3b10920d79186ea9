"""What the daemon tells Prometheus."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from shutil import which

from msgspec import Raw
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from presence.admission.limits import Limit
from presence.config import Settings
from presence.roster.history import Cause
from presence.testing import FakeClient, FakeConnection
from presence.tokens.breaker import LEAST_CALLS
from presence.tokens.counts import ACCEPTED, JOINED, REMEMBERED
from presence.tokens.places import MOST_AT_ONCE
from presence.tokens.verdict import Undecided
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import REQUESTS, GetAllOnline, Goodbye, Ping, SendMessageToUser
from tests.canary import SECRET_NUMBER, TOKEN, secret, tells
from tests.ops.endpoint import Endpoint
from tests.websocket.test_costs import count_calls

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class MetricsTestCase(SynchronousTestCase):
    """An endpoint that is scraped."""

    def setUp(self) -> None:
        """Have an endpoint."""
        self.endpoint = Endpoint(Settings(settle=0, token_recheck=0, max_sockets_per_user=1))
        self.daemon = self.endpoint.daemon
        self.daemon.accesstoken = TOKEN

    def text(self, accept: str = "") -> str:
        """Return the answer to a scrape."""
        response = self.endpoint.ask("GET /metrics", Accept=accept)
        self.assertEqual(response.status, 200)
        return response.body.decode()

    def families(self) -> list[Metric]:
        """Return what a scrape tells."""
        return list(read_text(self.text()))

    def value(self, name: str, **labels: str) -> float:
        """Return a number."""
        samples = [sample for family in self.families() for sample in family.samples]
        (found,) = (one.value for one in samples if (one.name, one.labels) == (name, labels))
        return found

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the numbers that are not 0, by their labels in the order of their names."""
        samples = [sample for family in self.families() for sample in family.samples]
        found = [sample for sample in samples if sample.name == name and sample.value]
        return {tuple(label for _, label in sorted(one.labels.items())): one.value for one in found}


class FormatTests(MetricsTestCase):
    def names(self, families: Iterable[Metric]) -> set[tuple[str, str, str]]:
        """Return name, type and help of some metrics, which OpenMetrics has more types of."""
        kinds = {"info": "gauge"}
        return {
            (one.name.removesuffix("_info"), kinds.get(one.type, one.type), one.documentation)
            for one in families
        }

    def test_names(self) -> None:
        """All names are the daemon's, the process's or Python's, and each says what it means."""
        for family in self.families():
            self.assertRegex(family.name, r"^(presence|process|python)_")
            self.assertRegex(family.documentation, r"^[A-Z]")

    def test_text(self) -> None:
        """Who asks for nothing else gets the text that every Prometheus reads."""
        content_type = self.endpoint.ask("GET /metrics").headers["content-type"]
        self.assertEqual(content_type, "text/plain; version=0.0.4; charset=utf-8")

    def test_openmetrics(self) -> None:
        """Who asks for OpenMetrics gets the same in it."""
        response = self.endpoint.ask("GET /metrics", Accept=OPENMETRICS)
        self.assertIn(OPENMETRICS, response.headers["content-type"])
        families = list(read_openmetrics(response.body.decode()))
        self.assertEqual(self.names(families), self.names(self.families()))

    def test_wrong_accept(self) -> None:
        """Who asks for what cannot be read gets text."""
        for accept in ("text/plain; version=x", "application/openmetrics-text; version=1.x", "ÿ", ";;,="):
            self.assertTrue(list(read_text(self.text(accept))), accept)

    def test_open(self) -> None:
        """It takes no key, but a name of this endpoint."""
        self.assertEqual(self.endpoint.ask("GET /metrics", Host="evil.example").status, 421)

    def test_promtool(self) -> None:
        """The linter of Prometheus finds nothing wrong."""
        promtool = which("promtool")
        if promtool is None:
            self.skipTest("promtool is missing; it comes with Debian's package prometheus")
        run = subprocess.run(  # noqa: S603 - found above
            [promtool, "check", "metrics"], input=self.text(), capture_output=True, text=True, check=False
        )
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))


class DaemonTests(MetricsTestCase):
    def test_connections(self) -> None:
        """Connections count with and without a user."""
        self.endpoint.service.opened(FakeConnection())
        self.assertEqual((self.value("presence_connections"), self.value("presence_sockets")), (1, 0))

    def test_users(self) -> None:
        """Who comes has a socket, and is online."""
        self.daemon.hello(7)
        self.assertEqual((self.value("presence_sockets"), self.value("presence_users_online")), (1, 1))

    def test_transitions(self) -> None:
        """Transitions count by where to and why."""
        self.daemon.hello(7).say(Goodbye())
        self.daemon.hello(7)
        expected = {("hello", "online"): 2, ("goodbye", "offline"): 1}
        self.assertEqual(self.values("presence_transitions_total"), expected)

    def test_traffic(self) -> None:
        """What is counted of the traffic is told."""
        traffic = self.endpoint.parts.traffic
        traffic.opened, traffic.malformed, traffic.faults = 1, 2, 3
        traffic.slow_readers, traffic.queued_bytes = 4, 5
        names = ("connections_opened_total", "malformed_total", "faults_total", "slow_readers", "queue_bytes")
        self.assertEqual([self.value(f"presence_{name}") for name in names], [1, 2, 3, 4, 5])

    def test_closed(self) -> None:
        """Ends count by their codes, those that clients make up together."""
        for code in (CloseCode.TOO_SLOW, None, 4321, 4322):
            self.endpoint.parts.traffic.count_end(code)
        expected = {("4513",): 1, ("1005",): 1, ("4999",): 2}
        self.assertEqual(self.values("presence_connections_closed_total"), expected)

    def test_requests(self) -> None:
        """Requests count by their type and their result."""
        requests = self.endpoint.parts.traffic.requests
        requests[Ping, None] += 2
        requests[GetAllOnline, ErrorCode.NOT_IDENTIFIED] += 1
        expected = {("ok", "PING"): 2, ("not_identified", "getAllOnline"): 1}
        self.assertEqual(self.values("presence_requests_total"), expected)

    def test_limits(self) -> None:
        """Exceeded limits count by their options."""
        self.daemon.hello(7)
        self.daemon.hello(7)
        self.assertEqual(self.values("presence_limits_exceeded_total"), {("max-sockets-per-user",): 1})

    def test_messages(self) -> None:
        """Messages count by who sent them; with those who took them, and those that nobody took."""
        self.daemon.hello(7).say(SendMessageToUser(id=7, message=Raw(b"1")))
        self.daemon.backend.send(7, Raw(b"1"))
        self.daemon.backend.send(8, Raw(b"1"))
        self.assertEqual(self.values("presence_messages_total"), {("client",): 1, ("platform",): 2})
        self.assertEqual(self.value("presence_deliveries_total"), 2)
        self.assertEqual(self.value("presence_undelivered_total"), 1)

    def test_publications(self) -> None:
        """Publications count, with how many sockets they were meant for and how long they took."""
        self.daemon.hello(7)
        self.daemon.hello(8)
        self.daemon.clock.advance(1)
        self.assertEqual(self.value("presence_publications_total"), 2)
        self.assertEqual(self.value("presence_fanout_sockets_sum"), 3)
        self.assertEqual(self.value("presence_fanout_seconds_count"), 2)

    def test_roster_lag(self) -> None:
        """What waits for the next publication shows, and how long it may wait."""
        self.daemon.hello(7)
        self.daemon.hello(8)
        self.daemon.clock.advance(0.125)
        self.assertEqual(self.value("presence_roster_lag_seconds"), 0.125)
        self.assertEqual(self.value("presence_window_seconds"), 0.25)

    def test_ready(self) -> None:
        """It shows whether new clients are welcome."""
        self.assertEqual(self.value("presence_ready"), 1)
        self.daemon.roster.stop()
        self.assertEqual(self.value("presence_ready"), 0)

    def test_loop_lag(self) -> None:
        """It shows how late the event loop was."""
        self.endpoint.lag.startService()
        self.daemon.clock.advance(2.5)
        self.assertEqual(self.value("presence_event_loop_lag_seconds_sum"), 2)
        self.assertEqual(self.value("presence_event_loop_lag_seconds_bucket", le="1.0"), 0)

    def test_certificates(self) -> None:
        """It shows when each certificate expires."""
        self.endpoint.certificates.append(("/etc/ssl/a.pem", 1e9))
        expected = {("/etc/ssl/a.pem",): 1e9}
        self.assertEqual(self.values("presence_certificate_expiry_timestamp_seconds"), expected)

    def test_shared_certificate(self) -> None:
        """A certificate of several endpoints is one series, as Prometheus takes none twice."""
        self.endpoint.certificates += [("a.pem", 1e9), ("a.pem", 1e9)]
        scraped = self.endpoint.ask("GET /metrics").body
        self.assertEqual(scraped.count(b'{certificate="a.pem"}'), 1)

    def test_build(self) -> None:
        """It shows what runs."""
        ((labels, value),) = self.values("presence_build_info").items()
        self.assertEqual((len(labels), value), (4, 1))


class TokenTests(MetricsTestCase):
    def test_checks(self) -> None:
        """Checks count by what became of them, with the time that their requests took."""
        counts = self.endpoint.tokens.counts
        for result in (ACCEPTED, REMEMBERED, JOINED, "token_rejected", "user_mismatch", "auth_unavailable"):
            counts.results[result] += 1
        counts.request_seconds.add(0.5)
        self.assertEqual(len(self.values("presence_token_checks_total")), 6)
        self.assertEqual(self.value("presence_token_check_seconds_sum"), 0.5)

    def test_breaker(self) -> None:
        """It shows whether the account API is left alone."""

        def fail() -> None:
            with self.endpoint.tokens.breaker.watch():
                raise Undecided("no answer")

        self.assertEqual(self.value("presence_breaker_open"), 0)
        for _ in range(LEAST_CALLS):
            self.assertRaises(Undecided, fail)
        self.assertEqual(self.value("presence_breaker_open"), 1)

    def test_waiting(self) -> None:
        """It shows how many checks wait for their turn."""
        entered: list[Deferred[None]] = [
            self.endpoint.tokens.places.enter(None) for _ in range(MOST_AT_ONCE + 2)
        ]
        self.assertEqual(self.value("presence_account_api_waiting"), 2)
        for waiting in entered[MOST_AT_ONCE:]:
            waiting.cancel()
            self.failureResultOf(waiting, CancelledError)


class SeriesTests(MetricsTestCase):
    def series(self) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
        """Return the name and labels of every number."""
        samples = [sample for family in self.families() for sample in family.samples]
        return sorted((sample.name, tuple(sorted(sample.labels.items()))) for sample in samples)

    def labels(self, name: str, label: str) -> set[str]:
        """Return the values that a label has."""
        return {dict(labels)[label] for series, labels in self.series() if series == name}

    def play(self) -> Iterator[FakeClient]:
        """Let clients do all kinds of things."""
        for user in range(1, 20):
            client = self.daemon.hello(user, client=secret("client"))
            client.say(SendMessageToUser(id=user + 1, message=Raw(b'"%s"' % TOKEN.encode())))
            client.say(GetAllOnline())
            yield client
        self.daemon.clock.advance(60)

    def test_from_the_start(self) -> None:
        """Every label that there can be is there with 0, so that the first event is seen as a rise."""
        limits = {limit.value.removeprefix("--") for limit in Limit}
        self.assertEqual(self.labels("presence_limits_exceeded_total", "limit"), limits)
        self.assertEqual(self.labels("presence_transitions_total", "cause"), {*Cause})
        self.assertEqual(self.labels("presence_requests_total", "type"), {*REQUESTS})
        codes = {str(int(code)) for code in CloseCode}
        self.assertLessEqual(codes, self.labels("presence_connections_closed_total", "code"))

    def test_bounded(self) -> None:
        """Whatever clients do, there are no more numbers than at the start, but for refused requests."""
        before = self.series()
        for client in self.play():
            client.vanish()
        for code in range(1000, 5000):
            self.endpoint.parts.traffic.count_end(code)
        self.assertEqual(self.series(), before)

    def test_no_secret(self) -> None:
        """It tells no user, no token, no payload and no address."""
        clients = [self.daemon.hello(SECRET_NUMBER), *self.play()]
        text = self.text() + self.text(OPENMETRICS)
        self.assertFalse(tells(text))
        for client in clients:
            self.assertNotIn(client.connection.peer.split(":")[1], text)

    def test_cost(self) -> None:
        """A scrape does not look at each user or connection."""
        before = count_calls(self.text)
        for user in range(1, 201):
            self.daemon.hello(user, broadcast=False)
        self.assertLess(count_calls(self.text), before + 100)

    def test_two_daemons(self) -> None:
        """Two daemons in one process count each for itself."""
        self.daemon.hello(7)
        self.endpoint = Endpoint()
        self.assertEqual((self.value("presence_sockets"), self.values("presence_transitions_total")), (0, {}))
