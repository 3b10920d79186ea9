"""What a client may send after it agreed to compression, and what RFC 7692 demands for an answer."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from tests.conformance.table import (
    CONTINUATION,
    HANDSHAKE,
    LARGEST_MESSAGE,
    MORE,
    Row,
    closing,
    echoed,
    fragments,
)
from tests.websocket.peer import BINARY, CLOSE, PING, PONG, TEXT, frame

COMPRESSED = 0x40
"""RSV1, on the first frame of a compressed message."""

ALL = 0x80
"""FIN, on the last frame of a message."""


def offering(*offers: str) -> bytes:
    """Return an opening handshake that offers these extensions."""
    lines = "".join(f"Sec-WebSocket-Extensions: {offer}\r\n" for offer in offers)
    return HANDSHAKE[:-2] + lines.encode() + b"\r\n"


def deflated(payload: bytes, level: int = 6) -> bytes:
    """Return a payload compressed as a client may, by itself (section 7.2.1)."""
    compressor = zlib.compressobj(level, wbits=-15)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def compressed(opcode: int, payload: bytes, level: int = 6) -> bytes:
    """Return a compressed message in one frame."""
    return frame(opcode, deflated(payload, level), first=ALL | COMPRESSED)


def pieces(data: bytes, count: int) -> list[bytes]:
    """Cut a string into so many pieces."""
    size = len(data) // count + 1
    return [data[size * place : size * (place + 1)] for place in range(count)]


def in_fragments(opcode: int, payload: bytes, count: int) -> bytes:
    """Return a compressed message in fragments, of which the first says so."""
    first, *rest = pieces(deflated(payload), count)
    *middle, last = rest
    return b"".join(
        (
            frame(opcode, first, first=MORE | COMPRESSED),
            *(frame(CONTINUATION, piece, first=MORE) for piece in middle),
            frame(CONTINUATION, last),
        )
    )


def _messages() -> Iterator[Row]:
    for kind, opcode in (("text", TEXT), ("binary", BINARY)):
        for size in (0, 1, 126, 5000, LARGEST_MESSAGE):
            payload = b"*" * size
            answer = echoed(opcode, payload)
            yield Row(f"compressed {kind} of {size} bytes", "7.2.2", compressed(opcode, payload), answer)
        yield Row(f"{kind} as it is", "6", frame(opcode, b"plain"), echoed(opcode, b"plain"))
        for count in (2, 3, 7):
            payload = b"".join(b"%d " % number for number in range(300))
            yield Row(
                f"compressed {kind} in {count} fragments",
                "6.1",
                in_fragments(opcode, payload, count),
                echoed(opcode, payload),
            )
    stored = compressed(TEXT, b"stored", level=0)
    yield Row("not compressible", "7.2.3.3", stored, echoed(TEXT, b"stored"))
    yield Row("an empty block", "7.2.3.6", frame(TEXT, b"\0", first=ALL | COMPRESSED), echoed(TEXT, b""))
    ended = zlib.compress(b"ended", wbits=-15) + b"\0"
    yield Row(
        "a final block, then an empty one",
        "7.2.3.4",
        frame(TEXT, ended, first=ALL | COMPRESSED),
        echoed(TEXT, b"ended"),
    )
    yield Row(
        "compressed, plain, fragments, compressed",
        "6",
        compressed(TEXT, b"1") + frame(TEXT, b"2") + fragments(BINARY, b"3", b"3") + compressed(TEXT, b"4"),
        echoed(TEXT, b"1") + echoed(TEXT, b"2") + echoed(BINARY, b"33") + echoed(TEXT, b"4"),
    )
    first, second = pieces(deflated(b"abc" * 99), 2)
    yield Row(
        "ping between fragments",
        "6.1",
        frame(TEXT, first, first=MORE | COMPRESSED) + frame(PING, b"ping") + frame(CONTINUATION, second),
        echoed(PONG, b"ping") + echoed(TEXT, b"abc" * 99),
    )


def _faults() -> Iterator[Row]:
    for kind, opcode, payload in (("ping", PING, b""), ("pong", PONG, b""), ("close", CLOSE, b"\x03\xe8")):
        yield Row(f"compressed {kind}", "6.1", frame(opcode, payload, first=ALL | COMPRESSED), code=1002)
    yield Row(
        "continuation that says it is compressed",
        "6.1",
        frame(TEXT, deflated(b"abc"), first=MORE | COMPRESSED)
        + frame(CONTINUATION, b"", first=ALL | COMPRESSED),
        code=1002,
    )
    yield Row(
        "continuation of a plain message that says it is compressed",
        "6.1",
        frame(TEXT, b"abc", first=MORE) + frame(CONTINUATION, deflated(b"d"), first=ALL | COMPRESSED),
        code=1002,
    )
    for bits in (0x10, 0x20, 0x50, 0x60, 0x70):
        yield Row(f"reserved bits {bits:#x}", "6", frame(TEXT, deflated(b"a"), first=ALL | bits), code=1002)
    for name, rubbish in (("a block of no kind", b"\x07"), ("a wrong length", b"\0\1\0\1\0a")):
        yield Row(name, "7.2.2", frame(TEXT, rubbish, first=ALL | COMPRESSED), code=1007)
    yield Row(
        "rubbish after a good one",
        "7.2.2",
        compressed(TEXT, b"good") + frame(TEXT, b"\xff" * 99, first=ALL | COMPRESSED),
        echoed(TEXT, b"good"),
        1007,
    )
    yield Row("compressed, and no UTF-8", "8.1 of RFC 6455", compressed(TEXT, b"\xff"), code=1007)
    yield Row("plain, and no UTF-8", "8.1 of RFC 6455", frame(TEXT, b"\xff"), code=1007)
    for size in (LARGEST_MESSAGE + 1, 2**24):
        bomb = b"*" * size
        yield Row(f"{size} bytes once inflated", "8", compressed(TEXT, bomb), code=1009)
        yield Row(f"{size} bytes once inflated, in fragments", "8", in_fragments(TEXT, bomb, 3), code=1009)
    yield Row("closed", "5.5.1 of RFC 6455", compressed(TEXT, b"a") + closing(1000), echoed(TEXT, b"a"), 1000)


TABLE = (*_messages(), *_faults())
