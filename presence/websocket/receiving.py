"""
The short way for what clients send most: a small text in one whole frame.

Whatever else comes goes to Autobahn, and so does a frame in which anything is wrong.
"""

from __future__ import annotations

_TEXT = 0x81
"""FIN and the opcode of a text frame, no reserved bits (:rfc:`6455`, section 5.2)."""

_MASKED = 0x80

LONGEST_SHORT_TEXT = 4096
"""How many bytes a text may have; unmasking a longer one is cheaper in Autobahn's native code."""


def read_text(data: bytes, start: int, most: int) -> tuple[bytes, int] | None:
    """
    Return the text of the frame that starts there and where the next one does, or None.

    :param most: The largest text to read.
    """
    head = start + 6
    if len(data) < head or data[start] != _TEXT or data[start + 1] < _MASKED:
        return None
    size = data[start + 1] - _MASKED
    if size >= 126:
        head += 2
        size = int.from_bytes(data[start + 2 : start + 4]) if size == 126 else 0
        if size < 126:  # a length that is not written as short as it can be is an error
            return None
    end = head + size
    if size > most or end > len(data):
        return None
    mask = data[head - 4 : head] * (size // 4 + 1)
    masked = int.from_bytes(data[head:end], "little")
    text = (masked ^ int.from_bytes(mask[:size], "little")).to_bytes(size, "little")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return None
    return text, end
