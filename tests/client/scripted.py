"""A server that does what a test tells it, and the world in memory around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.test.iosim import ConnectionCompleter, IOPump
from twisted.trial.unittest import SynchronousTestCase

from presence.client import Direction, PresenceClient
from presence.wire.codec import decode_request, encode, encode_ok, encode_refusal
from presence.wire.errors import Refused
from presence.wire.messages import SUBPROTOCOL, Event, Ok, Request
from tests.canary import TOKEN

URL = f"ws://presence.example:8080/?token={TOKEN}"


class ScriptedServer(WebSocketServerProtocol):
    """One connection, at the server's end: what came, and words put into its mouth."""

    # Autobahn's own timers would run on the global reactor.
    tcpNoDelay = True
    openHandshakeTimeout = 0
    closeHandshakeTimeout = 0
    serverConnectionDropTimeout = 0

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.offered: list[str] = []
        self.headers: dict[str, str] = {}
        self.closed: tuple[int | None, str | None] | None = None
        self.lost: Deferred[None] = Deferred()
        self.pongs: list[bytes] = []
        self.hold = False
        self.script: Callable[[ScriptedServer, Request], object] = lambda _server, _request: None

    def onConnect(self, request: ConnectionRequest) -> str:
        """Note how the client introduces itself."""
        self.offered, self.headers = request.protocols, request.headers
        return SUBPROTOCOL

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: ARG002, FBT001, N803 - Autobahn's signature
        """Note a request, and follow the script."""
        request = decode_request(payload)
        self.requests.append(request)
        self.script(self, request)

    def onPong(self, payload: bytes) -> None:
        """Note a sign of life."""
        self.pongs.append(payload)

    def dropConnection(self, abort: bool = False) -> None:  # noqa: FBT001, FBT002 - Autobahn's signature
        """Let go of the connection, unless told to hold it."""
        if not self.hold:
            super().dropConnection(abort)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: ARG002, FBT001, N803 - Autobahn's signature
        """Note the end."""
        self.closed = (code, reason)
        self.lost.callback(None)

    def reply(self, reply: Ok | Refused, to: Request) -> None:
        """Answer a request."""
        self.sendMessage(encode_ok(reply, to) if isinstance(reply, Ok) else encode_refusal(reply, to))

    def tell(self, event: Event) -> None:
        """Send an event."""
        self.sendMessage(encode(event))


@attrs.define
class Listener:
    """Whoever owns a client, noting what it is told."""

    happened: list[Any] = attrs.Factory(list)
    frames: list[tuple[Direction, str]] = attrs.Factory(list)

    def connected(self) -> None:
        """Note a connection."""
        self.happened.append("connected")

    def disconnected(self, code: int, reason: str) -> None:
        """Note an end."""
        self.happened.append((code, reason))

    def frame(self, direction: Direction, text: str) -> None:
        """Note a frame."""
        self.frames.append((direction, text))


class ClientTestCase(SynchronousTestCase):
    """A client and a scripted server, in memory."""

    def setUp(self) -> None:
        """Make a client that is not started yet."""
        self.reactor = MemoryReactorClock()
        self.servers: list[ScriptedServer] = []
        self.listener = Listener()
        self.network = ConnectionCompleter(self.reactor)
        factory = WebSocketServerFactory(reactor=self.reactor, protocols=[SUBPROTOCOL])
        factory.protocol = self.serve  # type: ignore[assignment]  # any callable will do
        self.reactor.listenTCP(8080, factory)
        self.client = self.make_client()

    def make_client(self, url: str = URL, **options: Any) -> PresenceClient:  # noqa: ANN401 - any option of the client
        """Make a client that tells the listener."""
        ears: dict[str, Any] = {
            "on_connected": self.listener.connected,
            "on_event": self.listener.happened.append,
            "on_disconnected": self.listener.disconnected,
            "on_frame": self.listener.frame,
        }
        return PresenceClient(url, **(ears | options), random=lambda: 0.5, reactor=self.reactor)

    def serve(self) -> ScriptedServer:
        """Make the server's end of the next connection."""
        self.servers.append(ScriptedServer())
        return self.servers[-1]

    @property
    def server(self) -> ScriptedServer:
        """The server's end of the newest connection."""
        return self.servers[-1]

    def complete(self, *, greet: bool) -> IOPump:
        """Let the client's attempt to connect succeed, with or without an opening handshake."""
        pump = self.network.succeedOnce(greet=greet)
        assert pump is not None, "the client does not try to connect"
        return pump

    def connect(self) -> None:
        """Let the client's attempt to connect succeed."""
        self.pump = self.complete(greet=True)

    def connected(self) -> None:
        """Start the client and let it connect."""
        self.client.start()
        self.connect()

    def flush(self) -> None:
        """Carry what was written to the other end, until all is quiet."""
        self.pump.flush()

    def received(self) -> Request:
        """Return the newest request that arrived."""
        self.flush()
        return self.server.requests[-1]

    def answered(self, reply: Ok | Refused) -> None:
        """Let the server answer the newest request."""
        self.server.reply(reply, self.received())
        self.flush()

    def closed(self, code: int, reason: str) -> None:
        """Let the server close the connection."""
        self.server.sendCloseFrame(code, reason.encode())
        self.flush()

    def trying(self) -> bool:
        """Return whether the client is trying to connect."""
        return bool(self.reactor.tcpClients)
