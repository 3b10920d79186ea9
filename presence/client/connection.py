"""
One connection of a client, from the opening handshake to its end.

Replies find their request by ``ref``, a number that counts up. One timer watches
over all of it: the opening handshake, the silence of the server, the closing.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, Literal, TypeVar

from autobahn.twisted.websocket import WebSocketClientProtocol
from service_identity import CertificateError, VerificationError
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

from presence.logs import logger
from presence.wire.codec import decode_answer, encode
from presence.wire.errors import BadMessage, ErrorCode, Refused
from presence.wire.messages import Error, Event, HelloOk, Ok, Reply, Request

_log = logger(__name__)

Direction = Literal["in", "out"]
"""Which way a frame went, as the client sees it."""

OPENING_SECONDS = 10.0
CLOSING_SECONDS = 3.0
PING_GRACE_SECONDS = 10.0

NORMAL = 1000
NO_CODE = 1005
ABNORMAL = 1006

K = TypeVar("K", bound=Ok)


class NotConnected(Exception):  # noqa: N818 - a state, named like Twisted's ConnectionDone
    """A request was made while there is no connection; it was not sent."""


class ConnectionEnded(Exception):  # noqa: N818 - as above
    """
    The connection ended before the reply came; the request may or may not have been done.

    :ivar code: The WebSocket close code; 1006 where the connection just broke.
    :ivar reason: What the other end, or the network, said about it.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"the connection ended with {self.code}: {self.reason}"


class Connection(WebSocketClientProtocol, TimeoutMixin):  # type: ignore[misc]  # Autobahn's bases disagree
    """A WebSocket to the daemon: requests out, replies and events in."""

    # Autobahn sets the option only if the protocol class has it, and its own timers
    # run on the global reactor: 0 switches them off.
    tcpNoDelay = True
    openHandshakeTimeout = 0
    closeHandshakeTimeout = 0
    serverConnectionDropTimeout = 0

    def __init__(
        self,
        *,
        on_open: Callable[[Connection], object],
        on_event: Callable[[Event], object],
        on_end: Callable[[int, str], object],
        on_frame: Callable[[Direction, str], object],
        clock: IReactorTime,
    ) -> None:
        super().__init__()
        self._on_open = on_open
        self._on_event = on_event
        self._on_end = on_end
        self._on_frame = on_frame
        self._clock = clock
        self._refs = count(1)
        self._waiting: dict[object, tuple[type[Ok], Deferred[Any]]] = {}
        self._ended: Deferred[None] = Deferred()

    def ask(self, request: Request, kind: type[K]) -> Deferred[K]:
        """Send a request and return a Deferred of its reply."""
        if self.state != self.STATE_OPEN:
            return fail(NotConnected("the connection is closing"))
        request.ref = ref = next(self._refs)
        reply: Deferred[K] = Deferred(lambda _: self._waiting.__delitem__(ref))
        self._waiting[ref] = kind, reply
        data = encode(request)
        self._on_frame("out", data.decode())
        self.sendMessage(data)
        return reply

    def close(self) -> Deferred[None]:
        """Close with 1000; the Deferred fires at the end, which takes a few seconds at most."""
        self.sendClose(NORMAL)
        self.setTimeout(CLOSING_SECONDS)
        return self._ended

    # What Twisted and Autobahn call.

    def connectionMade(self) -> None:
        """Begin the opening handshake."""
        self.setTimeout(OPENING_SECONDS)
        super().connectionMade()

    def onOpen(self) -> None:
        """Be ready for requests."""
        self.setTimeout(None)
        self._on_open(self)

    def dataReceived(self, data: bytes) -> None:
        """Note that the server is alive; ping frames come this way too."""
        if self.state == self.STATE_OPEN:
            self.resetTimeout()
        super().dataReceived(data)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001, N803 - Autobahn's signature
        """Take a frame: a reply, an event, or something newer than this client."""
        if isBinary:
            self._drop("the server sent a binary frame")
            return
        self._on_frame("in", payload.decode())
        try:
            answer = decode_answer(payload)
        except BadMessage as problem:
            self._drop(f"the server sent a frame that cannot be read: {problem.text}")
            return
        if isinstance(answer, Reply):
            self._settle(answer)
        elif answer is not None:
            self._on_event(answer)

    def onCloseFrame(self, code: int, reasonRaw: bytes) -> bool | None:  # noqa: N803 - Autobahn's signature
        """Answer it, and see to it that the connection ends."""
        self.setTimeout(CLOSING_SECONDS)
        failed: bool | None = super().onCloseFrame(code, reasonRaw)
        return failed

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: FBT001, N803 - Autobahn's signature
        """Fail what waits, and say how it ended."""
        self.setTimeout(None)
        ended = code or NO_CODE, reason or ""
        if not wasClean:
            ended = ABNORMAL, self.wasNotCleanReason or ""
        waiting, self._waiting = self._waiting, {}
        self._on_end(*ended)
        for _, reply in waiting.values():
            reply.errback(ConnectionEnded(*ended))
        self._ended.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say a reason that Autobahn has no words for."""
        if reason.check(CertificateError, VerificationError):
            self.wasNotCleanReason = "the certificate of the server is not for this host"
        super().connectionLost(reason)

    def timeoutConnection(self) -> None:
        """Give up on a server that is silent."""
        self._drop(f"the server was silent for {self.timeOut:g} s")

    def callLater(self, period: float, func: Callable[[], None]) -> IDelayedCall:
        """Time by the clock of the client."""
        return self._clock.callLater(period, func)

    def _settle(self, reply: Reply) -> None:
        kind, waiting = self._waiting.get(reply.ref, (Ok, None))
        if waiting is None:
            _log.debug("a reply that nobody waits for: {re} {ref}", re=reply.re, ref=reply.ref)
            return
        if not isinstance(reply, kind | Error):
            self._drop(f"the server sent a reply to {reply.re} that does not fit the request")
            return
        del self._waiting[reply.ref]
        if isinstance(reply, Error):
            waiting.errback(_refused(reply))
            return
        if isinstance(reply, HelloOk) and self.state == self.STATE_OPEN and reply.ping:
            self.setTimeout(reply.ping + PING_GRACE_SECONDS)
        waiting.callback(reply)

    def _drop(self, reason: str) -> None:
        self.wasNotCleanReason = reason
        self.dropConnection(abort=True)


def _refused(error: Error) -> Refused:
    try:
        code, text = ErrorCode(error.code), error.text
    except ValueError:  # newer than this client: ``temporary`` says how to take it
        code, text = ErrorCode.INTERNAL, f"{error.code}: {error.text}"
    return Refused(code, text, temporary=error.temporary, after=error.after, path=error.path)
