"""
Bytes to requests, replies and events to bytes; this module decides nothing.

What a request does is decided in :mod:`presence.session` and :mod:`presence.requests`;
what is told when, in :mod:`presence.broadcast`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.admission.connections import Entrance, Visit
from presence.admission.origins import admits_origin
from presence.admission.rates import BYTES_OF_A_REQUEST
from presence.interfaces import Frame, IConnection
from presence.logs import logger, without_text
from presence.session import Session
from presence.websocket.guard import GuardedProtocol
from presence.websocket.sending import SharedFrame, text_frame
from presence.websocket.traffic import Refusal, Traffic
from presence.wire.closing import CloseCode
from presence.wire.codec import decode_request, encode, encode_ok, encode_refusal
from presence.wire.errors import BadMessage, ErrorCode, Refused
from presence.wire.messages import SUBPROTOCOL, Event, GoingAway, Ok, Request, timestamp

if TYPE_CHECKING:
    from presence.websocket.factory import PresenceFactory

MOST_QUEUED_BYTES = 256 * 1024
"""How much is kept for a socket that does not read; more only if it is one frame."""

MOST_BAD_MESSAGES = 10
"""The bad message that is answered and then ends the connection."""

LONGEST_ORIGIN_LOGGED = 100

_OF_THE_END = frozenset({CloseCode.GOING_AWAY, CloseCode.SERVICE_RESTART})
_OF_FLOODS = frozenset({CloseCode.TOO_MANY_BAD_MESSAGES, CloseCode.TOO_MANY_REQUESTS})
_BAD = frozenset({ErrorCode.BAD_JSON, ErrorCode.BAD_MESSAGE})

_log = logger(__name__)


@implementer(IConnection)
class PresenceProtocol(GuardedProtocol):
    """One WebSocket connection."""

    factory: PresenceFactory
    place: bytes | None = None

    _traffic: Traffic
    _visit: Visit
    _session: Session | None = None
    _breaking_off: IDelayedCall | None = None
    _sent_code: int | None = None
    _queued_bytes = 0
    _bad_messages = 0

    # Called by Twisted and Autobahn

    def connectionMade(self) -> None:
        """Be known from the first moment, not only after the opening handshake."""
        super().connectionMade()
        self.outlet.put = self._put
        self._traffic = self.factory.traffic
        self._traffic.opened += 1
        self.factory.connections.opened(self)
        self._visit = self.factory.admission.visit(str(self.peer))
        if not self.factory.proxied:
            self._locate()
        self._drop_if_too_many()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Be known no longer."""
        super().connectionLost(reason)
        self.factory.connections.ended(self)
        self._visit.end()

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Accept or refuse the opening handshake; return the subprotocol to speak."""
        forwarded_for = request.headers.get("x-forwarded-for", "")
        if forwarded_for or self.factory.proxied:
            self._locate(forwarded_for)
        self._drop_if_too_many()
        if not admits_origin(self.factory.settings.allowed_origins, request.origin):
            if times := self.factory.refused_origins.add():
                _log.info(
                    "refused {times} connections, the last of {peer}: origin {origin!r} is not allowed",
                    times=times,
                    peer=self.peer,
                    origin=request.origin[:LONGEST_ORIGIN_LOGGED],
                )
            raise ConnectionDeny(ConnectionDeny.FORBIDDEN, "origin not allowed")
        if not request.protocols:
            return None
        if SUBPROTOCOL not in request.protocols:
            _log.debug("refused {peer}: it speaks no version we know", peer=self.peer)
            raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, f"only {SUBPROTOCOL} is spoken here")
        return SUBPROTOCOL

    def onOpen(self) -> None:
        """Begin the session."""
        super().onOpen()
        _log.debug("{peer} connected", peer=self.peer)
        if self._visit.entrance is not Entrance.ADMITTED:
            self.close(CloseCode.TRY_AGAIN_LATER)
            return
        try:
            self._session = self.factory.make_session(self)
        except Exception:  # noqa: BLE001 - Autobahn would leave the connection open, and deaf
            self.fail(Failure())

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803, FBT001 - Autobahn's
        """Hand a request to the session."""
        if self.outlet.closed or self._session is None:
            return
        if isBinary:
            self.close(CloseCode.UNSUPPORTED_DATA)
            return
        request = None
        try:
            if len(payload) >= BYTES_OF_A_REQUEST and self._isMessageCompressed:
                self._session.receive_inflated(len(payload))
            request = decode_request(payload)
            self._session.receive(request)
        except BadMessage as bad:
            self._traffic.malformed += 1
            self._refuse(bad, None)
            self._session.receive_malformed()
        except Exception:  # noqa: BLE001 - Autobahn would close without a code
            self.fail(Failure(), request)

    def onPing(self, payload: bytes) -> None:
        """Answer, unless there are too many."""
        if self._session is not None and self._session.receive_control():
            super().onPing(payload)

    def onPong(self, payload: bytes) -> None:  # noqa: ARG002 - Autobahn's; any byte is a sign of life
        """Count it, whether it is an answer or not."""
        if self._session is not None:
            self._session.receive_control()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: N803, FBT001 - Autobahn's
        """End the session, whoever closed."""
        super().onClose(wasClean, code, reason)
        self.outlet.close()
        self._traffic.count_end(self._sent_code or code)
        self._be_slow_no_more()
        if self._breaking_off is not None:
            if self._breaking_off.active():
                self._breaking_off.cancel()
            self._breaking_off = None
        _log.debug("{peer} closed with {code}", peer=self.peer, code=code)
        self._end_session(None)
        self._session = None  # else the two of them would wait for the garbage collector

    def flush(self) -> None:
        """Send the replies to what was read together."""
        try:
            super().flush()
        except Exception:  # noqa: BLE001 - as when it is sent at once
            self._break_off(CloseCode.INTERNAL_ERROR)
            self._log_fault(Failure())

    def pauseProducing(self) -> None:
        """Count a slow reader."""
        if not self.outlet.paused:
            self._traffic.slow_readers += 1
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """Tell the session that everything was sent, after a pause."""
        self._be_slow_no_more()
        super().resumeProducing()
        if self._session is None or self.outlet.closed:
            return
        try:
            self._session.drained()
        except Exception:  # noqa: BLE001 - the reactor would drop the connection without a code
            self.fail(Failure())

    def stalled(self) -> None:
        """Close a connection whose other end has not read for too long."""
        self.close(CloseCode.TOO_SLOW)

    # IConnection

    def _put(self, data: bytes, sent: int = 0) -> bool:
        if self.outlet.paused:
            size = len(data)
            # One large reply by itself is no reason to close.
            if self._queued_bytes and self._queued_bytes + size > MOST_QUEUED_BYTES:
                self._break_off(CloseCode.TOO_SLOW)
                return False
            self._queued_bytes += size
            self._traffic.queued_bytes += size
        try:
            self.outlet.send(data, sent)
        except Exception:  # noqa: BLE001 - whoever sends to many goes on with the others
            self._break_off(CloseCode.INTERNAL_ERROR)
            self._log_fault(Failure())
            return False
        return True

    def reply(self, request: Request, reply: Ok) -> None:
        """Answer a request."""
        self._traffic.requests[type(request), None] += 1
        self.outlet.pass_on(text_frame(encode_ok(reply, request)))

    def refuse(self, request: Request, refusal: Refused) -> None:
        """Answer a request with an error."""
        self._refuse(refusal, request)

    def tell(self, event: Event) -> None:
        """Send an event to this connection alone."""
        self.outlet.offer(make_frame(event))

    def fail(self, failure: Failure, request: Request | None = None) -> None:
        """Log a fault of our own, tell the client its reference, and close."""
        reference = self._log_fault(failure)
        self._refuse(Refused(ErrorCode.INTERNAL, f"internal error {reference}"), request)
        self.close(CloseCode.INTERNAL_ERROR)

    def close(self, code: CloseCode) -> None:
        """Close with a code and its reason."""
        if not self.outlet.closed:
            self.outlet.close()
            self.deaf = code in _OF_FLOODS
            self._close(code)

    def send_away(self, after_seconds: float) -> None:
        """Tell the client to come back after so long, and close."""
        if self.state == self.STATE_OPEN:
            self.tell(GoingAway(after=round(after_seconds, 3)))
        self.close(CloseCode.SERVICE_RESTART)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,  # noqa: N803 - Autobahn's names
        isReply: bool = False,  # noqa: FBT001, FBT002, N803
    ) -> None:
        """Begin to close, because of us, of Autobahn or of the client."""
        if not isReply:
            self._sent_code = code
        super().sendCloseFrame(code, reasonUtf8, isReply)
        self._end_session(code if isinstance(code, CloseCode) else None)

    def _end_session(self, code: CloseCode | None) -> None:
        if self._session is None:
            return
        try:
            self._session.closed(code)
        except Exception:  # noqa: BLE001 - the connection ends all the same, and is to be forgotten
            self._log_fault(Failure())

    def _be_slow_no_more(self) -> None:
        if self.outlet.paused:
            self._traffic.slow_readers -= 1
        self._traffic.queued_bytes -= self._queued_bytes
        self._queued_bytes = 0

    def _close(self, code: CloseCode) -> None:
        if code not in _OF_THE_END:
            self._note_refusal(str(int(code)))
        _log.debug("closing {peer} with {code}: {reason}", peer=self.peer, code=int(code), reason=code.reason)
        if self.state == self.STATE_CONNECTING:  # it still shakes hands
            self.transport.abortConnection()
        else:
            # Autobahn's public sendClose refuses 1001, 1011 and 1012.
            self._fail(code, code.reason)

    def _break_off(self, code: CloseCode) -> None:
        # The end of a session changes who is online, and we may be in the middle of
        # telling that to all.
        self.outlet.close()
        self._breaking_off = self.clock.callLater(0, self._close, code)

    def _log_fault(self, failure: Failure) -> str:
        self._traffic.faults += 1
        reference = f"{self.factory.random.getrandbits(32):08x}"
        _log.failure("internal error {reference}", failure=without_text(failure), reference=reference)
        return reference

    def _locate(self, forwarded_for: str = "") -> None:
        host = getattr(self.transport.getPeer(), "host", None)  # a UNIX socket's has none
        self._visit.come_from(host, forwarded_for)
        self.peer = self._visit.peer
        self.place = self._visit.place

    def _drop_if_too_many(self) -> None:
        if self._visit.entrance is Entrance.DROPPED:
            self.transport.abortConnection()

    def _refuse(self, refusal: Refused, request: Request | None) -> None:
        _log.debug(
            "refused a request of {peer}: {code}, {text}",
            peer=self.peer,
            code=str(refusal.code),
            text=refusal.text,
        )
        if request is not None:
            self._traffic.requests[type(request), refusal.code] += 1
        self._note_refusal(refusal.code.value)
        self.outlet.pass_on(text_frame(encode_refusal(refusal, request)))
        if refusal.code in _BAD:
            self._bad_messages += 1
            if self._bad_messages == MOST_BAD_MESSAGES:
                self.close(CloseCode.TOO_MANY_BAD_MESSAGES)

    def _note_refusal(self, code: str) -> None:
        now = timestamp(self.clock.seconds())
        self._traffic.refusals.append(Refusal(now, str(self.peer), code))


def make_frame(event: Event) -> Frame:
    """Make the frame of an event, for any number of connections."""
    return Frame(SharedFrame(encode(event)))
