"""Sends itself large compressed messages by ``websockets``, prints what came: deflate.py URL USERID TOKEN."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

TEXTS = [f"{number} grüß dich ✓ " * 1500 for number in range(5)]


async def main(url: str, user_id: int, token: str) -> None:
    """Do it."""
    async with connect(url, subprotocols=[Subprotocol("presence.v1.json")]) as socket:
        await socket.send(json.dumps({"type": "HELLO", "userid": user_id, "accesstoken": token}))
        for text in TEXTS:
            await socket.send(json.dumps({"type": "sendMessageToUser", "id": user_id, "message": text}))
        came: list[object] = []
        while len(came) < len(TEXTS):
            event = json.loads(await socket.recv())
            if event["type"] == "message":
                came.append(event["message"])
        extension = "; ".join(each.name for each in socket.protocol.extensions)
    print(json.dumps({"extension": extension, "same": came == TEXTS}))  # noqa: T201 - what the script is for


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
