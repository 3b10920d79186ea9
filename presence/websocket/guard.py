"""
The holes that Autobahn leaves open by default, closed in one class.

Autobahn's own timers run on ``txaio.config.loop``, whatever reactor its factory has, so
they are off and ours run instead, on the factory's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.logs import logger
from presence.wire.closing import CloseCode

HANDSHAKE_TIMEOUT_SECONDS = 5.0
"""How long the opening handshake may take, TLS included."""

LARGEST_HANDSHAKE = 8192
"""How many bytes the opening handshake may have."""

LINGER_SECONDS = 2.0
"""How long a closing connection may take to send its rest and to see the other end close."""


MOST_FRAGMENTS = 64
"""How many frames a message may be cut into; an empty one adds nothing to its size."""

_log = logger(__name__)


class _Mute:
    """
    A logger for Autobahn that writes faults of ours, and nothing else.

    Its lines hold what the client sent, such as the query of a URL with a token in it.
    """

    def debug(self, *_: object, **__: object) -> None:
        """Write nothing."""

    info = error = debug

    def warn(self, *_: object, err: Failure | None = None, **__: object) -> None:
        """Write what was raised in ``onConnect``, which Autobahn tells in this way alone."""
        if err is not None:
            _log.failure("internal error in an opening handshake", failure=err)


@implementer(IPushProducer)
class GuardedProtocol(WebSocketServerProtocol):
    """
    A WebSocket that ends whatever the other end does or leaves undone.

    A peer is sent a ping each ``ping_interval`` seconds, and dropped when it was silent for
    ``ping_timeout`` seconds more and had as long to answer one. Any byte that arrives is a
    sign of life.

    :ivar paused: Whether the other end reads more slowly than it is written to.
    """

    log = _Mute()

    # The factory's own setting comes too late: Autobahn looks before it copies it.
    tcpNoDelay = True
    openHandshakeTimeout = 0
    closeHandshakeTimeout = 0
    autoPingInterval = 0
    failByDrop = False
    webStatus = False

    transport: ITCPTransport  # or another with abortConnection: every stream transport has it
    clock: IReactorTime
    ping_interval: float
    ping_timeout: float
    paused = False

    _handshake: IDelayedCall | None = None
    _liveness: IDelayedCall | None = None
    _linger: IDelayedCall | None = None
    _heard_at = 0.0
    _pinged_at = 0.0
    _asked_at = 0.0  # when the first ping after the last sign of life was sent
    _unanswered_ping: bytes | None = None
    _fragments = 0

    def connectionMade(self) -> None:
        """Begin to wait for the opening handshake."""
        self._handshake = self.clock.callLater(HANDSHAKE_TIMEOUT_SECONDS, self._abort)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Let Autobahn have the bytes, except for a handshake that is too long."""
        self._heard_at = self.clock.seconds()
        if self.state == self.STATE_CONNECTING and len(self.data) + len(data) > LARGEST_HANDSHAKE:
            self._abort()
        else:
            super().dataReceived(data)

    def failHandshake(
        self,
        reason: str,  # noqa: ARG002 - Autobahn's; it has what the client sent in it
        code: int = 400,
        responseHeaders: Sequence[tuple[str, str]] | None = None,  # noqa: N803
    ) -> None:
        """Refuse the opening handshake; neither the log nor the answer repeats what was sent."""
        _log.debug("refused the handshake of {peer} with {code}", peer=self.peer, code=code)
        super().failHandshake(HTTPStatus(code).phrase, code, responseHeaders)

    def onOpen(self) -> None:
        """Begin to look after the open connection."""
        _cancel(self._handshake)
        self._pinged_at = self.clock.seconds()
        self._liveness = self.clock.callLater(self.ping_interval, self._look_after)
        self.registerProducer(self, True)  # noqa: FBT003 - a producer that pushes

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: FBT001, N803 - Autobahn's
        """Begin to count the fragments of a message."""
        self._fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        """Close when a message has too many fragments."""
        self._fragments += 1
        if self._fragments > MOST_FRAGMENTS:
            self.sendCloseFrame(CloseCode.MESSAGE_TOO_BIG, b"too many fragments")
        super().onMessageFrameBegin(length)

    def onPing(self, payload: bytes) -> None:
        """Answer; while the peer does not read, only the latest one, later (:rfc:`6455`, 5.5.3)."""
        if self.paused:
            self._unanswered_ping = payload
        else:
            super().onPing(payload)

    def sendCloseFrame(  # Autobahn's names; whatever closes, by us or by it, comes through here
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,  # noqa: N803
        isReply: bool = False,  # noqa: FBT001, FBT002, N803
    ) -> None:
        """Begin to close; what is not done in time is aborted."""
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self._linger is None:
            # Neither a peer that never answers nor one that never reads ends by itself.
            self._linger = self.clock.callLater(LINGER_SECONDS, self._abort)

    def onClose(
        self,
        wasClean: bool,  # noqa: ARG002, FBT001, N803 - Autobahn's
        code: int | None,  # noqa: ARG002
        reason: str | None,  # noqa: ARG002
    ) -> None:
        """Stop looking after the connection."""
        for call in (self._handshake, self._liveness, self._linger):
            _cancel(call)

    def pauseProducing(self) -> None:
        """Note that the send buffer is full."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Note that the send buffer is empty again."""
        self.paused = False
        payload, self._unanswered_ping = self._unanswered_ping, None
        if payload is not None:
            self.sendPong(payload)

    def stopProducing(self) -> None:
        """Do nothing: the end of the connection is told by ``onClose``."""

    def _look_after(self) -> None:
        now = self.clock.seconds()
        waits_for_answer = self._asked_at > self._heard_at
        if waits_for_answer and now >= self._dead_at():
            # After a stall of ours its bytes may wait to be read, which comes after the timers.
            self._liveness = self.clock.callLater(0, self._drop_if_silent, self._heard_at)
            return
        if now >= self._pinged_at + self.ping_interval:
            self._pinged_at = now
            if not waits_for_answer:
                self._asked_at = now
            self.sendPing()
        next_at = min(self._pinged_at + self.ping_interval, self._dead_at())
        self._liveness = self.clock.callLater(next_at - now, self._look_after)

    def _dead_at(self) -> float:
        return max(
            self._heard_at + self.ping_interval + self.ping_timeout,
            self._asked_at + self.ping_timeout,
        )

    def _drop_if_silent(self, heard_at: float) -> None:
        if self._heard_at == heard_at:
            self._abort()
        else:
            self._look_after()

    def _abort(self) -> None:
        # Not by Autobahn's dropConnection: it does nothing for a connection that it has
        # told to close, and such a one stays for ever while the other end does not read.
        self.transport.abortConnection()


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
