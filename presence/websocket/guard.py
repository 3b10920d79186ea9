"""
The holes that Autobahn leaves open by default, closed in one class.

Autobahn's own timers run on ``txaio.config.loop``, whatever reactor its factory has, so
they are off and ours run instead, on the factory's clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.deadlines import Deadline, Deadlines
from presence.logs import logger, without_text
from presence.ticker import Ticker
from presence.websocket.draining import Drain
from presence.websocket.internals import (
    begin_as_all_do,
    end_as_all_do,
    find_plain_socket,
    forget_decompressor,
    is_cut,
    keep_what_is_own,
    receive,
)
from presence.websocket.liveness import Liveness
from presence.websocket.polling import Poll
from presence.websocket.receiving import read_text
from presence.websocket.sending import Outlet
from presence.wire.closing import CloseCode

LARGEST_HANDSHAKE = 8192
"""How many bytes the opening handshake may have."""

CONTROL = 8
"""The least opcode of control frames (:rfc:`6455`, section 5.2)."""

LARGEST_CONTROL_FRAME = 125
"""How many bytes a ping, a pong or a close frame may carry (:rfc:`6455`, 5.5)."""

MOST_FRAGMENTS = 64
"""How many frames a message may be cut into; an empty one adds nothing to its size."""

LARGEST_PIECE = 4096
"""How many bytes Autobahn is given at a time."""

# Not from each connection: the interpreter is slow to find there what only the class has.
_CONNECTING = WebSocketServerProtocol.STATE_CONNECTING
_OPEN = WebSocketServerProtocol.STATE_OPEN
_CLOSED = WebSocketServerProtocol.STATE_CLOSED

_NO_LINE_ENDS = bytes.maketrans(b"\x0b\x0c\x1c\x1d\x1e\x85", b"??????")

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
            _log.failure("internal error in an opening handshake", failure=without_text(err))


@implementer(IPushProducer)
class GuardedProtocol(WebSocketServerProtocol):
    """
    A WebSocket that ends whatever the other end does or leaves undone.

    :cvar handshake_timeout: How many seconds the opening handshake may take, TLS included.
    :cvar message_timeout: How many seconds a message may take from its first byte to its last.
    :cvar stall_timeout: How many seconds a peer may take nothing of a lot that waits for it.
    :cvar linger: How many seconds a closing connection may take to send its rest and to see
        the other end close.
    :cvar ping_interval: How many seconds lie between two pings.
    :cvar fast_path: Whether short texts are read without Autobahn, and memory is saved that it takes.
    :cvar common: What is as on every connection, with the fast path.
    :cvar poll: Waits for what open connections have to read, in the place of the reactor.
    :cvar sends_at_once: Whether frames go past the transport where nothing waits in it.
    :cvar ping_timeout: How many seconds a silent peer has to answer one, before it is dropped.
    :ivar deaf: Whether nothing that the other end sends counts any more.
    :ivar outlet: What goes out.
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
    deadlines: Deadlines
    ticker: Ticker
    handshake_timeout: float
    message_timeout: float
    stall_timeout: float
    linger: float
    ping_interval: float
    ping_timeout: float
    fast_path: bool
    common: Mapping[str, object]
    poll: Poll | None
    sends_at_once: bool
    longest_short_text: int
    deaf = False

    outlet: Outlet

    _drain: Drain
    _liveness: Liveness | None = None  # before the connection is open, and after its end
    _handshake_deadline: Deadline | None = None
    _message_deadline: IDelayedCall | None = None
    _linger_deadline: IDelayedCall | None = None
    _message_began_at: float | None = None  # of the one that has not ended
    _isMessageCompressed: bool  # Autobahn's
    _unanswered_ping: bytes | None = None
    _fragments = 0

    # The beginning

    def connectionMade(self) -> None:
        """Begin to wait for the opening handshake."""
        self.outlet = Outlet(self.transport, direct=self.sends_at_once)
        self._handshake_deadline = self.deadlines.call_later(self.handshake_timeout, self._abort)
        if self.fast_path:
            begin_as_all_do(self)
        else:
            super().connectionMade()

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
        self._end_handshake()
        self.outlet.deflates = self._perMessageCompress is not None
        self._drain = Drain(self.transport, self.stall_timeout, self.clock, at_once=self.outlet.direct)
        self._liveness = Liveness(
            self._drain, self.ping_interval, self.ping_timeout, self.ticker, self.sendPing, self._abort
        )
        connection = find_plain_socket(self.transport)
        if self.poll is not None and connection is not None:
            self.poll.take(connection)
        self.registerProducer(self, True)  # noqa: FBT003 - a producer that pushes

    # What comes in

    def dataReceived(self, data: bytes) -> None:
        """Let Autobahn have the bytes, but for an endless handshake and what follows the end."""
        state = self.state
        if state == _CONNECTING and len(self.data) + len(data) > LARGEST_HANDSHAKE:
            self._abort()
        elif state == _CONNECTING:
            self._shake_hands(self.data + data)
        elif state != _CLOSED and self._liveness is not None:
            # Else Autobahn would keep it all.
            self._liveness.hear()
            self._receive(data)

    def flush(self) -> None:
        """Send the replies to what was read together."""
        self.outlet.release()

    def _shake_hands(self, data: bytes) -> None:
        head, end, rest = data.partition(b"\r\n\r\n")
        if end and _has_stray_line_end(head):
            self.failHandshake("a line ends where none may")
            return
        # Autobahn ends lines wherever str.splitlines does (parseHttpHeader), so it would find
        # headers inside of others: an X-Forwarded-For, perhaps, that no proxy has seen.
        self.data = b""
        self._hand_on(head.translate(_NO_LINE_ENDS) + end + rest)
        if self.state == _OPEN:
            if self.fast_path:
                keep_what_is_own(self, self.common)
            self._time_message()

    def _receive(self, data: bytes) -> None:
        start, found = 0, self._short_text(data, 0)
        if found is not None and found[1] == len(data):  # there is nothing that its reply could go with
            self.onMessage(found[0], isBinary=False)
            return
        self.outlet.hold()
        try:
            while found is not None:
                text, start = found
                self.onMessage(text, isBinary=False)
                found = self._short_text(data, start)
            self._feed(data[start:])
        finally:
            self.flush()

    def _short_text(self, data: bytes, start: int) -> tuple[bytes, int] | None:
        """Return the short text that begins there and where it ends; None if Autobahn is to have it."""
        if not self.fast_path or self._message_began_at is not None or self.state != _OPEN:
            return None
        return read_text(data, start, self.longest_short_text)

    def _hand_on(self, data: bytes) -> None:
        if self.fast_path:
            receive(self, data)
        else:
            super().dataReceived(data)

    def _feed(self, data: bytes) -> None:
        # In pieces: of a read that is full of the smallest frames not all are looked at once
        # the first of them were too many.
        for start in range(0, len(data), LARGEST_PIECE):
            if self.deaf:
                return
            self._hand_on(data[start : start + LARGEST_PIECE])
        if self.state == _OPEN:
            self._time_message()

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: FBT001, N803 - Autobahn's
        """Begin to count the fragments of a message."""
        self._fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        """Close when a message has too many fragments."""
        self._fragments += 1
        if self._fragments > MOST_FRAGMENTS:
            self._fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
        super().onMessageFrameBegin(length)

    def onFrameData(self, payload: bytes) -> bool | None:
        """Keep nothing more of a peer that broke the rules, but for its close frame."""
        # Autobahn reads on to find that, collects control frames of any announced size, and goes
        # on to decompress, also what it found to be corrupt; there it would stop reading.
        frame = self.current_frame
        outcome = None
        if not self.failedByMe or (frame.opcode >= CONTROL and frame.length <= LARGEST_CONTROL_FRAME):
            outcome = super().onFrameData(payload)
        if not self.failedByMe:
            return outcome
        self._isMessageCompressed = self.utf8validateIncomingCurrentMessage = False
        return None

    def onFrameEnd(self) -> bool | None:
        """Note the end of a message, or of a control frame that is not within one."""
        if self.outlet.deflates and not self.failedByMe and is_cut(self):
            self._fail(CloseCode.MESSAGE_TOO_BIG, "too large")
        outcome = super().onFrameEnd()
        if not self.inside_message:
            self._message_began_at = None
            if self.outlet.deflates:
                forget_decompressor(self)
        return outcome

    def onPing(self, payload: bytes) -> None:
        """Answer; while the peer does not read, only the latest one, later (:rfc:`6455`, 5.5.3)."""
        if self.outlet.paused:
            self._unanswered_ping = payload
        else:
            super().onPing(payload)

    # What goes out

    def pauseProducing(self) -> None:
        """Note that the send buffer is full; transports say it at each further write."""
        if not self.outlet.paused:
            self.outlet.pause()
            self._drain.watch(self.stalled)

    def resumeProducing(self) -> None:
        """Note that the send buffer is empty again."""
        self.outlet.resume()
        self._drain.rest()
        payload, self._unanswered_ping = self._unanswered_ping, None
        if payload is not None:
            self.sendPong(payload)

    def stopProducing(self) -> None:
        """Do nothing: the end of the connection is told by ``onClose``."""

    def stalled(self) -> None:
        """Close: the peer took nothing for ``stall_timeout`` seconds, though a lot waits for it."""
        self._fail(CloseCode.TOO_SLOW, CloseCode.TOO_SLOW.reason)

    # The end

    def sendCloseFrame(  # Autobahn's names; whatever closes, by us or by it, comes through here
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,  # noqa: N803
        isReply: bool = False,  # noqa: FBT001, FBT002, N803
    ) -> None:
        """Begin to close, with nothing sent after it; what is not done in time is aborted."""
        self.outlet.close()
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self._linger_deadline is None:
            # Neither a peer that never answers nor one that never reads ends by itself.
            self._linger_deadline = self.clock.callLater(self.linger, self._abort)

    def sendData(
        self,
        data: bytes,
        sync: bool = False,  # noqa: ARG002, FBT001, FBT002 - Autobahn's, like what follows
        chopsize: int | None = None,  # noqa: ARG002
    ) -> None:
        """Send what Autobahn has to say: the answer to the handshake, a control frame."""
        self.outlet.send_last(data)

    def dropConnection(self, abort: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - Autobahn's
        """End the connection once all is sent; only what lingers is aborted."""
        # Autobahn aborts when a close frame comes after ours, which may not even have left: both
        # ends may close at once. And a forbidden one it takes for the answer to the close frame
        # that it has just sent because of it (WebSocketProtocol.onCloseFrame).
        super().dropConnection(abort=False)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Let Autobahn note the end."""
        if self.fast_path:
            end_as_all_do(self, reason)
        else:
            super().connectionLost(reason)

    def onClose(
        self,
        wasClean: bool,  # noqa: ARG002, FBT001, N803 - Autobahn's
        code: int | None,  # noqa: ARG002
        reason: str | None,  # noqa: ARG002
    ) -> None:
        """Stop looking after the connection, and let go of what leads back to it."""
        self._end_handshake()
        for call in (self._message_deadline, self._linger_deadline):
            if call is not None and call.active():
                call.cancel()
        self._message_deadline = self._linger_deadline = None
        if self._liveness is not None:
            self._liveness.stop()
            self._liveness = None
            self._drain.stop()

    def _end_handshake(self) -> None:
        if self._handshake_deadline is not None:
            self._handshake_deadline.cancel()
            del self._handshake_deadline

    def _time_message(self) -> None:
        unfinished = self.data or self.current_frame is not None or self.inside_message
        if unfinished and self._message_began_at is None:
            self._message_began_at = self.clock.seconds()
            if self._message_deadline is None:
                self._message_deadline = self.clock.callLater(self.message_timeout, self._look_at_message)

    def _look_at_message(self) -> None:
        # One timer for many messages: it looks at the one that is unfinished when it fires.
        self._message_deadline = None
        if self._message_began_at is None:
            return
        left = self._message_began_at + self.message_timeout - self.clock.seconds()
        if left > 0:
            self._message_deadline = self.clock.callLater(left, self._look_at_message)
        else:
            self._fail(CloseCode.POLICY_VIOLATION, CloseCode.POLICY_VIOLATION.reason)

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.failedByMe = True  # then Autobahn hands on no message that comes after it
        self.sendCloseFrame(code, reason.encode())

    def _abort(self) -> None:
        # Not by Autobahn's dropConnection: it does nothing for a connection that it has
        # told to close, and such a one stays for ever while the other end does not read.
        self.transport.abortConnection()


def _has_stray_line_end(head: bytes) -> bool:
    # A search for one by a regular expression takes ten times as long.
    return not head.count(b"\r") == head.count(b"\r\n") == head.count(b"\n")
