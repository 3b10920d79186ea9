"""What a client may send, and what RFC 6455 demands for an answer."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import attrs

from tests.websocket.peer import BINARY, CLOSE, PING, PONG, TEXT, frame

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

CONTINUATION = 0
LARGEST_MESSAGE = 65_536
"""The limit of the server that the table is for."""

MORE = 0
"""The first bits of a frame that is not the last of its message."""


@attrs.frozen
class Row:
    """
    One thing that a client sends, and the answer of an echo.

    :ivar section: The section of the RFC that says so.
    :ivar sent: The client's bytes after the opening handshake.
    :ivar answer: All that the server sends before it closes.
    :ivar code: The code it closes with, or None when it does not.
    """

    name: str
    section: str
    sent: bytes
    answer: bytes = b""
    code: int | None = None


def echoed(opcode: int, payload: bytes) -> bytes:
    """Return a frame of the server."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + payload


def masked(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """Return a short frame of a client with a mask that changes the payload."""
    changed = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((0x80 | opcode, 0x80 | len(payload))) + mask + changed


def unmasked(opcode: int, payload: bytes) -> bytes:
    """Return a frame as only servers may send it."""
    return echoed(opcode, payload)


def head(opcode: int, size: int, width: int, *, first: int = 0x80) -> bytes:
    """Return the head of a masked frame that announces a size in so many bytes."""
    return bytes((first | opcode, 0x80 | {2: 126, 8: 127}[width])) + size.to_bytes(width) + bytes(4)


def fragments(opcode: int, *payloads: bytes) -> bytes:
    """Return a message that is cut into frames."""
    first, *middle, last = payloads
    return b"".join(
        (
            frame(opcode, first, first=MORE),
            *(frame(CONTINUATION, payload, first=MORE) for payload in middle),
            frame(CONTINUATION, last),
        )
    )


def closing(code: int, reason: bytes = b"") -> bytes:
    """Return a client's close frame."""
    return frame(CLOSE, code.to_bytes(2) + reason)


def _framing() -> Iterator[Row]:
    for size in (0, 1, 125, 126, 127, 128, 255, 256, 1000):
        for kind, opcode in (("text", TEXT), ("binary", BINARY)):
            payload = b"*" * size
            yield Row(f"{kind} of {size} bytes", "5.2", frame(opcode, payload), echoed(opcode, payload))
    for kind, opcode, size in (("text", TEXT, 65_535), ("binary", BINARY, 65_536)):
        payload = b"*" * size
        yield Row(f"{kind} of {size} bytes", "5.2", frame(opcode, payload), echoed(opcode, payload))
    for mask in (b"\xff\xff\xff\xff", b"\x37\xfa\x21\x3d", b"\0\0\0\1"):
        yield Row(
            f"mask {mask.hex()}", "5.3", masked(TEXT, b"Hello, mask", mask), echoed(TEXT, b"Hello, mask")
        )
    for first, second in ((TEXT, BINARY), (BINARY, TEXT), (TEXT, TEXT)):
        yield Row(
            f"opcode {second} after {first}",
            "5.6",
            frame(first, b"one") + frame(second, b"two"),
            echoed(first, b"one") + echoed(second, b"two"),
        )
    yield Row("every byte", "5.6", frame(BINARY, bytes(range(256))), echoed(BINARY, bytes(range(256))))
    for kind, opcode in (
        ("text", TEXT),
        ("binary", BINARY),
        ("ping", PING),
        ("pong", PONG),
        ("close", CLOSE),
    ):
        payload = b"\x03\xe8" if opcode == CLOSE else b"payload"
        yield Row(f"unmasked {kind}", "5.1", unmasked(opcode, payload), code=1002)
    yield Row("unmasked and empty", "5.1", unmasked(TEXT, b""), code=1002)
    yield Row(
        "unmasked after a good one",
        "5.1",
        frame(TEXT, b"good") + unmasked(TEXT, b"bad"),
        echoed(TEXT, b"good"),
        1002,
    )
    yield Row("half a head", "5.2", b"\x81")
    yield Row("half a frame", "5.2", b"\x81\x85\0\0\0\0")
    yield Row("half a payload", "5.2", b"\x81\x85\0\0\0\0He")


def _lengths() -> Iterator[Row]:
    for size in (0, 1, 125):
        yield Row(f"{size} bytes in a 16 bit length", "5.2", head(BINARY, size, 2) + bytes(size), code=1002)
    for size in (0, 125, 126, 65_535):
        yield Row(f"{size} bytes in a 64 bit length", "5.2", head(BINARY, size, 8), code=1002)
    for size in (2**63, 2**64 - 1):
        yield Row(f"length {size:#x}", "5.2", head(BINARY, size, 8), code=1002)
    for size in (LARGEST_MESSAGE + 1, 2**32, 2**63 - 1):
        for kind, opcode in (("text", TEXT), ("binary", BINARY)):
            yield Row(f"{kind} that announces {size} bytes", "10.4", head(opcode, size, 8), code=1009)
    yield Row(
        "fragment that announces too much",
        "10.4",
        frame(BINARY, b"x", first=MORE) + head(CONTINUATION, LARGEST_MESSAGE, 8),
        code=1009,
    )


def _reserved() -> Iterator[Row]:
    good, answer = frame(TEXT, b"good"), echoed(TEXT, b"good")
    for bits in range(1, 8):
        first = 0x80 | bits << 4
        yield Row(f"reserved bits {bits:03b}", "5.2", frame(TEXT, b"bad", first=first), code=1002)
        yield Row(
            f"reserved bits {bits:03b} after a good one",
            "5.2",
            good + frame(BINARY, b"bad", first=first),
            answer,
            1002,
        )
    for kind, opcode in (("ping", PING), ("pong", PONG)):
        yield Row(f"reserved bit in a {kind}", "5.2", frame(opcode, b"", first=0xC0), code=1002)
    yield Row("reserved bit in a close", "5.2", frame(CLOSE, b"\x03\xe8", first=0xA0), code=1002)
    yield Row(
        "reserved bit in a continuation",
        "5.2",
        frame(TEXT, b"a", first=MORE) + frame(CONTINUATION, b"b", first=0x90),
        code=1002,
    )
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield Row(f"opcode {opcode}", "5.2", frame(opcode, b""), code=1002)
        yield Row(
            f"opcode {opcode} with payload between good ones",
            "5.2",
            good + frame(opcode, b"payload") + good,
            answer,
            1002,
        )


def _pings() -> Iterator[Row]:
    every_byte = bytes(range(125))
    for name, payload in (
        ("empty", b""),
        ("text", b"Hello"),
        ("no text", b"\0\xff\xfe\xfd"),
        ("full", every_byte),
    ):
        yield Row(f"ping, {name}", "5.5.2", frame(PING, payload), echoed(PONG, payload))
        yield Row(f"pong that nobody asked for, {name}", "5.5.3", frame(PONG, payload))
    yield Row("ping of 126 bytes", "5.5", frame(PING, bytes(126)), code=1002)
    yield Row("pong of 126 bytes", "5.5", frame(PONG, bytes(126)), code=1002)
    yield Row("ping that announces 2^63-1 bytes", "5.5", head(PING, 2**63 - 1, 8), code=1002)
    yield Row("fragmented ping", "5.5", frame(PING, b"a", first=MORE), code=1002)
    yield Row("fragmented pong", "5.5", frame(PONG, b"a", first=MORE), code=1002)
    yield Row(
        "ten pings",
        "5.5.2",
        b"".join(frame(PING, b"%d" % number) for number in range(10)),
        b"".join(echoed(PONG, b"%d" % number) for number in range(10)),
    )
    yield Row(
        "ping after a message",
        "5.5.2",
        frame(TEXT, b"text") + frame(PING, b"ping"),
        echoed(TEXT, b"text") + echoed(PONG, b"ping"),
    )
    yield Row("pong, then ping", "5.5.3", frame(PONG, b"pong") + frame(PING, b"ping"), echoed(PONG, b"ping"))


def _fragments() -> Iterator[Row]:
    for kind, opcode in (("text", TEXT), ("binary", BINARY)):
        for payloads in ((b"a", b"b"), (b"", b""), (b"", b"x", b""), (b"a", b"", b"", b"b")):
            yield Row(
                f"{kind} in fragments of {[len(payload) for payload in payloads]}",
                "5.4",
                fragments(opcode, *payloads),
                echoed(opcode, b"".join(payloads)),
            )
    yield Row("64 fragments", "5.4", fragments(BINARY, *[b"x"] * 64), echoed(BINARY, b"x" * 64))
    yield Row(
        "two messages in fragments",
        "5.4",
        fragments(TEXT, b"a", b"b") + fragments(BINARY, b"c", b"d"),
        echoed(TEXT, b"ab") + echoed(BINARY, b"cd"),
    )
    yield Row(
        "ping between fragments",
        "5.4",
        frame(TEXT, b"a", first=MORE) + frame(PING, b"ping") + frame(CONTINUATION, b"b"),
        echoed(PONG, b"ping") + echoed(TEXT, b"ab"),
    )
    yield Row(
        "pings and a pong between fragments",
        "5.4",
        frame(BINARY, b"a", first=MORE)
        + frame(PING, b"1")
        + frame(CONTINUATION, b"b", first=MORE)
        + frame(PONG, b"2")
        + frame(PING, b"3")
        + frame(CONTINUATION, b"c"),
        echoed(PONG, b"1") + echoed(PONG, b"3") + echoed(BINARY, b"abc"),
    )
    yield Row("no last fragment", "5.4", frame(TEXT, b"a", first=MORE))
    for bits, end in ((0x80, "last"), (MORE, "more to come")):
        lonely = frame(CONTINUATION, b"lonely", first=bits)
        yield Row(f"continuation of nothing, {end}", "5.4", lonely, code=1002)
        yield Row(
            f"continuation after the end, {end}",
            "5.4",
            fragments(TEXT, b"a", b"b") + lonely,
            echoed(TEXT, b"ab"),
            1002,
        )
        for kind, opcode in (("text", TEXT), ("binary", BINARY)):
            yield Row(
                f"{kind} inside of a message, {end}",
                "5.4",
                frame(TEXT, b"a", first=MORE) + frame(opcode, b"b", first=bits),
                code=1002,
            )
    yield Row("close between fragments", "5.4", frame(TEXT, b"a", first=MORE) + closing(1000), code=1000)


GOOD_TEXTS = {
    "letters": b"Hello",
    "greek": "κόσμε".encode(),
    "many kinds": "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    "byte order mark": b"\xef\xbb\xbfHello",
    "combining": b"e\xcc\x81",
    **{
        f"U+{number:04X}": chr(number).encode()
        for number in (
            *(0x0000, 0x007F, 0x0080, 0x07FF, 0x0800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF),
            *(0x10000, 0x1FFFF, 0x10FFFE, 0x10FFFF),
        )
    },
}

BAD_TEXTS = {
    "lone continuation 80": b"\x80",
    "lone continuation BF": b"\xbf",
    "continuation after a letter": b"a\x80",
    "two continuations": b"\x80\xbf",
    "one continuation too many": b"\xc2\x80\x80",
    "overlong NUL": b"\xc0\x80",
    "overlong slash in 2": b"\xc0\xaf",
    "overlong 7F": b"\xc1\xbf",
    "overlong slash in 3": b"\xe0\x80\xaf",
    "overlong 7FF": b"\xe0\x9f\xbf",
    "overlong slash in 4": b"\xf0\x80\x80\xaf",
    "overlong FFFF": b"\xf0\x8f\xbf\xbf",
    "surrogate D800": b"\xed\xa0\x80",
    "surrogate DBFF": b"\xed\xaf\xbf",
    "surrogate DC00": b"\xed\xb0\x80",
    "surrogate DFFF": b"\xed\xbf\xbf",
    "pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "above 10FFFF": b"\xf4\x90\x80\x80",
    "F5": b"\xf5\x80\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "FE": b"\xfe",
    "FF": b"\xff",
    "start, then a letter": b"\xc2a",
    "3 bytes cut, then a letter": b"\xe2\x82a",
    "4 bytes cut, then a letter": b"\xf0\x9f\x98a",
    "two starts": b"\xc2\xc2\x80",
    "greek, then a surrogate": "κόσμε".encode() + b"\xed\xa0\x80edited",
}

CUT_TEXTS = {
    "2 bytes": b"\xc2",
    "3 bytes": b"\xe2\x82",
    "4 bytes": b"\xf0\x9f\x98",
    "after letters": b"abc\xce",
}
"""Good so far, but they must not end here."""


def _texts() -> Iterator[Row]:
    for name, text in GOOD_TEXTS.items():
        yield Row(f"good text, {name}", "8.1", frame(TEXT, text), echoed(TEXT, text))
        yield Row(
            f"good text in fragments of a byte, {name}",
            "5.6",
            fragments(TEXT, *(bytes((byte,)) for byte in text), b""),
            echoed(TEXT, text),
        )
    for name, text in BAD_TEXTS.items():
        yield Row(f"bad text, {name}", "8.1", frame(TEXT, text), code=1007)
        yield Row(f"bad text that would go on, {name}", "8.1", frame(TEXT, text, first=MORE), code=1007)
        yield Row(f"bad text as binary, {name}", "5.6", frame(BINARY, text), echoed(BINARY, text))
    for name, text in CUT_TEXTS.items():
        yield Row(f"text that ends within a character, {name}", "8.1", frame(TEXT, text), code=1007)
        yield Row(f"text cut within a character, {name}", "8.1", frame(TEXT, text, first=MORE))
        yield Row(
            f"text in fragments that ends within a character, {name}",
            "8.1",
            fragments(TEXT, text, b""),
            code=1007,
        )
    yield Row("bad text in the second fragment", "8.1", fragments(TEXT, b"good", b"\xff"), code=1007)
    yield Row(
        "character cut by a ping",
        "8.1",
        frame(TEXT, b"\xc3", first=MORE) + frame(PING, b"") + frame(CONTINUATION, b"\xa4"),
        echoed(PONG, b"") + echoed(TEXT, b"\xc3\xa4"),
    )
    yield Row("bad start of a long frame", "8.1", b"\x81\xfd" + bytes(4) + b"\xed\xa0", code=1007)
    yield Row("cut text, then another message", "8.1", frame(TEXT, b"\xc2") + frame(TEXT, b"\x80"), code=1007)


MAY_BE_SENT = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999)
MAY_NOT_BE_SENT = (0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)


def _closes() -> Iterator[Row]:
    yield Row("close without a code", "5.5.1", frame(CLOSE, b""), code=1000)
    for code in MAY_BE_SENT:
        yield Row(f"close {code}", "7.4", closing(code), code=1000)
    for code in MAY_NOT_BE_SENT:
        yield Row(f"close {code}", "7.4", closing(code), code=1002)
    yield Row("close with a reason", "5.5.1", closing(1000, b"enough"), code=1000)
    yield Row("close with the longest reason", "5.5.1", closing(1000, b"*" * 123), code=1000)
    yield Row("close with a long reason", "5.5", closing(1000, b"*" * 124), code=1002)
    yield Row("close with half a code", "5.5.1", frame(CLOSE, b"\x03"), code=1002)
    yield Row("fragmented close", "5.5", frame(CLOSE, b"\x03\xe8", first=MORE), code=1002)
    for name, text in GOOD_TEXTS.items():
        yield Row(f"close with a good reason, {name}", "5.5.1", closing(1000, text), code=1000)
    for name, text in (BAD_TEXTS | CUT_TEXTS).items():
        yield Row(f"close with a bad reason, {name}", "5.5.1", closing(1000, text), code=1007)
    yield Row("bad code and bad reason", "7.4", closing(1005, b"\xff"), code=1002)
    for name, more in (
        ("text", frame(TEXT, b"more")),
        ("ping", frame(PING, b"more")),
        ("close", closing(1001)),
        ("rubbish", bytes(range(256))),
        ("text without end", head(TEXT, 2**63 - 1, 8) + bytes(1000)),
    ):
        yield Row(f"{name} after close", "5.5.1", closing(1000) + more, code=1000)
    yield Row("close after text", "5.5.1", frame(TEXT, b"a") + closing(1000), echoed(TEXT, b"a"), 1000)
    yield Row("text after a failure", "7.1.7", frame(3, b"") + frame(TEXT, b"more"), code=1002)
    yield Row("ping after a failure", "7.1.7", frame(3, b"") + frame(PING, b"more"), code=1002)
    yield Row("second failure", "7.1.7", frame(3, b"") + unmasked(TEXT, b"more"), code=1002)
    yield Row("answer to a failure", "7.1.7", frame(3, b"") + closing(1002), code=1002)
    yield Row("ping without end after a failure", "7.1.7", head(PING, 2**62, 8) + bytes(1000), code=1002)


TABLE = (
    *_framing(),
    *_lengths(),
    *_reserved(),
    *_pings(),
    *_fragments(),
    *_texts(),
    *_closes(),
)
