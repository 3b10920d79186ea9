"""
A server that sends every message back, on the framing layer of the daemon.

For tests alone: ``python -m tests.conformance.echo --port 9001`` runs it for the Autobahn
Testsuite, as ``docs/conformance.rst`` says.
"""

from __future__ import annotations

import argparse
import sys
from typing import cast

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.task import react

from presence.config import Settings
from presence.websocket.configuration import configured
from presence.websocket.guard import GuardedProtocol
from presence.websocket.polling import make_poll

SETTINGS = Settings(
    max_message_bytes=16 * 2**20,  # the largest of the suite's messages
    message_timeout=100,  # some of them come in chops of 64 bytes
    ping_interval=3600,  # the suite counts the pings that it gets
)
"""What the Autobahn Testsuite needs of the limits that are options of the daemon."""


class EchoProtocol(GuardedProtocol):
    """Sends every message back."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001, N803 - Autobahn's
        """Send it back, uncompressed, as the daemon lets Autobahn compress nothing either."""
        self.sendMessage(payload, isBinary, doNotCompress=True)


class EchoFactory(WebSocketServerFactory):
    """Makes the connections."""

    noisy = False

    def __init__(self, settings: Settings, clock: IReactorTime) -> None:
        super().__init__(server="", reactor=clock)
        self.protocol = configured(EchoProtocol, self, settings, clock, make_poll(clock))


def serve(reactor: IReactorTCP, *argv: str) -> Deferred[None]:
    """Serve until interrupted."""
    return Deferred.fromCoroutine(_serve(reactor, *argv))


async def _serve(reactor: IReactorTCP, *argv: str) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.echo", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="The TCP port to listen on; 0 for any.")
    parser.add_argument("--interface", default="127.0.0.1", help="The address to listen on.")
    asked = parser.parse_args(argv)
    endpoint = TCP4ServerEndpoint(reactor, asked.port, interface=asked.interface)
    port = await endpoint.listen(EchoFactory(SETTINGS, cast("IReactorTime", reactor)))
    address = port.getHost()
    print(f"echo on ws://{address.host}:{address.port}/", flush=True)  # noqa: T201 - a program says so
    await Deferred()


if __name__ == "__main__":
    react(serve, sys.argv[1:])
