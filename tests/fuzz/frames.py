"""The bytes of hostile clients."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.canary import SECRET, TOKEN
from tests.fuzz.reading import MOST_FRAGMENTS, Opcode, mask
from tests.fuzz.requests import mistakes, texts

LARGEST = 4096
"""How many bytes a message may have in these tests."""

KEYS = st.sampled_from([bytes(4), b"\x37\xfa\x21\x3d"])
"""Masking keys; what is masked by them is as good as any."""


def frame(
    opcode: int, payload: bytes = b"", *, first: int = 0x80, key: bytes = bytes(4), wide: int | None = None
) -> bytes:
    """
    Return a client's frame.

    :param first: FIN and the reserved bits.
    :param wide: How many bytes the length has, beside the first; None for as few as will do.
    """
    size = len(payload)
    if wide is None:
        wide = 0 if size < 126 else 2 if size < 65536 else 8
    short = {0: size, 2: 126, 8: 127}[wide]
    head = struct.pack("!BB", first | opcode, 0x80 | short) + (size.to_bytes(wide) if wide else b"")
    return head + key + mask(payload, key)


small = st.binary(max_size=125) | st.sampled_from([SECRET.encode(), bytes(125)])
pings = st.builds(frame, st.sampled_from([Opcode.PING, Opcode.PONG]), small, key=KEYS)


@st.composite
def in_fragments(draw: DrawFn, opcode: Opcode, payloads: SearchStrategy[bytes]) -> bytes:
    """Cut a message into fragments, with other frames between them."""
    payload, key = draw(payloads), draw(KEYS)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    ends = [*cuts, len(payload)]
    found = b""
    for start, end in zip([0, *cuts], ends, strict=True):
        kind = opcode if not found else Opcode.CONTINUATION
        found += frame(kind, payload[start:end], first=0, key=key) + draw(st.just(b"") | pings)
    return found + frame(Opcode.CONTINUATION, first=0x80)


def _endless(count: int) -> bytes:
    return frame(Opcode.TEXT, b'"', first=0) + frame(Opcode.CONTINUATION, first=0) * count


def _close(code: int, reason: bytes) -> bytes:
    return frame(Opcode.CLOSE, code.to_bytes(2) + reason[:123])


def _unmasked(opcode: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, len(payload)]) + payload


def _announced(opcode: int, size: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, 0xFF]) + size.to_bytes(8) + bytes(4) + payload


opcodes = st.integers(0, 15)
_large = st.sampled_from([LARGEST, LARGEST + 1]).map(lambda size: b'"' + b"x" * (size - 2) + b'"')
not_utf8 = st.sampled_from([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b'"\xe2\x82'])

messages: SearchStrategy[bytes] = st.builds(
    lambda text, key: frame(Opcode.TEXT, text, key=key), texts, KEYS
) | in_fragments(Opcode.TEXT, texts)
"""Whole messages, good and bad."""

floods = st.builds(
    bytes.__mul__,
    messages | mistakes.map(lambda text: frame(Opcode.TEXT, text)),
    st.sampled_from([2, 12, 40]),
)
"""Too much of one thing."""

endless = st.builds(_endless, st.sampled_from([MOST_FRAGMENTS - 1, MOST_FRAGMENTS, 2 * MOST_FRAGMENTS]))
"""Messages that have no end: the first of one fragment fewer than too many."""

closes = st.builds(
    _close,
    st.sampled_from([1000, 1001, 1007, 1011, 1012, 3000, 4999, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000]),
    small | not_utf8,
) | st.sampled_from([frame(Opcode.CLOSE), frame(Opcode.CLOSE, b"\x03")])

broken: SearchStrategy[bytes] = st.one_of(
    st.builds(frame, opcodes, small, first=st.sampled_from([0x00, 0x90, 0xA0, 0xC0, 0xF0, 0x80]), key=KEYS),
    st.builds(frame, opcodes, small, wide=st.sampled_from([2, 8])),
    st.builds(frame, opcodes, st.binary(min_size=126, max_size=300)),
    st.builds(_unmasked, opcodes, small),
    st.builds(
        _announced, opcodes, st.sampled_from([LARGEST + 1, 2**16, 2**31, 2**63 - 1, 2**63, 2**64 - 1]), small
    ),
    in_fragments(Opcode.TEXT, st.builds(bytes.__add__, texts, not_utf8)),
    in_fragments(Opcode.BINARY, small),
    _large.map(lambda text: frame(Opcode.TEXT, text)),
    in_fragments(Opcode.TEXT, _large),
    st.builds(bytes.__getitem__, messages, st.integers(0, 40).map(lambda size: slice(0, size))),
)
"""Frames that break a rule, or that are never complete."""

garbage = st.binary(max_size=200)

HANDSHAKE: Sequence[str] = (
    f"GET /any/path?token={TOKEN} HTTP/1.1",
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    f"Cookie: session={SECRET}",
)

_HEADERS = (
    "Sec-WebSocket-Protocol: presence.v1.json",
    f"Sec-WebSocket-Protocol: {SECRET}",
    "Origin: https://www.example.com",
    "Origin: null",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99, x;;=",
    "X-Forwarded-For: 192.0.2.1, [2001:db8::1]:80, nobody",
    f"X-Forwarded-For: {SECRET}, 192.0.2.1",
    f"Authorization: Bearer {TOKEN}",
    "Sec-WebSocket-Version: 99",
    "Sec-WebSocket-Key: short",
    "Host: localhost:99999",
    "Upgrade: h2c",
    "Content-Length: 5",
    "no header at all",
    ": empty",
    f"X-Long: {SECRET * 500}",
    "X-Ünicode: ß",
    "Folded: a\r\n b",
)


def _opening(lines: Sequence[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode()


good_opening = st.just(_opening(HANDSHAKE))


@st.composite
def odd_openings(draw: DrawFn) -> bytes:
    """Return an opening handshake that may be right, wrong, or none at all."""
    lines = list(HANDSHAKE)
    for header in draw(st.lists(st.sampled_from(_HEADERS), max_size=2)):
        lines.insert(draw(st.integers(1, len(lines))), header)
    for index in draw(st.lists(st.integers(0, len(lines) - 1), max_size=1)):
        lines[index] = draw(
            st.sampled_from(["", f"GET /?{TOKEN}", f"POST /{SECRET} HTTP/1.1", "GET * HTTP/0.9", "\x00"])
        )
    opening = _opening(lines)
    cut: Callable[[bytes], bytes] = draw(
        st.sampled_from(
            [lambda data: data, lambda data: data[: len(data) // 2], lambda data: data[:-2] + b"\xff\r\n"]
        )
    )
    return cut(opening)
