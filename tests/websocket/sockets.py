"""A connection that the test writes to the kernel by hand, and its other end."""

from __future__ import annotations

import socket

from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase


class Sending:
    """
    A connection without a reactor.

    :ivar connection: The connection; the kernel takes about 9 KB of it.
    """

    def __init__(self, test: SynchronousTestCase) -> None:
        ours, self._theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
        self._theirs.settimeout(0)
        test.addCleanup(ours.close)
        test.addCleanup(self._theirs.close)
        self.connection = Connection(ours, Protocol(), MemoryReactor())
        self.connection.connected = 1

    def write(self, size: int) -> None:
        """Let so many bytes wait."""
        self.connection.write(bytes(size))

    def flush(self) -> None:
        """Give the kernel what it takes, as the reactor does."""
        self.connection.doWrite()

    def read(self, size: int) -> None:
        """Take up to so many bytes at the other end, of those that the kernel has."""
        self._theirs.recv(size)
