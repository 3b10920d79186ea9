"""
Clients by the thousand.

They speak bytes, and look at no more of what they get than they have to: Autobahn's client
would be most of the load that a test of many clients makes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IConnector, IDelayedCall
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.internet.tcp import Client as Transport
from twisted.python.failure import Failure

from tests.real.crowd_api import token
from tests.websocket.peer import CLOSE, PING, PONG, TEXT, frame

Message = dict[str, Any]

_SHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

_THINKING_SECONDS = 0.05
"""How long an honest client pauses between two rounds."""


def take_frames(received: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the frames that came whole from a server, as opcodes and payloads."""
    while len(received) >= 2:
        size, start = received[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(received[2:start])
        end = start + size
        if len(received) < end:
            return
        opcode, payload = received[0] & 0x0F, bytes(received[start:end])
        del received[:end]
        yield opcode, payload


class NotEntered(Exception):  # noqa: N818 - what happened
    """A connection ended before its HELLO was accepted."""


class Client(Protocol):
    """
    A WebSocket that says HELLO, and again when it is told to come back with it later.

    :param broadcast: Whether it wants to be told the list of all who are online.
    :ivar entered: Fires when the HELLO was accepted; fails when the connection ends before.
    :ivar ended: Fires when the connection has ended.
    :ivar closed_with: The code of the daemon's close frame, once it was read.
    :ivar postponed: How often it was told to come back with its HELLO.
    """

    transport: Transport

    def __init__(self, user_id: int, *, broadcast: bool = True) -> None:
        self.user_id = user_id
        self.broadcast = broadcast
        self.entered: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self.closed_with: int | None = None
        self.postponed = 0
        self._received = bytearray()
        self._shaken = False
        self._later: IDelayedCall | None = None

    def say(self, message: Message) -> None:
        """Send a request."""
        self.transport.write(frame(TEXT, json.dumps(message).encode()))

    def hear(self, payload: bytes) -> None:
        """Take the daemon's word, which is neither the reply to a HELLO nor a refusal of one."""

    # Called by Twisted

    def connectionMade(self) -> None:
        """Begin to shake hands."""
        self.transport.setTcpNoDelay(True)
        self.transport.write(_SHAKE)

    def dataReceived(self, data: bytes) -> None:
        """Look at what came."""
        self._received += data
        if not self._shaken:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            assert self._received.startswith(b"HTTP/1.1 101 "), bytes(self._received)
            del self._received[: end + 4]
            self._shaken = True
            self._say_hello()
        for opcode, payload in take_frames(self._received):
            if opcode == TEXT:
                self._hear(payload)
            elif opcode == PING:
                self.transport.write(frame(PONG, payload))
            elif opcode == CLOSE:
                self.closed_with = int.from_bytes(payload[:2])
                self.transport.write(frame(CLOSE, payload))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say that it is over."""
        if self._later is not None:
            self._later.cancel()
        if not self.entered.called:
            self.entered.errback(NotEntered(f"{reason.getErrorMessage()}, with code {self.closed_with}"))
        self.ended.callback(None)

    def _say_hello(self) -> None:
        self._later = None
        who = {"userid": self.user_id, "accesstoken": token(self.user_id)}
        self.say({"type": "HELLO", "broadcast": self.broadcast, **who})

    def _hear(self, payload: bytes) -> None:
        if self.entered.called:
            self.hear(payload)
        elif payload.startswith(b'{"type":"OK"'):
            self.entered.callback(None)
        else:
            refusal = json.loads(payload)
            assert refusal["temporary"], refusal
            self.postponed += 1
            self._later = reactor.callLater(refusal["after"], self._say_hello)


class Witness(Client):
    """
    A client that looks at everything, and keeps it.

    :ivar told: The events that came, but for messages.
    """

    def __init__(self, user_id: int) -> None:
        super().__init__(user_id)
        self.told: list[Message] = []
        self._refs = count(1)
        self._awaited: dict[str, Deferred[Message]] = {}

    def ask(self, kind: str, **fields: object) -> Deferred[Message]:
        """Send a request; fires with the reply."""
        ref = f"{kind} {next(self._refs)}"
        self.say({"type": kind, "ref": ref, **fields})
        return self.expect(ref)

    def expect(self, name: str) -> Deferred[Message]:
        """Fire with a reply by its ref, or with a message by its key."""
        return self._awaited.setdefault(name, Deferred())

    def hear(self, payload: bytes) -> None:
        """Take everything."""
        message = json.loads(payload)
        if message["type"] in {"OK", "ERROR"}:
            self._awaited.pop(message["ref"]).callback(message)
        elif message["type"] == "message":
            self._awaited.pop(message["key"]).callback(message)
        else:
            self.told.append(message)


async def talk(friends: Sequence[Witness], end: Deferred[Any]) -> list[float]:
    """
    Let the first of two honest clients ask for a PING and write to the other, again and again.

    :param end: They stop when it has fired.
    :return: How many seconds each reply to a PING took, and each message until it arrived.
    """
    one, other = friends
    seconds: list[float] = []

    def note(message: Message, begun: float) -> Message:
        seconds.append(reactor.seconds() - begun)
        return message

    while not end.called:
        begun = reactor.seconds()
        key = f"message {len(seconds)}"
        awaited = [one.ask("PING"), other.expect(key)]
        sent = one.ask("sendMessageToUser", id=other.user_id, message=None, key=key)
        for arrival in awaited:
            arrival.addCallback(note, begun)
        await gatherResults([*awaited, sent])
        await deferLater(reactor, _THINKING_SECONDS)
    return seconds


class _Door(ClientFactory):
    noisy = False

    def __init__(self, client: Client) -> None:
        self._client = client

    def buildProtocol(self, _addr: object) -> Client:
        return self._client

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:  # noqa: ARG002 - Twisted's
        self._client.connectionLost(reason)


def connect(client: Client, port: int, receive_buffer: int | None = None) -> None:
    """
    Connect a client to a port of 127.0.0.1.

    :param receive_buffer: How many bytes the kernel keeps for it while it does not read.
    """
    connector: Any = reactor.connectTCP("127.0.0.1", port, _Door(client))
    if receive_buffer is not None:
        # The connection is made in a later turn, and the buffer is of use only before it.
        connector.transport.getHandle().setsockopt(SOL_SOCKET, SO_RCVBUF, receive_buffer)
