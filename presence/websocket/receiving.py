"""
The short way for what clients send most: a small text in one whole frame.

Whatever else comes goes to Autobahn, and so does a frame in which anything is wrong.
"""

from __future__ import annotations

import struct

_TEXT = 0x81
"""FIN and the opcode of a text frame, no reserved bits (:rfc:`6455`, section 5.2)."""

_MASKED = 0x80

_LONG = _MASKED + 126
"""Says that two bytes with the length follow."""

_head = struct.Struct("!BBH4s")
"""What such a long text begins with; of a shorter one the mask stands where the length does."""

LONGEST_SHORT_TEXT = 4096
"""How many bytes a text may have; unmasking a longer one is cheaper in Autobahn's native code."""


def read_text(data: bytes, start: int, most: int) -> tuple[bytes, int] | None:
    """
    Return the text of the frame that starts there and where the next one does, or None.

    A text at the end of the data is read if it has two bytes, which is the least that a request has.

    :param most: The largest text to read.
    """
    if len(data) < start + _head.size:
        return None
    first, second, size, mask = _head.unpack_from(data, start)
    head = start + _head.size
    if second < _LONG:
        size, mask = second - _MASKED, data[start + 2 : start + 6]
        head -= 2
    elif second > _LONG or size < _LONG - _MASKED:  # no length may be written longer than it has to be
        return None
    end = head + size
    if first != _TEXT or not 0 <= size <= most or end > len(data):
        return None
    mask = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(data[head:end], "little")
    text = (masked ^ int.from_bytes(mask, "little")).to_bytes(size, "little")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return None
    return text, end
