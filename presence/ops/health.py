"""Whether the daemon lives, and whether clients should be sent to it."""

from __future__ import annotations

from http import HTTPStatus

from twisted.web.server import Request

from presence.host.serving import answer_json
from presence.ops.parts import Parts
from presence.ops.places import OpsPlace
from presence.tokens import TokenChecks


class Health(OpsPlace):
    """``GET /health``: the process answers; nothing else is looked at."""

    def render_GET(self, request: Request) -> bytes:
        """Answer."""
        return answer_json(request, HTTPStatus.OK, {"status": "ok"})


class Ready(OpsPlace):
    """``GET /ready``: 200 while new clients are welcome, else 503 with the reasons."""

    def __init__(self, parts: Parts, tokens: TokenChecks) -> None:
        super().__init__()
        self._parts = parts
        self._tokens = tokens

    def render_GET(self, request: Request) -> bytes:
        """Answer."""
        reasons = reasons_against(self._parts, self._tokens)
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        return answer_json(request, status, {"ready": not reasons, "reasons": reasons})


def reasons_against(parts: Parts, tokens: TokenChecks) -> dict[str, str]:
    """Return why new clients should go elsewhere; nothing while they are welcome."""
    reasons = {}
    if parts.service.draining:
        reasons["draining"] = "the daemon is ending"
    elif not parts.service.listening:
        reasons["listening"] = "the ports are not open"
    if not tokens.breaker.closed:
        reasons["account_api"] = "too many requests to the account API failed; it is left alone for a while"
    if not parts.roster.ready:
        reasons["roster"] = "the roster is not in sync"
    return reasons
