"""A connection that the test writes to the kernel by hand, and its other end."""

from __future__ import annotations

import select
import socket
from typing import Any, cast

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Connection, Port, Server
from twisted.internet.testing import MemoryReactor, MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase


class Sending:
    """
    A connection without a reactor.

    :ivar connection: The connection; the kernel takes about 9 KB of it.
    :ivar reactor: Where it says that it waits for the kernel.
    """

    def __init__(self, test: SynchronousTestCase) -> None:
        ours, self._theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
        self._theirs.settimeout(0)
        test.addCleanup(ours.close)
        test.addCleanup(self._theirs.close)
        self.reactor = MemoryReactor()
        self.connection = Connection(ours, Protocol(), self.reactor)
        self.connection.connected = 1

    def write(self, size: int) -> None:
        """Let so many bytes wait."""
        self.connection.write(bytes(size))

    def flush(self) -> None:
        """Give the kernel what it takes, as the reactor does."""
        self.connection.doWrite()

    def read(self, size: int) -> bytes:
        """Take up to so many bytes at the other end, of those that the kernel has."""
        try:
            return self._theirs.recv(size)
        except BlockingIOError:
            return b""

    def read_all(self) -> bytes:
        """Take all that comes, until there is no more."""
        taken = []
        while data := self.read(2**20):
            taken.append(data)
            self.flush()
        return b"".join(taken)

    def leave(self) -> None:
        """Close the other end."""
        self._theirs.close()


class CountingSocket:
    """
    A socket that counts what it is told to send.

    :ivar sends: How many bytes there were at each call.
    """

    def __init__(self, below: socket.socket) -> None:
        self._below = below
        self.sends: list[int] = []

    def send(self, data: bytes) -> int:
        """Send what the kernel takes."""
        self.sends.append(len(data))
        return self._below.send(data)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self._below, name)


class CountingReactor(MemoryReactorClock):
    """
    A reactor that does nothing.

    :ivar asked: How often it was told what to wait for, each of which is a call of epoll.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def _count(self, _: object) -> None:
        self.asked += 1

    addReader = removeReader = addWriter = removeWriter = _count


class Loopback:
    """
    A TCP connection of this machine, which the test tells to read and to write.

    :ivar connection: The server's end.
    :ivar socket: Its socket.
    :ivar reactor: Counts what its end asks for.
    """

    def __init__(self, test: SynchronousTestCase, reactor: CountingReactor | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self._theirs = socket.create_connection(listening.getsockname())
            ours, self._address = listening.accept()
        self._theirs.settimeout(5)
        test.addCleanup(ours.close)
        test.addCleanup(self._theirs.close)
        self.reactor = reactor or CountingReactor()
        self.socket = CountingSocket(ours)

    def accept(self, factory: Factory) -> None:
        """Let a factory have the server's end, as a port does."""
        protocol = cast("Protocol", factory.buildProtocol(None))
        below, port = cast("socket.socket", self.socket), cast("Port", None)
        self.connection = Server(below, protocol, self._address, port, 0, self.reactor)
        protocol.makeConnection(self.connection)

    def put(self, data: bytes) -> None:
        """Send from the other end, and wait until it has arrived."""
        self._theirs.sendall(data)
        select.select([self.connection.fileno()], [], [], 5)

    def say(self, data: bytes) -> None:
        """Send from the other end, and let the protocol have it."""
        self.put(data)
        self.connection.doRead()

    def flush(self) -> None:
        """Give the kernel what waits, as the reactor does."""
        self.connection.doWrite()

    def read(self, size: int) -> bytes:
        """Return so many bytes that came to the other end."""
        return self._theirs.recv(size, socket.MSG_WAITALL)

    def nothing_came(self) -> bool:
        """Whether nothing has come to the other end that was not read."""
        return not select.select([self._theirs], [], [], 0)[0]
