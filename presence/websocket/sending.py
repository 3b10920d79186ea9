"""
How bytes leave a connection: one way, to many and to one.

Where nothing waits, they go straight to the kernel. ``transport.write`` costs two to three times
as much: two calls of epoll, a turn of the reactor and a join.
"""

from __future__ import annotations

import struct

from twisted.internet.interfaces import ITransport

from presence.websocket.compression import LEAST_BYTES, deflate
from presence.websocket.internals import find_plain_socket, send_at_once

MOST_HELD = 16 * 1024
"""How many bytes of replies are kept to be sent together."""

_TEXT = 0x81
"""FIN and the opcode of a text frame (:rfc:`6455`, section 5.2)."""

_COMPRESSED_TEXT = 0xC1
"""The same with RSV1, the bit of a compressed message (:rfc:`7692`, section 6)."""

_TWO_BYTES_FOLLOW = 126
_EIGHT_BYTES_FOLLOW = 127


def text_frame(payload: bytes, first: int = _TEXT) -> bytes:
    """Return the frame of a text, as a server sends it."""
    size = len(payload)
    if size < _TWO_BYTES_FOLLOW:
        return b"%c%c%b" % (first, size, payload)
    if size < 2**16:
        return struct.pack("!BBH", first, _TWO_BYTES_FOLLOW, size) + payload
    return struct.pack("!BBQ", first, _EIGHT_BYTES_FOLLOW, size) + payload


class SharedFrame:
    """
    A text in the frames in which it goes to any number of connections, each made once.

    :ivar plain: The frame for those who did not agree to compression.
    """

    __slots__ = ("_deflated", "_text", "plain")

    def __init__(self, text: bytes) -> None:
        self.plain = text_frame(text)
        self._text = text
        self._deflated: bytes | None = None

    @property
    def deflated(self) -> bytes:
        """The frame for those who did; small ones are not compressed."""
        if self._deflated is None:
            small = len(self._text) < LEAST_BYTES
            self._deflated = self.plain if small else text_frame(deflate(self._text), _COMPRESSED_TEXT)
        return self._deflated


class Outlet:
    """
    What goes out on one connection, in its order.

    :param direct: Whether to go past the transport where nothing waits in it.
    """

    __slots__ = ("_held", "_held_bytes", "_socket", "_transport")

    def __init__(self, transport: ITransport, *, direct: bool) -> None:
        self._transport = transport
        self._socket = find_plain_socket(transport) if direct else None
        self._held: list[bytes] | None = None
        self._held_bytes = 0

    @property
    def direct(self) -> bool:
        """Whether it goes past the transport."""
        return self._socket is not None

    def hold(self) -> None:
        """Keep together what is sent from now on, until it is released or a lot."""
        self._held = []
        self._held_bytes = 0

    def release(self) -> None:
        """Send what was held."""
        held, self._held = self._held, None
        if held:
            self.send(b"".join(held))

    def send(self, data: bytes) -> None:
        """Send a frame, or hold it."""
        if self._held is not None:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes > MOST_HELD:
                # The transport has to see it, or it would never say that it is too much.
                self.release()
                self.hold()
            return
        sent = 0 if self._socket is None else send_at_once(self._socket, data)
        if sent < len(data):
            self._transport.write(data[sent:])

    def send_last(self, data: bytes) -> None:
        """Send what was held, and this after it; then the transport may be closed."""
        self.send(data)
        self.release()
