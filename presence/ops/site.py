"""The web site of the operations endpoint: what stands where, and by which names it goes."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files

from prometheus_client import CollectorRegistry
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from presence.host.serving import Asset, BoundedRequest, QuietSite, add_page, host_name, is_address
from presence.ops.api import make_api
from presence.ops.health import Health, Ready
from presence.ops.metrics import Metrics
from presence.ops.parts import Parts
from presence.ops.places import Access, OpsPlace, Problem
from presence.tokens import TokenChecks

LARGEST_BODY_BYTES = 1024 * 1024
"""The most bytes that a request may carry: room for tens of thousands of user ids."""


_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Asset(Asset, OpsPlace):
    """A file of the operator page, which holds nothing that is secret."""


class _Root(OpsPlace):
    """
    The top of the site.

    It answers to names it knows alone. Otherwise a page from elsewhere could give its own name the
    address of this machine, and then read everything here as if it were its own (DNS rebinding).
    """

    def __init__(self, access: Access) -> None:
        super().__init__()
        self._access = access

    def getChildWithDefault(self, path: bytes, request: Request) -> Resource:
        host = host_name((request.getHeader(b"host") or b"").decode("latin-1"))
        if not (is_address(host) or host == "localhost" or host in self._access.hosts):
            text = f"this endpoint does not go by the name {host!r}; tell it with --ops-host"
            return Problem(HTTPStatus.MISDIRECTED_REQUEST, "misdirected_request", text)
        for name, value in _SECURITY_HEADERS.items():
            request.setHeader(name, value)
        return super().getChildWithDefault(path, request)  # type: ignore[no-any-return]  # untyped in Twisted


def make_site(
    parts: Parts, tokens: TokenChecks, metrics: CollectorRegistry, access: Access, reactor: IReactorTime
) -> Site:
    """Build the site."""

    class _Request(BoundedRequest):
        def gotLength(self, length: int | None) -> None:
            self.largest_body = max(LARGEST_BODY_BYTES, parts.service.settings.max_message_bytes)
            super().gotLength(length)

    root = _Root(access)
    add_page(root, files("presence.ops") / "page", _Asset)
    root.putChild(b"health", Health())
    root.putChild(b"ready", Ready(parts, tokens))
    root.putChild(b"metrics", Metrics(metrics))
    root.putChild(b"api", make_api(parts, access))
    return QuietSite(root, requestFactory=_Request, reactor=reactor)
