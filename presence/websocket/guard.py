"""
The holes that Autobahn leaves open by default, closed in one class.

Autobahn's own timers run on ``txaio.config.loop``, whatever reactor its factory has, so
they are off and ours run instead, on the factory's clock.
"""

from __future__ import annotations

from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ITCPTransport
from zope.interface import implementer

HANDSHAKE_TIMEOUT_SECONDS = 5.0
"""How long the opening handshake may take, TLS included."""

LARGEST_HANDSHAKE = 8192
"""How many bytes the opening handshake may have."""

LINGER_SECONDS = 2.0
"""How long a closing connection may take to send its rest and to see the other end close."""


@implementer(IPushProducer)
class GuardedProtocol(WebSocketServerProtocol):
    """
    A WebSocket that ends whatever the other end does or leaves undone.

    A peer is sent a ping each ``ping_interval`` seconds and dropped when it was silent for
    ``ping_timeout`` seconds more. Any byte that arrives is a sign of life.

    :ivar paused: Whether the other end reads more slowly than it is written to.
    """

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

    def onOpen(self) -> None:
        """Begin to look after the open connection."""
        _cancel(self._handshake)
        self._pinged_at = self.clock.seconds()
        self._liveness = self.clock.callLater(self.ping_interval, self._look_after)
        self.registerProducer(self, True)  # noqa: FBT003 - a producer that pushes

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

    def stopProducing(self) -> None:
        """Do nothing: the end of the connection is told by ``onClose``."""

    def _look_after(self) -> None:
        now = self.clock.seconds()
        dead_at = self._heard_at + self.ping_interval + self.ping_timeout
        if now >= dead_at:
            self._abort()
            return
        if now >= self._pinged_at + self.ping_interval:
            self._pinged_at = now
            self.sendPing()
        next_at = min(self._pinged_at + self.ping_interval, dead_at)
        self._liveness = self.clock.callLater(next_at - now, self._look_after)

    def _abort(self) -> None:
        # Not by Autobahn's dropConnection: it does nothing for a connection that it has
        # told to close, and such a one stays for ever while the other end does not read.
        self.transport.abortConnection()


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
