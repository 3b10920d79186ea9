"""
What happened last, to whomever: ``/api/v1/transitions`` and ``/api/v1/refusals``.

It is for people who look, on the operator page. Both are bounded and forget; who has to know
everything follows ``/api/v1/events``.
"""

from __future__ import annotations

from http import HTTPStatus

from msgspec import UNSET, UnsetType
from twisted.web.resource import Resource
from twisted.web.server import Request

from presence.host.serving import answer_json
from presence.interfaces import IRoster
from presence.ops.bodies import AnyTransition, LatestRefusal, LatestRefusals, LatestTransitions
from presence.ops.door import ApiPlace, read_parameters
from presence.ops.parts import Parts
from presence.roster.history import Transition
from presence.websocket.traffic import Refusal, Traffic
from presence.wire.closing import CloseCode

TRANSITIONS_TOLD = 100

_REASONS: dict[str, str | UnsetType] = {str(int(code)): code.reason for code in CloseCode}


def add_recent(version_1: Resource, parts: Parts) -> None:
    """Add these places to the HTTP API."""
    version_1.putChild(b"transitions", Transitions(parts.roster))
    version_1.putChild(b"refusals", Refusals(parts.traffic))


class Transitions(ApiPlace):
    """``GET /transitions``: who came and went last, and why."""

    def __init__(self, roster: IRoster) -> None:
        super().__init__()
        self._roster = roster

    def render_GET(self, request: Request) -> bytes:
        """Tell it."""
        read_parameters(request)
        journal, history = self._roster.journal, self._roster.history
        body = LatestTransitions(
            transitions=[_describe_transition(one) for one in history.latest(TRANSITIONS_TOLD)],
            epoch=journal.epoch,
            version=journal.version,
        )
        return answer_json(request, HTTPStatus.OK, body)


class Refusals(ApiPlace):
    """``GET /refusals``: who was told no last, and with which code."""

    def __init__(self, traffic: Traffic) -> None:
        super().__init__()
        self._traffic = traffic

    def render_GET(self, request: Request) -> bytes:
        """Tell it."""
        read_parameters(request)
        refusals = [_describe_refusal(one) for one in reversed(self._traffic.refusals)]
        return answer_json(request, HTTPStatus.OK, LatestRefusals(refusals=refusals))


def _describe_transition(transition: Transition) -> AnyTransition:
    return AnyTransition(
        at=transition.at,
        to="online" if transition.online else "offline",
        cause=transition.cause,
        version=transition.version,
        id=transition.user_id,
    )


def _describe_refusal(refusal: Refusal) -> LatestRefusal:
    reason = _REASONS.get(refusal.code, UNSET)
    return LatestRefusal(at=refusal.at, peer=refusal.peer, code=refusal.code, reason=reason)
