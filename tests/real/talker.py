"""A client that can be told to behave in any way, on any kind of socket."""

from __future__ import annotations

import json
from itertools import count
from typing import Any, cast

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateResponseAccept
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.interfaces import IStreamClientEndpoint, ITCPTransport
from twisted.trial.unittest import TestCase

from presence.wire.messages import SUBPROTOCOL
from tests.canary import TOKEN

Frame = dict[str, Any]


class Talker(WebSocketClientProtocol):
    """
    A WebSocket to the daemon.

    :ivar events: What the daemon said without being asked.
    :ivar pings: The pings that came.
    :ivar ended: Fires with the close code when the connection has ended.
    """

    openHandshakeTimeout = 0
    closeHandshakeTimeout = 0
    serverConnectionDropTimeout = 0

    transport: ITCPTransport
    factory: _Talkers

    def __init__(self) -> None:
        super().__init__()
        self.opened: Deferred[None] = Deferred()
        self.ended: Deferred[int | None] = Deferred()
        self.events: DeferredQueue[Frame] = DeferredQueue()
        self.pings: DeferredQueue[bytes] = DeferredQueue()
        self._refs = count(1)
        self._asked: dict[int, Deferred[Frame]] = {}
        self._gone = False

    def ask(self, kind: str, **fields: object) -> Deferred[Frame]:
        """Send a request; fires with the reply, also with an ERROR."""
        ref = next(self._refs)
        self._asked[ref] = Deferred()
        self.sendMessage(json.dumps({"type": kind, "ref": ref, **fields}).encode())
        return self._asked[ref]

    def hello(self, user_id: int, token: str, **fields: object) -> Deferred[Frame]:
        """Say HELLO."""
        return self.ask("HELLO", userid=user_id, accesstoken=token, **fields)

    def stop_reading(self) -> None:
        """Leave everything that comes in the kernel's buffers."""
        cast("Any", self.transport).pauseProducing()

    def leave(self) -> Deferred[int | None] | None:
        """Make sure that the connection has ended."""
        if self._gone:
            return None
        self.transport.abortConnection()
        return self.ended

    # Called by Twisted and Autobahn

    def connectionMade(self) -> None:
        """Begin."""
        self.transport.write(self.factory.preamble)
        super().connectionMade()

    def onOpen(self) -> None:
        """Be ready."""
        self.opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: ARG002, N803, FBT001 - Autobahn's
        """Keep an event, or let a reply go to who asked."""
        frame = json.loads(payload)
        if frame["type"] in {"OK", "ERROR"}:
            self._asked.pop(frame["ref"]).callback(frame)
        else:
            self.events.put(frame)

    def onPing(self, payload: bytes) -> None:
        """Answer it, and keep it."""
        super().onPing(payload)
        self.pings.put(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: ARG002, N803, FBT001 - Autobahn's
        """Say that it is over."""
        self._gone = True
        if not self.opened.called:
            self.opened.errback(ConnectionError(reason))
        self.ended.callback(code)


class _Talkers(WebSocketClientFactory):
    noisy = False
    protocol = Talker  # type: ignore[assignment]  # any callable will do
    preamble: bytes


async def talk(
    test: TestCase,
    endpoint: IStreamClientEndpoint,
    preamble: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    deflates: bool = False,
) -> Talker:
    """
    Return a client that is connected, and will not be after the test.

    :param preamble: What is sent ahead of the opening handshake.
    :param headers: What stands in the handshake beside what has to.
    :param deflates: Whether it offers compression.
    """
    url = f"ws://localhost/?token={TOKEN}"
    factory = _Talkers(url, protocols=[SUBPROTOCOL], headers=headers, reactor=reactor)
    factory.preamble = preamble
    if deflates:
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=PerMessageDeflateResponseAccept,
        )
    talker = cast("Talker", await endpoint.connect(factory))
    test.addCleanup(talker.leave)
    await talker.opened
    return talker
