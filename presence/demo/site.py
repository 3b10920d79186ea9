"""
The demo's web site: its page, what the page has to know, and the account API.

It answers only to the names of this machine. Otherwise a page from elsewhere could
give its own name the address 127.0.0.1 and then read everything here as if it were
its own (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from importlib.resources import files
from ipaddress import ip_address
from urllib.parse import urlsplit

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from presence.demo.accounts import SAMPLE_ACCOUNTS, Account, Accounts
from presence.demo.api import (
    Directory,
    JsonResource,
    MeResource,
    TokenResource,
    answer_error,
    describe,
)
from presence.demo.faults import Faults
from presence.host.serving import Asset, QuietSite, add_page, answer_json, host_name, is_address


def make_site(
    accounts: Accounts,
    visitors: Sequence[Account],
    faults: Faults,
    websocket_url: Callable[[], str],
    reactor: IReactorTime,
) -> Site:
    """
    Build the site.

    :param visitors: Who else may be online, so that the page knows their names.
    :param websocket_url: Returns the daemon's address; called at each request.
    """
    root = _Root(websocket_url)
    add_page(root, files("presence.demo") / "assets", _Asset)
    root.putChild(b"demo.json", _Facts(visitors, websocket_url))
    root.putChild(b"oauth", Directory(token=TokenResource(accounts)))
    root.putChild(b"users", Directory(me=MeResource(accounts, faults, reactor)))
    return QuietSite(root, reactor=reactor)


def is_loopback(host: str) -> bool:
    """Return whether a ``Host`` header names this machine, with any port."""
    name = host_name(host)
    return name == "localhost" or (is_address(name) and ip_address(name).is_loopback)


class _Root(Directory):
    """The top of the site: who may ask at all, and what a browser may do with the answers."""

    def __init__(self, websocket_url: Callable[[], str]) -> None:
        super().__init__()
        self._websocket_url = websocket_url

    def getChildWithDefault(self, path: bytes, request: Request) -> Resource:
        if not is_loopback(request.getHeader("host") or ""):
            return _Misdirected()
        for name, value in self._security_headers().items():
            request.setHeader(name, value)
        return super().getChildWithDefault(path, request)  # type: ignore[no-any-return]  # untyped in Twisted

    def _security_headers(self) -> dict[str, str]:
        scheme, host = urlsplit(self._websocket_url())[:2]
        # A policy has no way to write an IPv6 address; then any host of the scheme will do.
        origin = f"{scheme}:" if "[" in host else f"{scheme}://{host}"
        policy = (
            f"default-src 'self'; connect-src 'self' {origin}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
        )
        return {
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }


class _Misdirected(JsonResource):
    isLeaf = True

    def render(self, request: Request) -> bytes | int:
        return answer_error(
            request, HTTPStatus.MISDIRECTED_REQUEST, "misdirected_request", "only this machine is served"
        )


class _Asset(Asset, JsonResource):
    """A file of the page."""


class _Facts(JsonResource):
    """``GET /demo.json``: what the page has to know."""

    def __init__(self, visitors: Sequence[Account], websocket_url: Callable[[], str]) -> None:
        super().__init__()
        self._visitors = visitors
        self._websocket_url = websocket_url

    def render_GET(self, request: Request) -> bytes:
        facts = {
            "websocket": self._websocket_url(),
            "accounts": [describe(account) for account in SAMPLE_ACCOUNTS],
            "visitors": [describe(account) for account in self._visitors],
        }
        return answer_json(request, HTTPStatus.OK, facts)
