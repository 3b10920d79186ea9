"""Who is online, for the peers in Python; the same for each of them."""

from __future__ import annotations

import json
import time
from typing import Any, Generic, TypeVar

S = TypeVar("S")

WINDOW_SECONDS = 0.25

Request = dict[str, Any]


class People(Generic[S]):
    """
    The users and their sockets.

    :ivar listeners: The sockets that want the whole list.
    :ivar watchers: Those that are told only who came and went.
    """

    def __init__(self) -> None:
        self.users: dict[int, set[S]] = {}
        self.listeners: set[S] = set()
        self.watchers: set[S] = set()
        self._published: set[int] = set()
        self._version = 0

    def enter(self, socket: S, request: Request) -> Request:
        """Say HELLO to a socket."""
        self.users.setdefault(request["userid"], set()).add(socket)
        (self.listeners.add if request.get("broadcast", True) else self.listeners.discard)(socket)
        return ok(request) | {
            "userid": request["userid"],
            "socket": f"{id(socket):024x}",
            "ping": 25,
            "maxbytes": 65536,
            "features": [],
        }

    def leave(self, socket: S, user: int | None) -> None:
        """Let a socket go, which may have no user."""
        self.listeners.discard(socket)
        self.watchers.discard(socket)
        if user is not None:
            self.users[user].discard(socket)
            if not self.users[user]:
                del self.users[user]

    def watch(self, socket: S, request: Request) -> Request:
        """Subscribe a socket."""
        self.watchers.add(socket)
        return ok(request) | {"online": sorted(self._published), "version": self._version}

    def publish(self) -> tuple[str, str] | None:
        """Return what watchers and listeners are to be told; None when nothing has changed."""
        online = set(self.users)
        if online == self._published:
            return None
        came, went = online - self._published, self._published - online
        self._published = online
        self._version += 1
        status = {
            "type": "onlineStatus",
            "version": self._version,
            "wentOnline": list(came),
            "wentOffline": list(went),
        }
        users = {"type": "onlineUsers", "online": sorted(online), "version": self._version}
        return dumps(status), dumps(users)


def dumps(value: Request) -> str:
    """Return JSON without spaces, so that all servers send as many bytes."""
    return json.dumps(value, separators=(",", ":"))


def ok(request: Request) -> Request:
    """Return the reply to a request."""
    return {"type": "OK", "re": request["type"], "ref": request["ref"]}


def message(sender: int | None, request: Request) -> Request:
    """Return what the receivers of a message get."""
    return {"type": "message", "from": sender, "message": request["message"], "ts": round(time.time(), 3)}
