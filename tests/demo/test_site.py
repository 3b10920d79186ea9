"""Tests of ``presence.demo.site``, over HTTP in memory."""

from __future__ import annotations

import re

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.demo.site import is_loopback
from tests.demo.exchange import Exchange


class PageTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Connect to the site."""
        self.exchange = Exchange()

    def test_page(self) -> None:
        """The top of the site is the page, also by its name."""
        for path in ("/", "/index.html", "/?auto"):
            response = self.exchange.ask(f"GET {path}")
            self.assertEqual(
                (response.status, response.headers["content-type"]), (200, "text/html; charset=utf-8")
            )
            self.assertIn(b"<!doctype html>", response.body)

    def test_assets_of_the_page(self) -> None:
        """Everything that the page names is served, and comes from this site."""
        page = self.exchange.ask("GET /").body.decode()
        names = re.findall(r'(?:src|href)="([^"]+)"', page)
        self.assertEqual(set(names), {"demo.js", "demo.css", "favicon.svg"})
        for name in names:
            response = self.exchange.ask(f"GET /{name}")
            self.assertEqual(response.status, 200)
            self.assertTrue(response.body)

    def test_content_types(self) -> None:
        """Scripts and styles have the types without which a browser refuses them."""
        for name, kind in (
            ("demo.js", "text/javascript"),
            ("demo.css", "text/css"),
            ("favicon.svg", "image/svg+xml"),
        ):
            self.assertIn(kind, self.exchange.ask(f"GET /{name}").headers["content-type"])

    def test_shows_text_only(self) -> None:
        """The script has no way to show what others write as HTML."""
        script = self.exchange.ask("GET /demo.js").body.decode()
        for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            self.assertNotIn(danger, script)

    def test_head(self) -> None:
        """A HEAD request learns the length of the page without getting it."""
        length = len(self.exchange.ask("GET /").body)
        with capturedLogs() as events:
            response = self.exchange.ask("HEAD /")
        self.assertEqual(events, [])
        self.assertEqual((response.body, response.headers["content-length"]), (b"", str(length)))

    def test_nothing_else(self) -> None:
        """Every other path is 404 in JSON, whatever the method; nothing is listed."""
        for request in (
            "GET /nothing",
            "POST /nothing",
            "GET /oauth",
            "GET /oauth/",
            "GET /users/",
            "GET /users/2",
            "GET /users/me/more",
            "GET /demo.js/",
            "GET /assets/",
            "GET /../service.py",
            "GET /%2e%2e/service.py",
        ):
            response = self.exchange.ask(request)
            self.assertEqual((response.status, response.json["error"]), (404, "not_found"), request)


class SecurityTests(SynchronousTestCase):
    def policy(self, websocket_url: str) -> str:
        """Return the page's policy where the daemon has this address."""
        return Exchange(websocket_url).ask("GET /").headers["content-security-policy"]

    def test_policy(self) -> None:
        """The page may load from this site alone, and connect to it and the daemon."""
        policy = self.policy("wss://localhost:8443/path")
        self.assertIn("default-src 'self';", policy)
        self.assertIn("connect-src 'self' wss://localhost:8443;", policy)

    def test_policy_for_ipv6(self) -> None:
        """A policy cannot name an IPv6 address, so it names the scheme."""
        self.assertIn("connect-src 'self' ws:;", self.policy("ws://[::1]:8080/"))

    def test_headers(self) -> None:
        """Every answer forbids sniffing, referrers and embedding, errors included."""
        for path in ("/", "/demo.json", "/users/me", "/nothing"):
            headers = Exchange().ask(f"GET {path}").headers
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["referrer-policy"], "no-referrer")
            self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")

    def test_other_hosts(self) -> None:
        """A request for another host is misdirected, to whatever path."""
        for request in ("GET /", "GET /demo.json", "POST /oauth/token", "GET /users/me"):
            response = Exchange().ask(request, Host="rebound.example:8000")
            self.assertEqual((response.status, response.json["error"]), (421, "misdirected_request"))

    def test_no_host(self) -> None:
        """A request without a host is misdirected."""
        self.assertEqual(Exchange().ask("GET /", Host="").status, 421)

    def test_own_names(self) -> None:
        """This machine has its own names and addresses, with any port."""
        for host in ("127.0.0.1", "127.0.0.1:8000", "LocalHost:1", "[::1]", "[::1]:8000", "127.0.0.2"):
            self.assertTrue(is_loopback(host), host)

    def test_names_of_others(self) -> None:
        """Everything else names another machine, or none."""
        for host in (
            "",
            "10.0.0.1",
            "localhost.example",
            "127.0.0.1.example",
            "[::1",
            "::1",
            "a@b",
            "x/localhost",
        ):
            self.assertFalse(is_loopback(host), host)


class FactsTests(SynchronousTestCase):
    def test_facts(self) -> None:
        """The page learns where the WebSocket is and who the people are, without passwords."""
        response = Exchange("ws://127.0.0.1:1234/").ask("GET /demo.json")
        self.assertEqual(response.json["websocket"], "ws://127.0.0.1:1234/")
        self.assertEqual([account["id"] for account in response.json["accounts"]], [1, 2, 3])
        self.assertEqual(
            [visitor["name"] for visitor in response.json["visitors"]], ["visitor 101", "visitor 102"]
        )
        self.assertNotIn(b"start123", response.body)
