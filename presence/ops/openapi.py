"""
The HTTP API as an OpenAPI 3.1 document, made from the types of its bodies.

``python -m presence.ops.openapi > docs/openapi.json`` writes it anew after a change.
"""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from typing import Any, TextIO

from msgspec import Struct
from twisted.web.server import Request

from presence.host.serving import answer_json
from presence.ops.bodies import (
    AnyTransition,
    ChangeEvent,
    Closed,
    Delivered,
    LatestRefusal,
    LatestRefusals,
    LatestTransitions,
    Online,
    OnlineQuery,
    ProblemBody,
    ResetEvent,
    SendMessage,
    User,
    UserSocket,
    UserTransition,
)
from presence.ops.door import ApiPlace, read_parameters
from presence.ops.places import PROBLEM
from presence.wire.asyncapi import described_schemas
from presence.wire.messages import LARGEST_INT, MOST_USERS_PER_PAGE

Json = dict[str, Any]

_SCHEMAS: tuple[type[Struct], ...] = (
    SendMessage,
    Delivered,
    OnlineQuery,
    Online,
    User,
    UserSocket,
    UserTransition,
    Closed,
    ChangeEvent,
    ResetEvent,
    AnyTransition,
    LatestTransitions,
    LatestRefusal,
    LatestRefusals,
    ProblemBody,
)

_USER_ID: Json = {"type": "integer", "minimum": 1, "maximum": LARGEST_INT}
_CURSOR: Json = {**_USER_ID, "description": "next of the page before"}
_LIMIT: Json = {
    "type": "integer",
    "minimum": 1,
    "maximum": MOST_USERS_PER_PAGE,
    "default": MOST_USERS_PER_PAGE,
}


class Document(ApiPlace):
    """``GET /api/v1/openapi.json``."""

    def render_GET(self, request: Request) -> bytes:
        """Give the document."""
        read_parameters(request)
        return answer_json(request, HTTPStatus.OK, document())


def document() -> Json:
    """Return the OpenAPI document, ready to be written as JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "presence",
            "version": "1",
            "description": "Presence for the platform's backend. docs/http-api.rst says the rest.",
        },
        "servers": [{"url": "http://127.0.0.1:8081"}],
        "security": [{"key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": described_schemas(_SCHEMAS),
        },
    }


def main(out: TextIO = sys.stdout) -> None:
    """Write the document."""
    json.dump(document(), out, indent=2)
    out.write("\n")


def _paths() -> Json:
    user = _parameter("id", "path", _USER_ID)
    socket = _parameter("socket", "path", {"type": "string"})
    page = [_parameter("limit", "query", _LIMIT), _parameter("cursor", "query", _CURSOR)]
    return {
        "/api/v1/users/{id}": {
            "get": _operation("aboutUser", "What is known of a user", User, parameters=[user]),
        },
        "/api/v1/users/{id}/messages": {
            "post": _operation(
                "sendMessage",
                "Send a message to all sockets of a user",
                Delivered,
                429,
                parameters=[user],
                body=SendMessage,
            ),
        },
        "/api/v1/users/{id}/connections": {
            "delete": _operation(
                "disconnectUser", "Close all connections of a user with 4410", Closed, parameters=[user]
            ),
        },
        "/api/v1/sockets/{socket}": {
            "delete": _operation(
                "disconnectSocket", "Close the connection of a socket with 4410", Closed, parameters=[socket]
            ),
        },
        "/api/v1/broadcast": {
            "post": _operation(
                "broadcast", "Send a message to everybody who is online", Delivered, 429, body=SendMessage
            ),
        },
        "/api/v1/online": {
            "get": _operation("listOnline", "Who is online, page by page", Online, 503, parameters=page),
        },
        "/api/v1/online/query": {
            "post": _operation(
                "queryOnline", "Which of these users are online", Online, 503, body=OnlineQuery
            ),
        },
        "/api/v1/transitions": {
            "get": _operation("latestTransitions", "Who came and went last, and why", LatestTransitions),
        },
        "/api/v1/refusals": {
            "get": _operation("latestRefusals", "Who was told no last", LatestRefusals),
        },
        "/api/v1/events": {"get": _events()},
        "/api/v1/openapi.json": {
            "get": _operation("document", "This document", None),
        },
    }


def _operation(
    name: str,
    summary: str,
    answer: type[Struct] | None,
    *problems: int,
    parameters: list[Json] | None = None,
    body: type[Struct] | None = None,
) -> Json:
    schema = {"type": "object"} if answer is None else _reference(answer)
    statuses = {401, 403, 422, *problems}
    operation: Json = {"operationId": name, "summary": summary}
    if parameters:
        operation["parameters"] = parameters
        if any(parameter["in"] == "path" for parameter in parameters):
            statuses.add(404)
    if body is not None:
        statuses |= {400, 413, 415}
        operation["requestBody"] = {
            "required": True,
            "content": _content("application/json", _reference(body)),
        }
    operation["responses"] = {
        "200": {"description": "Done", "content": _content("application/json", schema)},
        **{str(status): _problem(HTTPStatus(status)) for status in sorted(statuses)},
    }
    return operation


def _events() -> Json:
    event_id = _parameter("Last-Event-ID", "header", {"type": "string"})
    event_id["description"] = "The id of the last event that is known: EPOCH:VERSION."
    operation = _operation("events", "Who comes and goes, as Server-Sent Events", None, 503)
    operation["parameters"] = [event_id]
    operation["responses"]["200"] = {
        "description": "Events without end; the data of each is JSON, by its name",
        "content": _content("text/event-stream", {"type": "string"}),
    }
    operation["x-events"] = {"change": _reference(ChangeEvent), "reset": _reference(ResetEvent)}
    return operation


def _parameter(name: str, place: str, schema: Json) -> Json:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _problem(status: HTTPStatus) -> Json:
    problem: Json = {"description": status.phrase, "content": _content(PROBLEM, _reference(ProblemBody))}
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        problem["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    return problem


def _content(media_type: str, schema: Json) -> Json:
    return {media_type: {"schema": schema}}


def _reference(kind: type[Struct]) -> Json:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


if __name__ == "__main__":
    main()
