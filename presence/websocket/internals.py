"""
What is used of other libraries beside what they promise, and nothing else.

Each part names the place upstream that it follows, and does without where it is not so.
"""

from __future__ import annotations

import fcntl
import sys
import termios

import attrs
from twisted.internet.tcp import Connection


@attrs.frozen
class Waiting:
    """
    What waits to be sent at one moment; a different one later means that the other end took bytes.

    :ivar chunk: What the reactor hands to the kernel at present. ``doWrite`` in
        ``twisted.internet.abstract`` makes a new one whenever it adds to it, so two of the
        same size are told apart by being two objects.
    :ivar offset: How much of it the kernel has.
    :ivar in_kernel: How many bytes the kernel has that the other end has not confirmed.
    """

    chunk: bytes = attrs.field(default=b"", eq=id, repr=False)
    offset: int = 0
    in_kernel: int = 0

    @property
    def held_up(self) -> bool:
        """Whether the kernel was offered bytes and refused them."""
        return self.offset < len(self.chunk)


def find_socket(transport: object) -> Connection | None:
    """
    Return the connection below a transport, or None for those that have no socket.

    TLS and PROXY headers are a ``ProtocolWrapper`` of ``twisted.protocols.policies``,
    which keeps what it wraps as its ``transport``. None of them holds data back for longer
    than a turn of the reactor, but for a TLS handshake.
    """
    while transport is not None and not isinstance(transport, Connection):
        transport = getattr(transport, "transport", None)
    return transport


def look_at(connection: Connection) -> Waiting:
    """Return what waits to be sent by a connection that is not lost."""
    return Waiting(connection.dataBuffer, connection.offset, _in_kernel(connection))


def _in_kernel(connection: Connection) -> int:
    # SIOCOUTQ of tcp(7) and unix(7), which is the same number as TIOCOUTQ. Without it a slow
    # reader seems to stand still for minutes: the kernel asks for more only when a third of
    # its megabytes is free, and three quarters on a UNIX socket.
    try:
        answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int.from_bytes(answer, sys.byteorder)
