"""``presencectl who``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct
from twisted.python import usage

from presence.ctl.command import Failed, Shell, user_id
from presence.ctl.operations import DEFAULT_URL, KeyCommand

T = TypeVar("T")

TRANSITIONS_SHOWN = 10

_Time = Annotated[float, Meta(ge=0, le=253_402_300_799)]


class _Page(Struct):
    online: list[int]
    next: str | None = None


class _Socket(Struct):
    socket: str
    since: _Time
    peer: str
    client: str = ""


class _Transition(Struct):
    at: _Time
    to: str
    cause: str


class _User(Struct):
    online: bool
    sockets: list[_Socket]
    transitions: list[_Transition]
    held_until: _Time | None = None


class Who(KeyCommand):
    """Ask who is online."""

    synopsis = "who [USERID] [URL] [options]"
    longdesc = (
        "Prints who is online; or of one user whether it is, its sockets, and when and why it came and went "
        f"of late. URL is {DEFAULT_URL} unless you give another. Times are UTC."
    )
    examples = ("who --key-file key", "who 7 --key-file key", "who http://10.0.0.7:8081/ -k key")

    def parseArgs(self, *words: str) -> None:
        """Take the user and the address."""
        match self.take_url(words):
            case []:
                self["user"] = None
            case [user]:
                try:
                    self["user"] = user_id(user)
                except ValueError as problem:
                    raise usage.UsageError(str(problem)) from None
            case _:
                raise usage.UsageError("give one user at most, and one address")

    async def run(self, shell: Shell) -> None:
        """Print it."""
        if self["user"] is None:
            online = await self._all(shell)
            shell.say(f"online: {', '.join(map(str, online)) or 'nobody'}")
        else:
            user = self._read(await self.ask_with_key(shell, "GET", f"users/{self['user']}"), _User)
            for line in _describe(self["user"], user):
                shell.say(line)

    async def _all(self, shell: Shell) -> list[int]:
        online: list[int] = []
        path = "online"
        while True:
            page = self._read(await self.ask_with_key(shell, "GET", path), _Page)
            online += page.online
            if page.next is None:
                return online
            path = f"online?cursor={quote(page.next, safe='')}"

    def _read(self, body: Any, kind: type[T]) -> T:  # noqa: ANN401 - any JSON
        try:
            return msgspec.convert(body, kind)
        except msgspec.ValidationError as problem:
            raise Failed(f"{self['url']} answered something else: {problem}") from None


def _describe(user_id: int, user: _User) -> list[str]:
    lines = [f"{user_id} is {'online' if user.online else 'offline'}"]
    lines += [
        f"  socket {socket.socket} since {_time(socket.since)}, {socket.peer} {socket.client}".rstrip()
        for socket in user.sockets
    ]
    if user.held_until is not None:
        lines.append(f"  held online until {_time(user.held_until)}")
    for transition in user.transitions[:TRANSITIONS_SHOWN]:
        lines.append(f"  {_time(transition.at)} went {transition.to}: {transition.cause}")
    return lines


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
