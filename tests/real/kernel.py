"""What Linux tells of a process, and of the sockets of this one."""

from __future__ import annotations

import fcntl
import re
import socket
import sys
import termios
from pathlib import Path

_ESTABLISHED = 1


def memory(pid: int, which: str = "VmRSS") -> int:
    """
    Return how many bytes of memory a process has.

    :param which: ``VmRSS`` for now, ``VmHWM`` for the most that it ever had.
    """
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(rf"^{which}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found, status
    return int(found[1]) * 1024


def unread_bytes(connection: socket.socket) -> int:
    """Return how many bytes came that were not read yet (SIOCINQ of tcp(7))."""
    return int.from_bytes(fcntl.ioctl(connection, termios.FIONREAD, bytes(4)), sys.byteorder)


def is_established(connection: socket.socket) -> bool:
    """Return whether neither end has closed a connection, also when nobody reads it (TCP_INFO of tcp(7))."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _ESTABLISHED
