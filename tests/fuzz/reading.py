"""
What the bytes of a WebSocket mean, by :rfc:`6455` and without any library for it.

It reads both directions: a client's bytes as a server has to take them, and a server's bytes,
which have to be faultless.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import attrs

MOST_FRAGMENTS = 64


class Opcode(IntEnum):
    """The kinds of frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


@attrs.frozen
class Read:
    """
    A message or a control frame that arrived whole, or the end of all reading.

    :ivar opcode: CLOSE also for what forces the reader to close.
    :ivar code: The close code to answer with; None for a close to which any answer is right.
    """

    opcode: Opcode
    payload: bytes = b""
    code: int | None = None


_KNOWN = frozenset(Opcode)


class Violation(Exception):  # noqa: N818 - of the RFC
    """Nothing more can be read; the argument is the close code that the RFC demands."""


class Utf8:
    """Checks text as it comes; Python's decoder sees a surrogate only one byte too late."""

    def __init__(self) -> None:
        self._due: list[range] = []

    def check(self, data: bytes) -> None:
        """Check some more."""
        for byte in data:
            if self._due:
                if byte not in self._due.pop(0):
                    raise Violation(1007)
            elif byte >= 0x80:
                self._due = next((due.copy() for leads, due in _AFTER if byte in leads), [])
                if not self._due:
                    raise Violation(1007)

    def end(self) -> None:
        """Check that nothing is missing."""
        if self._due:
            raise Violation(1007)


_ANY = range(0x80, 0xC0)
_AFTER = (  # RFC 3629, section 4
    (range(0xC2, 0xE0), [_ANY]),
    ([0xE0], [range(0xA0, 0xC0), _ANY]),
    ([0xED], [range(0x80, 0xA0), _ANY]),
    (range(0xE1, 0xF0), [_ANY, _ANY]),
    ([0xF0], [range(0x90, 0xC0), _ANY, _ANY]),
    (range(0xF1, 0xF4), [_ANY, _ANY, _ANY]),
    ([0xF4], [range(0x80, 0x90), _ANY, _ANY]),
)


class ClientReader:
    """
    Reads what a client sends.

    :param largest: How many bytes a message may have.
    :ivar ended: Whether nothing more is read.
    """

    def __init__(self, largest: int) -> None:
        self.ended = False
        self._largest = largest
        self._bytes = b""
        self._reading = self._read_frames()
        next(self._reading)

    def read(self, data: bytes) -> list[Read]:
        """Return what is complete now."""
        self._bytes += data
        found: list[Read] = []
        while not self.ended:
            try:
                item = next(self._reading)
            except Violation as violation:
                item = Read(Opcode.CLOSE, code=violation.args[0])
            if item is None:
                break
            found.append(item)
            self.ended = item.opcode is Opcode.CLOSE
        return found

    def _read_frames(self) -> Iterator[Read | None]:
        yield None
        message: list[bytes] | None = None
        fragments = size = 0
        kind = Opcode.TEXT
        text = Utf8()
        while True:
            yield from self._wait(2)
            first, second = self._take(2)
            opcode, fin, short = first & 0x0F, bool(first & 0x80), second & 0x7F
            _check_head(first, second, inside=message is not None)
            wide = {126: 2, 127: 8}.get(short, 0)
            yield from self._wait(wide + 4)
            length = int.from_bytes(self._take(wide)) if wide else short
            if (wide and length < (126 if wide == 2 else 65536)) or length >= 1 << 63:
                raise Violation(1002)
            key = self._take(4)
            if opcode >= Opcode.CLOSE:
                yield from self._wait(length)
                yield _control(Opcode(opcode), mask(self._take(length), key))
                continue
            if message is None:
                message, fragments, size, kind = [], 0, 0, Opcode(opcode)
                text = Utf8()
            fragments, size = fragments + 1, size + length
            if fragments > MOST_FRAGMENTS or size > self._largest:
                raise Violation(1009)
            done = 0
            while done < length:
                yield from self._wait(1)
                part = self._take(min(len(self._bytes), length - done))
                message.append(mask(part, key[done % 4 :] + key[: done % 4]))
                done += len(part)
                if kind is Opcode.TEXT:
                    text.check(message[-1])
            if fin:
                if kind is Opcode.TEXT:
                    text.end()
                yield Read(kind, b"".join(message), 1003 if kind is Opcode.BINARY else None)
                message = None

    def _wait(self, size: int) -> Iterator[None]:
        while len(self._bytes) < size:
            yield None

    def _take(self, size: int) -> bytes:
        taken, self._bytes = self._bytes[:size], self._bytes[size:]
        return taken


def _check_head(first: int, second: int, *, inside: bool) -> None:
    opcode, fin, short = first & 0x0F, bool(first & 0x80), second & 0x7F
    wrong = first & 0x70 or not second & 0x80 or opcode not in _KNOWN
    if opcode >= Opcode.CLOSE:
        wrong = wrong or not fin or short > 125 or (opcode == Opcode.CLOSE and short == 1)
    else:
        wrong = wrong or inside == (opcode != Opcode.CONTINUATION)
    if wrong:
        raise Violation(1002)


def _control(opcode: Opcode, payload: bytes) -> Read:
    if opcode is Opcode.CLOSE and payload:
        code = int.from_bytes(payload[:2])
        if not (code in {1000, 1001, 1002, 1003, *range(1007, 1015)} or 3000 <= code < 5000):
            raise Violation(1002)
        text = Utf8()
        text.check(payload[2:])
        text.end()
    return Read(opcode, payload)


def mask(data: bytes, key: bytes) -> bytes:
    """Mask or unmask bytes."""
    size = len(data)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data) ^ int.from_bytes(keys)).to_bytes(size)


def read_server(data: bytes) -> list[tuple[Opcode, bytes]]:
    """Return a server's frames; each has to be whole and faultless."""
    found = []
    while data:
        first, size = data[0], data[1]
        assert first & 0xF0 == 0x80, f"a server's frame begins with {first:#x}"
        start = 2 + {126: 2, 127: 8}.get(size, 0)
        if start > 2:
            size = int.from_bytes(data[2:start])
            assert size >= (126 if start == 4 else 65536), "a length that is not the shortest"
        payload, data = data[start : start + size], data[start + size :]
        assert len(payload) == size, "a frame is cut off"
        found.append((_check_server_frame(Opcode(first & 0x0F), payload), payload))
    return found


def _check_server_frame(opcode: Opcode, payload: bytes) -> Opcode:
    assert opcode not in {Opcode.CONTINUATION, Opcode.BINARY}
    assert opcode is Opcode.TEXT or len(payload) <= 125
    if opcode is Opcode.CLOSE:
        assert len(payload) != 1
        payload = payload[2:]
    if opcode in {Opcode.TEXT, Opcode.CLOSE}:
        payload.decode()
    return opcode
