"""The other side of webhooks: servers that get them, as the documents tell to write one."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import Request

from presence.ops.webhooks import Batch, NotTaken
from tests.canary import secret

WEBHOOK_SECRET = secret("webhook")


def is_genuine(request: Request, body: bytes) -> bool:
    """Return whether a request was signed with the secret that only the daemon knows too."""
    expected = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, request.getHeader("x-pusher-signature") or "")


@attrs.define
class OnlineList:
    """
    Who is online, from nothing but webhooks.

    :ivar taken: Every batch that was new.
    """

    epoch: str = ""
    version: int = 0
    time_ms: int = 0
    online: set[int] = attrs.Factory(set)
    taken: list[dict[str, Any]] = attrs.Factory(list)

    def take(self, batch: dict[str, Any]) -> int:
        """Act on a batch, unless it was there before or is of a daemon that is gone; return the status."""
        if batch["epoch"] == self.epoch:
            if batch["version"] <= self.version:
                return 200
        elif batch["time_ms"] < self.time_ms:
            return 200
        if batch.get("reset"):
            self.online = set(batch["online"])
        elif (batch["epoch"], batch["previous"]) != (self.epoch, self.version):
            return 409
        else:
            for event in batch["events"]:
                self.follow(event["name"], event["user_id"])
        self.epoch, self.version, self.time_ms = batch["epoch"], batch["version"], batch["time_ms"]
        self.taken.append(batch)
        return 200

    def follow(self, name: str, user: int) -> None:
        """Let a user come who was away, or go who was there."""
        assert (user in self.online) == (name == "user.offline"), "told twice"
        if name == "user.online":
            self.online.add(user)
        else:
            self.online.remove(user)


@attrs.define
class HeldPosts:
    """Requests that end when the test says so."""

    waiting: list[tuple[Batch, Deferred[None]]] = attrs.Factory(list)

    def post(self, batch: Batch) -> Deferred[None]:
        """Make a request, which fails like any other when it is cancelled."""
        posted: Deferred[None] = Deferred(lambda it: it.errback(NotTaken("failed", "CancelledError")))
        self.waiting.append((batch, posted))
        return posted


class Hook(Resource):
    """
    A place that takes webhooks.

    :ivar bodies: What came, in the order in which it came.
    :ivar asked: The requests.
    """

    isLeaf = True

    def __init__(self, answer: Callable[[Request], Any] = lambda _: b"") -> None:
        super().__init__()
        self.answer = answer
        self.bodies: list[bytes] = []
        self.asked: list[Request] = []

    def render_POST(self, request: Request) -> Any:  # noqa: ANN401 - whatever the test answers
        """Take one that is genuine, and answer as the test says."""
        assert request.content is not None
        body: bytes = request.content.read()
        if not is_genuine(request, body):
            request.setResponseCode(401)
            return b"who are you?"
        self.asked.append(request)
        self.bodies.append(body)
        return self.answer(request)

    @property
    def batches(self) -> list[Any]:
        """What came, decoded."""
        return [json.loads(body) for body in self.bodies]
