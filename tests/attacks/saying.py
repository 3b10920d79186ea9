"""What attackers say when they are good, and begin with when they are not."""

from __future__ import annotations

import json

from tests.canary import TOKEN
from tests.websocket.peer import TEXT, frame

SHAKE = (
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
"""The headers of a good opening handshake."""


def shake(*headers: str, line: str = f"GET /?token={TOKEN} HTTP/1.1") -> bytes:
    """Return an opening handshake with more headers, or with another first line."""
    return "\r\n".join([line, *SHAKE, *headers, "", ""]).encode("latin-1")


def shake_without(name: str) -> bytes:
    """Return an opening handshake that lacks a header."""
    left = [header for header in SHAKE if not header.startswith(f"{name}:")]
    return "\r\n".join(["GET / HTTP/1.1", *left, "", ""]).encode()


def text(message: object) -> bytes:
    """Return the text frame of a message."""
    return frame(TEXT, message if isinstance(message, bytes) else json.dumps(message).encode())
