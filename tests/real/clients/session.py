"""Plays a session by the ``websockets`` package and prints what it saw: session.py URL USERID TOKEN."""

import asyncio
import json
import sys
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("presence.v1.json")
PAYLOAD = {"text": "grüß dich ✓", "n": [1, None, True]}


class Session:
    """A connection that knows replies from events."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ref = 0
        self._events: list[dict[str, Any]] = []

    async def ask(self, kind: str, **fields: object) -> dict[str, Any]:
        """Send a request and return the reply, or what is told about its failure."""
        self._ref += 1
        await self._socket.send(json.dumps({"type": kind, "ref": self._ref, **fields}))
        while True:
            frame: dict[str, Any] = json.loads(await self._socket.recv())
            if frame.get("ref") == self._ref:
                return frame
            self._events.append(frame)

    async def event(self, kind: str) -> dict[str, Any]:
        """Return the next event of a type."""
        while True:
            for frame in self._events:
                if frame["type"] == kind:
                    self._events.remove(frame)
                    return frame
            self._events.append(json.loads(await self._socket.recv()))


async def close_code(url: str, *frames: str | bytes) -> int | None:
    """Return the code that the server closes with after these frames."""
    async with connect(url, subprotocols=[SUBPROTOCOL]) as socket:
        for frame in frames:
            await socket.send(frame)
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


async def main(url: str, user_id: int, token: str) -> None:
    """Play it."""
    async with connect(url, subprotocols=[SUBPROTOCOL]) as socket:
        session = Session(socket)
        early = await session.ask("getAllOnline")
        hello = await session.ask("HELLO", userid=user_id, accesstoken=token)
        first_list = await session.event("onlineUsers")
        subscribed = await session.ask("subscribeOnlineStatus")
        page = await session.ask("getAllOnline")
        sent = await session.ask("sendMessageToUser", id=user_id, message=PAYLOAD)
        message = await session.event("message")
        ping = await session.ask("PING")
        goodbye = await session.ask("GOODBYE")
        late = await session.ask("getAllOnline")
        subprotocol = socket.subprotocol
    seen = {
        "subprotocol": subprotocol,
        "early": early["code"],
        "hello": [hello["type"], hello["userid"]],
        "onlineUsers": first_list["online"],
        "subscribed": subscribed["online"],
        "getAllOnline": page["online"],
        "ownSocket": [each["socket"] for each in page["sockets"]] == [hello["socket"]],
        "delivered": sent["delivered"],
        "message": [message["from"], message["message"] == PAYLOAD],
        "ping": ping["type"],
        "goodbye": goodbye["type"],
        "late": late["code"],
        "closed": socket.close_code,
        "binary": await close_code(url, b"binary"),
        "silent": await close_code(url),
    }
    print(json.dumps(seen))  # noqa: T201 - what the script is for


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
