"""
A server on ``websockets``, with its ``broadcast()`` and ``json``.

Run as ``websockets_server.py plain|deflate|tls PORT [KEY CERTIFICATE]``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from benchmarks.peers.people import WINDOW_SECONDS, People, Request, dumps, message, ok

people: People[ServerConnection] = People()


async def talk(socket: ServerConnection) -> None:
    """Serve one connection."""
    user: int | None = None
    try:
        async for text in socket:
            request: Request = json.loads(text)
            match request["type"]:
                case "HELLO":
                    user = request["userid"]
                    answer = people.enter(socket, request)
                case "sendMessageToUser":
                    sockets = people.users.get(request["id"], set())
                    broadcast(sockets, dumps(message(user, request)))
                    answer = ok(request) | {"delivered": len(sockets)}
                case "subscribeOnlineStatus":
                    answer = people.watch(socket, request)
                case _:
                    people.leave(socket, user)
                    user = None
                    answer = ok(request)
            await socket.send(dumps(answer))
    except ConnectionClosed:
        pass
    finally:
        people.leave(socket, user)


async def main(mode: str, port: str, *files: str) -> None:
    """Serve until killed."""
    context = None
    if mode == "tls":
        key, certificate = files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    compression = "deflate" if mode == "deflate" else None
    async with serve(talk, "127.0.0.1", int(port), ssl=context, compression=compression, backlog=4096):
        while True:
            await asyncio.sleep(WINDOW_SECONDS)
            news = people.publish()
            if news is not None:
                broadcast(people.watchers, news[0])
                broadcast(people.listeners, news[1])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
