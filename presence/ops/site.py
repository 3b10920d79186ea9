"""The web site of the operations endpoint: what stands where, and by which names it goes."""

from __future__ import annotations

from http import HTTPStatus

from prometheus_client import CollectorRegistry
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from presence.host.serving import BoundedRequest, QuietSite, host_name, is_address
from presence.ops.api import make_api
from presence.ops.health import Health, Ready
from presence.ops.metrics import Metrics
from presence.ops.parts import Parts
from presence.ops.places import Access, OpsPlace, Problem
from presence.tokens import TokenChecks

LARGEST_BODY_BYTES = 1024 * 1024
"""The most bytes that a request may carry: room for tens of thousands of user ids."""


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
        host = host_name(request.getHeader("host") or "")
        if not (is_address(host) or host == "localhost" or host in self._access.hosts):
            text = f"this endpoint does not go by the name {host!r}; tell it with --ops-host"
            return Problem(HTTPStatus.MISDIRECTED_REQUEST, "misdirected_request", text)
        request.setHeader("X-Content-Type-Options", "nosniff")
        request.setHeader("Referrer-Policy", "no-referrer")
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
    root.putChild(b"health", Health())
    root.putChild(b"ready", Ready(parts, tokens))
    root.putChild(b"metrics", Metrics(metrics))
    root.putChild(b"api", make_api(parts, access))
    return QuietSite(root, requestFactory=_Request, reactor=reactor)
