"""
What is used of other libraries beside what they promise, and nothing else.

Each part names the place upstream that it follows, and does without where it is not so.
"""

from __future__ import annotations

import fcntl
import socket
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import cast

import attrs
from autobahn.twisted.util import peer2str
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.wamp.types import TransportDetails
from autobahn.websocket.protocol import TrafficStats, WebSocketProtocol
from autobahn.websocket.utf8validator import Utf8Validator
from twisted.internet.interfaces import IReactorFDSet, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

_LEFTOVERS = frozenset(
    {
        "_results",
        "_transport_details",
        "_valid_events",
        "_wskey",
        "http_headers",
        "http_request_data",
        "http_request_host",
        "http_request_params",
        "http_request_path",
        "http_request_uri",
        "http_response_data",
        "http_status_line",
        "is_open",
        "trafficStats",
        "send_queue",
        "websocket_extensions",
        "websocket_extensions_in_use",
        "websocket_origin",
        "websocket_protocols",
    }
)
"""
What Autobahn keeps on a connection and reads no more once that is open.

``send_queue`` is of its ``sendData``, which is not used, the rest of ``processHandshake``, of
``connectionMade`` and of ``ObservableMixin``.
"""

_AT_FIRST = {
    "_perMessageCompress": None,
    "autoPingPending": None,
    "autoPingPendingCall": None,
    "autoPingPendingSent": None,
    "autoPingPendingSeq": 0,
    "autoPingTimeoutCall": None,
    "closeHandshakeTimeoutCall": None,
    "closedByMe": False,
    "current_frame": None,
    "data": b"",
    "droppedByMe": False,
    "failedByMe": False,
    "inside_message": False,
    "localCloseCode": None,
    "localCloseReason": None,
    "openHandshakeTimeoutCall": None,
    "remoteCloseCode": None,
    "remoteCloseReason": None,
    "send_state": WebSocketServerProtocol.SEND_STATE_GROUND,
    "trackedTimings": None,
    "triggered": False,
    "wasClean": False,
    "wasCloseHandshakeTimeout": False,
    "wasMaxFramePayloadSizeExceeded": False,
    "wasMaxMessagePayloadSizeExceeded": False,
    "wasNotCleanReason": None,
    "wasOpenHandshakeTimeout": False,
    "wasServerConnectionDropTimeout": False,
    "wasServingFlashSocketPolicyFile": False,
    "websocket_protocol_in_use": None,
    "websocket_version": 13,
}
"""
What ``WebSocketProtocol._connectionMade`` writes down for each connection, and most of them keep.

The rest of it is :func:`what_is_common`, and :func:`begin_as_all_do`, which stands in its place.
"""

_MISSING = object()


class _Unheard:
    """Stands in the place of a Deferred that nobody waits for."""

    def callback(self, result: object) -> None:
        """Do nothing."""


@attrs.frozen
class Waiting:
    """
    What waits to be sent at one moment; a different one later means that the other end took bytes.

    :ivar chunk: What the reactor hands to the kernel at present. ``doWrite`` in
        ``twisted.internet.abstract`` makes a new one whenever it adds to it, so two of the
        same size are told apart by being two objects.
    :ivar offset: How much of it the kernel has.
    :ivar in_kernel: How many bytes the kernel has that the other end has not confirmed.
    """

    chunk: bytes = attrs.field(default=b"", eq=id, repr=False)
    offset: int = 0
    in_kernel: int = 0

    @property
    def held_up(self) -> bool:
        """Whether the kernel was offered bytes and refused them."""
        return self.offset < len(self.chunk)


def find_socket(transport: object) -> Connection | None:
    """
    Return the connection below a transport, or None for those that have no socket.

    TLS and PROXY headers are a ``ProtocolWrapper`` of ``twisted.protocols.policies``,
    which keeps what it wraps as its ``transport``. None of them holds data back for longer
    than a turn of the reactor, but for a TLS handshake.
    """
    while transport is not None and not isinstance(transport, Connection):
        transport = getattr(transport, "transport", None)
    return transport


def look_at(connection: Connection, *, at_once: bool) -> Waiting:
    """
    Return what waits to be sent by a connection that is not lost.

    :param at_once: Whether all of it was offered to the kernel before it had to wait.
    """
    chunk = connection.dataBuffer
    if at_once and not chunk and connection._tempDataBuffer:  # noqa: SLF001 - what this module is for
        chunk = connection._tempDataBuffer[0]  # noqa: SLF001 - the rest, which has not been offered again
    return Waiting(chunk, connection.offset, _in_kernel(connection))


def _in_kernel(connection: Connection) -> int:
    # SIOCOUTQ of tcp(7) and unix(7), which is the same number as TIOCOUTQ. Without it a slow
    # reader seems to stand still for minutes: the kernel asks for more only when a third of
    # its megabytes is free, and three quarters on a UNIX socket.
    try:
        answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int.from_bytes(answer, sys.byteorder)


_BUFFERS = ("_tempDataBuffer", "connected", "dataBuffer", "disconnecting", "socket")
"""What :func:`send_at_once` reads of a connection."""


def knows_buffers() -> bool:
    """Whether this Twisted keeps what waits to be sent where :func:`send_at_once` looks for it."""
    with socket.socket() as unconnected:
        connection = Connection(unconnected, Protocol(), cast("IReactorFDSet", object()))
        return all(hasattr(connection, name) for name in _BUFFERS)


def find_plain_socket(transport: object) -> Connection | None:
    """Return a transport that is a socket by itself, with neither TLS nor anything else around it."""
    return transport if isinstance(transport, Connection) and not transport.TLS else None


def send_at_once(connection: Connection, data: bytes) -> int:
    """
    Send what the kernel takes, if nothing waits before it; return how many bytes that were.

    It looks where ``FileDescriptor.write`` and ``doWrite`` of ``twisted.internet.abstract`` look. A
    lost connection takes none, as there: the reactor finds out by itself.
    """
    if (
        connection.dataBuffer
        or connection._tempDataBuffer  # noqa: SLF001 - what this module is for
        or not connection.connected
        or connection.disconnecting
    ):
        return 0
    try:
        return connection.socket.send(data)
    except OSError:
        return 0


def options_of(factory: WebSocketServerFactory, protocol: type[WebSocketServerProtocol]) -> dict[str, object]:
    """
    Return Autobahn's options as attributes for a subclass of a protocol that has not set them itself.

    Else Autobahn copies all of them to each connection, and formats them for a debug line that
    nobody sees, which is half of what it costs to accept one (``WebSocketProtocol._connectionMade``).
    """
    options: dict[str, object] = {"CONFIG_ATTRS": ()}
    for name in protocol.CONFIG_ATTRS:
        if not hasattr(protocol, name):
            option = getattr(factory, name)
            options[name] = staticmethod(option) if callable(option) else option
    return options


def begin_as_all_do(protocol: WebSocketServerProtocol) -> None:
    """
    Do what ``WebSocketAdapterProtocol.connectionMade`` does, where :func:`what_is_common` is in the class.

    That leaves little: it writes down the same for each connection, gathers what is known of the
    transport, which nobody here asks for, and makes lines of the log, which nobody sees.
    """
    transport = cast("ITCPTransport", protocol.transport)
    protocol.peer = peer2str(transport)
    with suppress(AttributeError, OSError):  # a UNIX socket has no such option
        transport.setTcpNoDelay(True)
    protocol.state = protocol.STATE_CONNECTING
    protocol.factory.countConnections += 1


def end_as_all_do(protocol: WebSocketServerProtocol, reason: Failure) -> None:
    """
    Do what ``WebSocketAdapterProtocol.connectionLost`` does, but for lines of the log that nobody sees.

    One of them has the failure in it as a text.
    """
    WebSocketProtocol._connectionLost(protocol, reason)  # type: ignore[arg-type]  # noqa: SLF001 - a str it never is; what this module is for
    protocol.factory.countConnections -= 1


def receive(protocol: WebSocketServerProtocol, data: bytes) -> None:
    """Do what ``WebSocketAdapterProtocol.dataReceived`` does, but for a line of the log that nobody sees."""
    protocol._dataReceived(data)  # noqa: SLF001 - what this module is for


def what_is_common() -> dict[str, object]:
    """Return attributes for a class of protocols whose instances keep only what is their own."""
    return {
        **dict.fromkeys(_LEFTOVERS),
        **_AT_FIRST,
        # Instead of what WebSocketProtocol.__init__ makes: Deferreds that nobody waits for, and the like.
        # So no protocol of ours may have an __init__.
        "__init__": object.__init__,
        "is_closed": _Unheard(),
        "is_open": _Unheard(),
        "_transport_details": TransportDetails(),
        # Nobody reads the statistics, so one of them counts for all.
        "trafficStats": TrafficStats(),
        # Made for those who send a text that takes the long way.
        "utf8validator": cached_property(lambda _: Utf8Validator()),
    }


def keep_what_is_own(protocol: WebSocketServerProtocol, common: Mapping[str, object]) -> None:
    """
    Forget what only the opening handshake needed, and what is as on every connection.

    It is most of what Autobahn has in memory for an idle one.

    :param common: What is in the class of the protocol, of :func:`what_is_common`.
    """
    protocol.__dict__ = {  # a new one, because a dictionary does not shrink
        name: value
        for name, value in vars(protocol).items()
        if name not in _LEFTOVERS and common.get(name, _MISSING) is not value
    }


def is_cut(protocol: WebSocketServerProtocol) -> bool:
    """
    Return whether a compressed message is larger than what was made of it up to the end of a frame.

    ``PerMessageDeflate.decompress_message_data`` inflates to the largest size and only looks whether
    zlib has more to read. What zlib has still to write, ``end_decompress_message`` throws away.
    """
    decompressor = protocol._perMessageCompress._decompressor  # type: ignore[attr-defined] # noqa: SLF001 - has no types; what this module is for
    return decompressor is not None and bool(decompressor.decompress(b"", 1))


def forget_decompressor(protocol: WebSocketServerProtocol) -> None:
    """
    Free what the last message was decompressed with: 40 kB, and a new one is made for the next.

    It is kept by ``PerMessageDeflate.start_decompress_message``.
    """
    protocol._perMessageCompress._decompressor = None  # type: ignore[attr-defined] # noqa: SLF001 - has no types; what this module is for
