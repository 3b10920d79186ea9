"""``presencectl smoke``."""

from __future__ import annotations

from contextlib import suppress

from msgspec import Raw
from msgspec.json import decode, encode

from presence.client import Direction
from presence.ctl.command import Failed, Shell
from presence.ctl.visit import SocketCommand, Visit
from presence.wire.messages import Message, OnlineSocket, OnlineUsers

_ARROWS: dict[Direction, str] = {"out": "→", "in": "←"}
_MESSAGE = Raw(b'{"text":"a word to myself"}')
_KEY = "presencectl-smoke"


class Smoke(SocketCommand):
    """Try everything once."""

    synopsis = "smoke URL [options]"
    longdesc = (
        "Says HELLO, waits until the user is on the published list, subscribes, asks who is online, sends "
        "the user a message, waits for it, and says GOODBYE. Prints every frame, without the access token. "
        "Exits with 0 if everything was as the protocol says, else with 1 and a line that says what was not."
    )
    examples = (
        "smoke ws://127.0.0.1:8080/ --token-file token",
        "smoke wss://presence.example.com/ --ca authority.pem --userid 1 --token-file token",
        "token --user user@volunteer-vision.com | presencectl smoke ws://127.0.0.1:8080/ --token-file -",
    )

    async def talk(self, shell: Shell) -> None:
        """Play the session."""
        userid, token = await self.identity(shell)

        def show(direction: Direction, text: str) -> None:
            line = _without_token(text) if direction == "out" else text
            with suppress(BrokenPipeError):  # the exit code tells without the frames too
                shell.say(f"{_ARROWS[direction]} {line}")

        visit = Visit(self, shell, on_frame=show)
        try:
            await visit.begin()
            await _play(visit, userid, token)
        finally:
            await visit.client.stop()


def _without_token(text: str) -> str:
    request = decode(text)
    if "accesstoken" in request:
        request["accesstoken"] = "…"
    return encode(request).decode()


async def _play(visit: Visit, userid: int, token: str) -> None:
    client = visit.client
    hello = await client.hello(userid, token, broadcast=True, client="presencectl smoke")
    _check(hello.userid == userid, f"HELLO made the socket user {hello.userid}")
    await visit.wait_for(
        f"an onlineUsers event with user {userid}",
        lambda event: isinstance(event, OnlineUsers) and userid in event.online,
    )

    subscribed = await client.subscribe_online_status()
    _check(
        subscribed.resumed is False and isinstance(subscribed.online, list),
        "the reply to subscribeOnlineStatus does not hold the list",
    )
    _check(userid in (subscribed.online or []), f"subscribeOnlineStatus does not list user {userid}")

    sockets = await _all_sockets(visit)
    _check(hello.socket in {each.socket for each in sockets}, "getAllOnline does not list our socket")
    await _write_to_oneself(visit, userid)
    await client.goodbye()


async def _all_sockets(visit: Visit) -> list[OnlineSocket]:
    page = await visit.client.get_all_online()
    sockets = page.sockets
    while isinstance(page.next, str):
        page = await visit.client.get_all_online(cursor=page.next)
        sockets += page.sockets
    return sockets


async def _write_to_oneself(visit: Visit, userid: int) -> None:
    sent = await visit.client.send_message_to_user(userid, _MESSAGE, key=_KEY)
    _check(sent.delivered >= 1, "no socket took the message, though ours is online")
    message = await visit.wait_for(
        "the message to ourselves", lambda event: isinstance(event, Message) and event.key == _KEY
    )
    _check(message.sender == userid, f"the message is from {message.sender}, not from {userid}")
    _check(bytes(message.message) == bytes(_MESSAGE), "the message came with another content")


def _check(good: bool, wrong: str) -> None:  # noqa: FBT001 - the condition
    if not good:
        raise Failed(wrong)
