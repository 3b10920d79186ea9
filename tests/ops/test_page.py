"""The operator page, as it is served."""

from __future__ import annotations

import re
from importlib.resources import files

from twisted.trial.unittest import SynchronousTestCase

from presence.ops.places import Access
from tests.ops.endpoint import Endpoint

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}

DANGERS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", ".style")
"""What could make more of a text than a text, and what the policy refuses."""

NAMES = {one.name for one in (files("presence.ops") / "page").iterdir()}


class PageTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an endpoint without a key, which the page does not need."""
        self.endpoint = Endpoint(access=Access(None))

    def text(self, name: str) -> str:
        """Return a file of the page."""
        return self.endpoint.ask(f"GET /{name}").body.decode()

    def test_page(self) -> None:
        """The top of the endpoint is the page, for everybody."""
        response = self.endpoint.ask("GET /")
        self.assertEqual(
            (response.status, response.headers["content-type"]), (200, "text/html; charset=utf-8")
        )
        self.assertIn(b"<!doctype html>", response.body)

    def test_everything_is_named_and_served(self) -> None:
        """What the page and its modules name is served, and there is nothing else."""
        named = set(re.findall(r'(?:src|href)="([^"]+)"', self.text("")))
        for name in (name for name in NAMES if name.endswith(".js")):
            named |= set(re.findall(r'from "\./([^"]+)"', self.text(name)))
        self.assertEqual(named, NAMES - {"index.html"})
        for name in named:
            self.assertEqual(self.endpoint.ask(f"GET /{name}").status, 200, name)

    def test_scripts(self) -> None:
        """A script has the type without which a browser refuses it."""
        self.assertIn("text/javascript", self.endpoint.ask("GET /ops.js").headers["content-type"])

    def test_shows_text_only(self) -> None:
        """The scripts have no way to show what clients write as HTML."""
        for name in (name for name in NAMES if name.endswith(".js")):
            for danger in DANGERS:
                self.assertNotIn(danger, self.text(name), name)

    def test_nothing_inline(self) -> None:
        """The page has no style and no script of its own, which the policy would refuse."""
        page = self.text("")
        self.assertEqual(re.findall(r"<style|\sstyle=|\son\w+=|<script[^>]*>[^<]", page), [])

    def test_key_is_kept_in_the_tab(self) -> None:
        """The scripts know no place to keep anything but the session of the tab."""
        scripts = "".join(self.text(name) for name in NAMES if name.endswith(".js"))
        for place in ("localStorage", "document.cookie", "indexedDB", "location.hash", "history."):
            self.assertNotIn(place, scripts)

    def test_policy(self) -> None:
        """A browser lets the page load from and ask this endpoint alone, and embeds it nowhere."""
        policy = self.endpoint.ask("GET /").headers["content-security-policy"]
        self.assertEqual(dict(rule.strip().split(" ", 1) for rule in policy.split(";")), POLICY)

    def test_headers(self) -> None:
        """No answer is for other sites, and none sets a cookie."""
        for path in ("/", "/ops.js", "/metrics", "/ready", "/api/v1/online", "/nothing"):
            headers = self.endpoint.ask(f"GET {path}").headers
            self.assertEqual(headers["cross-origin-opener-policy"], "same-origin", path)
            self.assertEqual(headers["cross-origin-resource-policy"], "same-origin", path)
            self.assertEqual(headers["referrer-policy"], "no-referrer", path)
            self.assertNotIn("set-cookie", headers)

    def test_other_names(self) -> None:
        """A page from elsewhere that gave its name to this machine does not get it."""
        self.assertEqual(self.endpoint.ask("GET /", Host="evil.example").status, 421)
