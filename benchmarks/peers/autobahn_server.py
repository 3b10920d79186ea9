"""
A server on Autobahn as its examples show it: ``sendMessage``, ``sendPreparedMessage`` and ``json``.

Run as ``autobahn_server.py plain|deflate|tls PORT [KEY CERTIFICATE]``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept
from twisted.internet import reactor as installed
from twisted.internet import task
from twisted.internet.ssl import DefaultOpenSSLContextFactory

from benchmarks.peers.people import WINDOW_SECONDS, People, Request, dumps, message, ok

people: People[Peer] = People()
reactor: Any = installed


class Peer(WebSocketServerProtocol):
    """One connection."""

    user: int | None = None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001, N803 - Autobahn's
        """Do what is asked."""
        del isBinary
        request = json.loads(payload)
        self.sendMessage(dumps(self._answer(request)).encode())

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: FBT001, N803
        """Forget the connection."""
        del wasClean, code, reason
        people.leave(self, self.user)
        self.user = None

    def _answer(self, request: Request) -> Request:
        match request["type"]:
            case "HELLO":
                self.user = request["userid"]
                return people.enter(self, request)
            case "sendMessageToUser":
                return self._relay(request)
            case "subscribeOnlineStatus":
                return people.watch(self, request)
        people.leave(self, self.user)
        self.user = None
        return ok(request)

    def _relay(self, request: Request) -> Request:
        sockets = people.users.get(request["id"], set())
        send_to_all(sockets, dumps(message(self.user, request)))
        return ok(request) | {"delivered": len(sockets)}


def send_to_all(sockets: set[Peer], text: str) -> None:
    """Send one message to many."""
    prepared = factory.prepareMessage(text.encode())
    for socket in sockets:
        socket.sendPreparedMessage(prepared)


def publish() -> None:
    """Tell who came and went."""
    news = people.publish()
    if news is not None:
        send_to_all(people.watchers, news[0])
        send_to_all(people.listeners, news[1])


def accept(offers: list[Any]) -> PerMessageDeflateOfferAccept | None:
    """Accept compression, as Autobahn's documentation has it."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)
    return None


factory = WebSocketServerFactory()
factory.protocol = Peer


def main(mode: str, port: str, *files: str) -> None:
    """Serve until killed."""
    if mode == "deflate":
        factory.setProtocolOptions(perMessageCompressionAccept=accept)
    if mode == "tls":
        context = DefaultOpenSSLContextFactory(*files)
        reactor.listenSSL(int(port), factory, context, backlog=4096, interface="127.0.0.1")
    else:
        reactor.listenTCP(int(port), factory, backlog=4096, interface="127.0.0.1")
    task.LoopingCall(publish).start(WINDOW_SECONDS)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
