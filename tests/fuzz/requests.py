"""What hostile clients say: texts that are requests, that nearly are, and that are none."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from msgspec import Raw

from presence.wire.codec import encode
from presence.wire.messages import LARGEST_INT, REQUESTS, Hello, Ping, Request, SendMessageToUser
from tests.canary import SECRET, SECRET_NUMBER, TOKEN
from tests.wire.strategies import messages

Ref = str | int

_json = msgspec.json.Decoder(Raw)  # unlike json it refuses NaN and lone surrogates


def _plant(request: Request) -> Request:
    if isinstance(request.ref, str):
        request.ref = (SECRET + request.ref)[:64]
    if isinstance(request, Hello):
        request.accesstoken = TOKEN + request.accesstoken
        request.userid = 1 + request.userid % 3
    elif isinstance(request, SendMessageToUser):
        request.message = Raw(b'["%s",%d,%s]' % (SECRET.encode(), SECRET_NUMBER, bytes(request.message)))
        request.id = 1 + request.id % 3
        request.key = SECRET
    return request


valid: SearchStrategy[Request] = st.one_of([messages(kind) for kind in REQUESTS.values()]).map(_plant)
"""Requests that are answered with OK or with an error, but are no mistakes; with secrets all over."""

junk: SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        1.0,
        -1,
        0,
        LARGEST_INT + 1,
        SECRET_NUMBER * 10**20,
        SECRET,
        "",
        "x" * 65,
        [],
        {},
        [[SECRET]],
    ]
)
"""Values for places where something else should be; most of them fit nowhere."""

_AT_THE_END = [
    '{"type":"PING"',
    '"\\ud800"',
    "NaN",
    f'{{"type":"{SECRET}","ref":9e999}}',
    "",
    "\ufeff{}",
]


@st.composite
def wrong_fields(draw: DrawFn) -> bytes:
    """Return a request with a field that is wrong, missing or there twice."""
    request: dict[str, Any] = json.loads(encode(draw(valid)))
    name = draw(st.sampled_from([*request, "ref", "type", SECRET]))
    what = draw(st.sampled_from(["replace", "drop", "repeat", "deepen"]))
    if what == "drop":
        request.pop(name, None)
    elif what == "replace":
        request[name] = draw(junk)
    elif what == "deepen":
        depth = draw(st.integers(60, 70))
        text = json.dumps({**request, name: SECRET})
        return text.replace(f'"{SECRET}"', "[" * depth + f'"{SECRET}"' + "]" * depth, 1).encode()
    else:
        text = json.dumps(request)
        return f"{text[:-1]},{json.dumps(name)}:{json.dumps(draw(junk))}}}".encode()
    return json.dumps(request).encode()


@st.composite
def damaged(draw: DrawFn) -> bytes:
    """Return the bytes of a request with some of them changed, though not so that they are no UTF-8."""
    text = encode(draw(valid)).decode()
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 8)))
    return (text[:start] + draw(st.text(max_size=4)) + text[end:]).encode()


too_deep = st.just(b'{"type":"sendMessageToUser","id":1,"message":' + b"[" * 4000)
"""A text that is nested more deeply than Python recurses, though Hypothesis lets it recurse far."""

mistakes = (
    too_deep
    | st.sampled_from(_AT_THE_END).map(str.encode)
    | junk.map(json.dumps).map(str.encode)
    | st.text(max_size=40).map(str.encode)
)
"""Texts that are nothing like a request."""

texts: SearchStrategy[bytes] = st.one_of(
    valid.map(encode), valid.map(encode), st.just(encode(Ping())), wrong_fields(), damaged(), mistakes
)
"""Anything that can stand in a text frame."""


def judge(text: bytes) -> tuple[str | None, Ref | None, str | None]:
    """
    Judge a text by the words of the protocol.

    :returns: The type and the ref that the reply has to name, and the code of a mistake that does
        not lie in the fields of a type.
    """
    try:
        _json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None, None, "bad_json"
    fields = json.loads(text)
    if not isinstance(fields, dict):
        return None, None, "bad_message"
    ref, kind = fields.get("ref"), fields.get("type")
    if isinstance(ref, bool) or not (
        (isinstance(ref, str) and len(ref) <= 64) or (isinstance(ref, int) and abs(ref) <= LARGEST_INT)
    ):
        ref = None
    if not isinstance(kind, str):
        return None, ref, "bad_message"
    if kind not in REQUESTS:
        return (kind if len(kind) <= 64 else None), ref, "unknown_type"
    return kind, ref, "bad_message" if ref is None and "ref" in fields else None
