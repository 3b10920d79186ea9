"""Who may ask the operations endpoint."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.host.serving import QuietSite
from presence.ops.places import Access, Guarded
from tests.exchange import Exchange
from tests.ops.endpoint import KEY, Endpoint


class SiteTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an endpoint."""
        self.endpoint = Endpoint(access=Access(KEY, frozenset({"ops.example.com"})))

    def status(self, host: str) -> int:
        """Ask how it is, under a name; return the status."""
        return self.endpoint.ask("GET /health", Host=host).status

    def test_own_names(self) -> None:
        """It answers to addresses, to localhost and to the names it was told, with any port."""
        for host in ("127.0.0.1:8081", "[::1]:8081", "10.0.0.7", "localhost", "ops.example.com:80"):
            self.assertEqual(self.status(host), 200, host)

    def test_other_names(self) -> None:
        """It answers to no other name, which a page from elsewhere may have given it."""
        for host in (
            *("evil.example", "ops.example.com.evil.example", "", "[", "localhost.evil.example"),
            "\xff",  # no UTF-8
        ):
            self.assertEqual(self.status(host), 421, host)

    def test_problem(self) -> None:
        """An error is a problem of RFC 9457."""
        response = self.endpoint.ask("GET /nothing")
        self.assertEqual(response.headers["content-type"], "application/problem+json")
        expected = {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "code": "not_found",
            "detail": "there is nothing here",
        }
        self.assertEqual((response.status, response.json), (404, expected))

    def test_method(self) -> None:
        """A wrong method is told the right ones."""
        response = self.endpoint.ask("DELETE /health")
        self.assertEqual((response.status, response.headers["allow"]), (405, "GET, HEAD"))

    def test_headers(self) -> None:
        """Whatever it answers is taken for nothing else, and kept by nobody."""
        headers = self.endpoint.ask("GET /health").headers
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["cache-control"], "no-store")

    def test_pipelined(self) -> None:
        """Of requests that come together one is answered at once; the others let the reactor turn first."""
        self.endpoint.channel.dataReceived(3 * b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(self.endpoint.transport.value().count(b"200 OK"), 1)
        self.endpoint.clock.advance(0)
        self.assertEqual(self.endpoint.transport.value().count(b"200 OK"), 3)

    def test_gone(self) -> None:
        """A client that is gone once it is answered makes no fault."""
        self.endpoint.send("GET /health")
        self.endpoint.transport.loseConnection()
        self.endpoint.clock.advance(0)


class GuardedTests(SynchronousTestCase):
    def status(self, shown: str) -> int:
        """Ask with an Authorization header; return the status."""
        clock = Clock()
        site = QuietSite(Guarded(Access(KEY)), reactor=clock)
        return Exchange(site, clock).ask("GET /nothing", Authorization=shown).status

    def test_key(self) -> None:
        """Only those who show the key come in."""
        self.assertEqual(self.status(f"bearer  {KEY}"), 404)
        for shown in ("", "Bearer", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer \xff"):
            self.assertEqual(self.status(shown), 401, shown)
