"""
The protocol as an AsyncAPI 3.0 document, made from the types of the messages.

``python -m presence.wire.asyncapi > docs/asyncapi.json`` writes it anew after a
change of the messages. It is written as the daemon sees it: requests are received,
replies and events are sent.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any, TextIO

import msgspec
from msgspec import Struct

from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import (
    EVENTS,
    OK_OF,
    REQUESTS,
    SUBPROTOCOL,
    Error,
    Ok,
    OnlineSocket,
    Position,
)

Json = dict[str, Any]

_KINDS: tuple[type[Struct], ...] = (Ok, *OK_OF.values(), Error)
_REPLIES = {kind.__name__: kind for kind in _KINDS}
_MESSAGES: dict[str, type[Struct]] = {**REQUESTS, **_REPLIES, **EVENTS}


def document() -> Json:
    """Return the AsyncAPI document, ready to be written as JSON."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "presence",
            "version": "1",
            "description": "Who is online, and a message to them at once. docs/protocol.rst says the rest.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/",
                "description": "A WebSocket under any path; each text frame is one JSON object.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _MESSAGES},
                "bindings": {
                    "ws": {
                        "headers": {
                            "type": "object",
                            "properties": {
                                "Sec-WebSocket-Protocol": {"type": "string", "const": SUBPROTOCOL}
                            },
                        }
                    }
                },
                "x-close-codes": {
                    str(int(code)): {"reason": code.reason, "reconnects": code.reconnects}
                    for code in CloseCode
                },
            }
        },
        "operations": {
            **{name: _request(name) for name in REQUESTS},
            **{name: _operation("send", name) for name in EVENTS},
        },
        "components": {
            "messages": {name: _message(name, kind) for name, kind in _MESSAGES.items()},
            "schemas": _schemas(),
        },
    }


def main(out: TextIO = sys.stdout) -> None:
    """Write the document."""
    json.dump(document(), out, indent=2)
    out.write("\n")


def _request(name: str) -> Json:
    replies = [OK_OF.get(name, Ok).__name__, Error.__name__]
    reply = {"channel": {"$ref": "#/channels/socket"}, "messages": [_in_channel(kind) for kind in replies]}
    return {**_operation("receive", name), "reply": reply}


def _operation(action: str, name: str) -> Json:
    return {"action": action, "channel": {"$ref": "#/channels/socket"}, "messages": [_in_channel(name)]}


def _in_channel(name: str) -> Json:
    return {"$ref": f"#/channels/socket/messages/{name}"}


def _message(name: str, kind: type[Struct]) -> Json:
    payload = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"name": name, "summary": _prose(kind)[0], "payload": payload}


def described_schemas(kinds: Sequence[type[Struct]]) -> Json:
    """Return the JSON Schemas of types, for ``components``, with what their docstrings say."""
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    for kind in kinds:
        schema = schemas[kind.__name__]
        schema["description"], fields = _prose(kind)
        names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
        for field, text in fields.items():
            schema["properties"][names[field]]["description"] = text
    return schemas


def _schemas() -> Json:
    kinds: list[type[Struct]] = [*_MESSAGES.values(), Position, OnlineSocket]
    schemas = described_schemas(kinds)
    schemas["Error"]["properties"]["code"]["examples"] = [str(code) for code in ErrorCode]
    return schemas


def _prose(kind: type[Struct]) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of a message, and what it says of its fields."""
    text = re.sub(r"(?::class:)?`+([^`]+)`+", r"`\1`", " ".join((kind.__doc__ or "").split()))
    about, *fields = re.split(r" ?:ivar (\w+): ", text)
    return about, dict(zip(fields[::2], fields[1::2], strict=True))


if __name__ == "__main__":
    main()
