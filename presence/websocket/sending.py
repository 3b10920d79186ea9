"""
How bytes leave a connection: one way, to many and to one.

Where nothing waits, they go straight to the kernel. ``transport.write`` costs two to three times
as much: two calls of epoll, a turn of the reactor and a join.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from functools import cached_property

from twisted.internet.interfaces import ITransport
from zope.interface import implementer

from presence.interfaces import Frame, IOutlet
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
_pack_short_head = struct.Struct("!BB").pack
_pack_head = struct.Struct("!BBH").pack
_pack_long_head = struct.Struct("!BBQ").pack


def text_frame(payload: bytes, first: int = _TEXT) -> bytes:
    """Return the frame of a text, as a server sends it."""
    size = len(payload)
    if size < _TWO_BYTES_FOLLOW:
        return _pack_short_head(first, size) + payload
    if size < 2**16:
        return _pack_head(first, _TWO_BYTES_FOLLOW, size) + payload
    return _pack_long_head(first, _EIGHT_BYTES_FOLLOW, size) + payload


class SharedFrame:
    """
    A text in the frames in which it goes to any number of connections, each made once.

    :ivar plain: The frame for those who did not agree to compression.
    """

    def __init__(self, text: bytes) -> None:
        self.plain = text_frame(text)
        self._text = text

    @cached_property
    def deflated(self) -> bytes:
        """The frame for those who did; small ones are not compressed."""
        small = len(self._text) < LEAST_BYTES
        return self.plain if small else text_frame(deflate(self._text), _COMPRESSED_TEXT)


@implementer(IOutlet)
class Outlet:
    """
    What goes out on one connection, in its order.

    While nothing at all stands in the way of a frame, there is a socket to give it to
    (``_straight``). Whatever comes between takes that away, and the next that the kernel took
    as a whole brings it back. So nobody else may write to the transport.

    :param direct: Whether to go past the transport where nothing waits in it.
    :ivar put: Is called with a frame that cannot go straight and how much of it has gone, and
        returns whether the frame is taken, until the end; who offers frames has to set it.
    :ivar deflates: Whether the other end agreed to compression.
    :ivar paused: Whether the other end reads more slowly than it is written to.
    :ivar closed: Whether no frame is taken any more.
    """

    __slots__ = (
        "_connection",
        "_held",
        "_held_bytes",
        "_straight",
        "_transport",
        "closed",
        "deflates",
        "paused",
        "put",
    )

    put: Callable[[bytes, int], bool]

    def __init__(self, transport: ITransport, *, direct: bool) -> None:
        self._transport = transport
        self._connection = find_plain_socket(transport) if direct else None
        self._straight: socket.socket | None = None
        self._held: list[bytes] | None = None
        self._held_bytes = 0
        self.deflates = self.paused = self.closed = False

    @property
    def direct(self) -> bool:
        """Whether it goes past the transport."""
        return self._connection is not None

    def pause(self) -> None:
        """Note that the other end reads too slowly."""
        self.paused = True
        self._straight = None

    def resume(self) -> None:
        """Note that the other end has caught up."""
        self.paused = False

    def close(self) -> None:
        """Take no frames any more."""
        self.closed = True
        self._straight = None
        self.put = _refuse

    def offer(self, frame: Frame) -> bool:
        """Send a frame; return whether it is taken."""
        shared: SharedFrame = frame  # type: ignore[assignment]  # there is no other; cast() takes time
        return self.pass_on(shared.deflated if self.deflates else shared.plain)

    def pass_on(self, data: bytes) -> bool:
        """Send the bytes of a frame; return whether they are taken."""
        sent = 0
        if self._straight is not None:
            try:
                sent = self._straight.send(data)
            except OSError:
                self._straight = None  # the reactor finds out by itself
            if sent == len(data):
                return True
        return self.put(data, sent)

    def hold(self) -> None:
        """Keep together what is sent from now on, until it is released or a lot."""
        self._straight = None
        self._held = []
        self._held_bytes = 0

    def release(self) -> None:
        """Send what was held."""
        held, self._held = self._held, None
        if held:
            self.send(b"".join(held))

    def send(self, data: bytes, sent: int = 0) -> None:
        """Send a frame of which so many bytes have gone, or hold it."""
        if self._held is not None:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes > MOST_HELD:
                # The transport has to see it, or it would never say that it is too much.
                self.release()
                self.hold()
            return
        if self._connection is not None:
            sent = sent or send_at_once(self._connection, data)
        if sent < len(data):
            self._straight = None
            self._transport.write(data[sent:])
        elif not (self.paused or self.closed or self._connection is None):
            self._straight = self._connection.socket

    def send_last(self, data: bytes) -> None:
        """Send what was held, and this after it; then the transport may be closed."""
        self.send(data)
        self.release()


def _refuse(data: bytes, sent: int = 0) -> bool:  # noqa: ARG001 - as of any other `put`
    return False
