"""One connection of an attacker, who says bytes and reads frames."""

from __future__ import annotations

import json
from collections import deque
from contextlib import suppress
from itertools import count
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from tests.attacks.saying import text
from tests.websocket.peer import CLOSE, PING, PONG, TEXT, frame

Message = dict[str, Any]

SWITCHING_PROTOCOLS = 101

TOO_MANY = (None, 1008, 4508, 4529)
"""The codes for one who sends more than it may."""

NO_CODE = 1005
"""What stands for a close frame without a code (:rfc:`6455`, section 7.1.5)."""


class Over(Exception):  # noqa: N818 - what happened, and often what is wanted
    """
    Nothing more comes.

    :ivar code: The code of the daemon's close frame; None when it sent none.
    """

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the connection is over, with {code}")
        self.code = code


class Wire(Protocol):
    """
    A connection to the daemon, or what is left of one.

    Pings are answered, and close frames never.

    :ivar answers_pings: Whether they are.
    :ivar closed_with: The code of the daemon's close frame, once it was read.
    """

    def __init__(self) -> None:
        self.answers_pings = True
        self.closed_with: int | None = None
        self._received = bytearray()
        self._frames: deque[tuple[int, bytes]] = deque()
        self._has_shaken = False
        self._more: Deferred[None] | None = None
        self._host: object = None
        self._lost = False
        self._refs = count(1)

    # Called by Twisted

    def connectionMade(self) -> None:
        """Keep in mind where this end is."""
        self._host = self.tcp.getHost()

    def dataReceived(self, data: bytes) -> None:
        """Keep what came."""
        self._received += data
        self._cut()
        self._wake()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Keep in mind that nothing more comes."""
        del reason
        self._lost = True
        self._wake()

    # Saying

    def send(self, data: bytes) -> None:
        """Send bytes."""
        assert self.transport is not None
        self.transport.write(data)

    def begin(self, data: bytes) -> None:
        """Send the beginning of a frame, and nothing by itself from now on, which would not fit in."""
        self.answers_pings = False
        self.send(data)

    def say(self, *messages: object) -> None:
        """Send messages, those in bytes as they are, each in a frame and all of them at once."""
        self.send(b"".join(map(text, messages)))

    async def ask(self, kind: str, **fields: object) -> Message:
        """Send a request and return its reply; every other message is dropped."""
        ref = f"ref {next(self._refs)}"
        self.say({"type": kind, "ref": ref, **fields})
        while True:
            message = await self.message()
            if message.get("ref") == ref:
                return message

    # Behaving

    @property
    def tcp(self) -> Connection:
        """What is below TLS, or what there is without it."""
        transport = self.transport
        return cast(
            "Connection", transport.transport if isinstance(transport, TLSMemoryBIOProtocol) else transport
        )

    def stop_reading(self) -> None:
        """Leave everything that comes in the kernel's buffers."""
        self.tcp.pauseProducing()

    def is_other_end_of(self, connection: object) -> bool:
        """Return whether a connection of the daemon is this one."""
        return cast("Protocol", connection).transport.getPeer() == self._host  # type: ignore[union-attr]  # it has one

    def shrink(self) -> None:
        """Make the kernel's buffer of what comes as small as it can be."""
        self.tcp.getHandle().setsockopt(SOL_SOCKET, SO_RCVBUF, 1)

    def read_on(self) -> None:
        """Read again."""
        self.tcp.resumeProducing()

    def sip(self) -> None:
        """Take one byte of what waits, and lose it; for who does not read any more."""
        with suppress(OSError):
            self.tcp.getHandle().recv(1)

    def half_close(self) -> None:
        """Send a FIN, and read on, if it has not ended."""
        if not self._lost:
            self.tcp.loseWriteConnection()

    def bid_farewell(self) -> None:
        """End TLS, and nothing below it."""
        assert isinstance(self.transport, TLSMemoryBIOProtocol)
        self.transport._tlsConnection.shutdown()
        self.transport._flushSendBIO()

    def reset(self) -> None:
        """End by a RST, if it has not ended."""
        if not self._lost:
            self.tcp.abortConnection()

    # Hearing

    async def response(self) -> tuple[int, bytes]:
        """Return the status and the head of the answer to a handshake."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            await self._wait()
        head = bytes(self._received[:end])
        del self._received[: end + 4]
        status = int(head.split()[1])
        self._has_shaken = status == SWITCHING_PROTOCOLS
        self._cut()
        return status, head

    async def refused(self, *statuses: int) -> bytes:
        """Return the head of an answer that refuses the handshake, and whose connection ends."""
        status, head = await self.response()
        assert status in statuses, f"{status} is not among {statuses}"
        await self.ends()
        return head

    async def frame(self) -> tuple[int, bytes]:
        """Return the opcode and the payload of the next frame."""
        while not self._frames:
            await self._wait()
        return self._frames.popleft()

    async def text(self) -> bytes:
        """Return the next message as it came; raise :class:`Over` when there is none."""
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                raise Over(self.closed_with)
            if opcode == TEXT:
                return payload

    async def message(self) -> Message:
        """Return the next message."""
        return cast("Message", json.loads(await self.text()))

    async def reply(self) -> Message:
        """Return the next reply; events are dropped."""
        while True:
            message = await self.message()
            if message["type"] in {"OK", "ERROR"}:
                return message

    async def hears(self, *codes: str) -> None:
        """Assert that the next replies are these: codes of errors, or OK."""
        for code in codes:
            reply = await self.reply()
            heard = reply.get("code", "OK")
            assert heard == code, f"{heard} instead of {code}"

    async def is_served(self) -> None:
        """Assert that the connection is as good as ever."""
        assert (await self.ask("PING"))["type"] == "OK"

    async def is_served_or_closed(self) -> None:
        """Assert that a request is answered, or the connection closed because of too much before it."""
        try:
            await self.is_served()
        except Over as over:
            assert over.code in TOO_MANY, f"it was closed with {over.code}"  # noqa: PT017 - see closes

    async def until_served(self) -> list[Message]:
        """Return what comes until a request of now is answered."""
        self.say({"type": "PING", "ref": "now"})
        came: list[Message] = []
        while not came or came[-1].get("ref") != "now":
            came.append(await self.message())
        return came

    async def is_limited(self) -> None:
        """Assert that requests are refused because they are too many, and the connection at last."""
        limited = False
        try:
            while True:
                limited |= (await self.reply()).get("code") == "rate_limited"
        except Over as over:
            assert limited, "no request was refused"
            assert over.code == 4529, f"it was closed with {over.code}"  # noqa: PT017 - see closes

    async def closes(self, *codes: int | None) -> None:
        """Assert that the daemon closes, with one of these codes; None for no close frame at all."""
        try:
            while True:
                await self.message()
        except Over as over:
            assert over.code in codes, f"{over.code} is not among {codes}"  # noqa: PT017 - whatever comes before it

    async def rest(self) -> bytes:
        """Return whatever comes until the connection has ended."""
        while not self._lost:
            await self._wait()
        return bytes(self._received)

    async def ends(self) -> None:
        """Wait until the connection has ended, whatever comes."""
        while not self._lost:
            await self._wait()

    def _cut(self) -> None:
        start = 0
        while self._has_shaken and (found := _frame_at(self._received, start)) is not None:
            opcode, payload, start = found
            if opcode == PING and self.answers_pings:
                self.send(frame(PONG, payload))
            if opcode == CLOSE:
                self.closed_with = int.from_bytes(payload[:2]) if payload else NO_CODE
            self._frames.append((opcode, payload))
        del self._received[:start]

    async def _wait(self) -> None:
        if self._lost:
            raise Over(self.closed_with)
        self._more = Deferred()
        await self._more

    def _wake(self) -> None:
        waiting, self._more = self._more, None
        if waiting is not None:
            waiting.callback(None)


def _frame_at(data: bytearray, start: int) -> tuple[int, bytes, int] | None:
    """Return the opcode and payload of a frame, and where it ends; None while it is not all there."""
    if len(data) < start + 2:
        return None
    size, begin = data[start + 1], start + 2
    if size >= 126:
        begin += 2 if size == 126 else 8
        size = int.from_bytes(data[start + 2 : begin])
    end = begin + size
    return (data[start] & 0x0F, bytes(data[begin:end]), end) if len(data) >= end else None
