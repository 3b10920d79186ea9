"""What a web site of ours needs beyond Twisted's."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.demo.api import Directory, JsonResource
from presence.host.serving import Asset, QuietSite, add_page
from tests.exchange import Exchange


class _Asset(Asset, JsonResource):
    pass


class PageTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Serve a page of two files, one of which is of no known kind."""
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "index.html").write_text("<p>grüß dich</p>", encoding="utf-8")
        (directory / "index.html~").write_bytes(b"<script>")
        root = Directory()
        add_page(root, directory, _Asset)
        clock = Clock()
        self.exchange = Exchange(QuietSite(root, reactor=clock), clock)

    def test_index(self) -> None:
        """The index stands at the top too, and whoever has kept it asks again."""
        for path in ("/", "/index.html"):
            response = self.exchange.ask(f"GET {path}")
            self.assertEqual(response.body.decode(), "<p>grüß dich</p>")
            self.assertEqual(response.headers["content-type"], "text/html; charset=utf-8")
            self.assertEqual(response.headers["cache-control"], "no-cache")

    def test_unknown_kind(self) -> None:
        """What an editor left behind is no page of ours."""
        kind = self.exchange.ask("GET /index.html~").headers["content-type"]
        self.assertEqual(kind, "application/octet-stream")

    def test_below(self) -> None:
        """There is nothing below a file, and a file takes nothing."""
        self.assertEqual(self.exchange.ask("GET /index.html/more").status, 404)
        self.assertEqual(self.exchange.ask("POST /index.html").status, 405)
