"""Clients of the second property: they speak bytes, keep lists, and hold the daemon to its word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
from msgspec import UNSET

from presence.wire.closing import CloseCode
from presence.wire.codec import encode
from presence.wire.messages import Goodbye, Hello, Ping, Request, SendMessageToUser
from tests.fuzz.frames import frame
from tests.fuzz.line import Line
from tests.fuzz.moods import Api
from tests.fuzz.reading import Opcode
from tests.fuzz.streams import BAD, MALFORMED_COST, MISTAKES
from tests.test_model import Visitor

MOST_BAD_MESSAGES = 10
MOST_REFRESHES = 4
MOST_SOCKETS = 2

BURST, USER_BURST = 60, 90
"""How many requests at once of a connection and of a user are not too many."""

RATE = 5
"""How many more of each there may be with every second."""

FREE_PING_SECONDS = 5


@attrs.frozen
class Sent:
    """A message: who wrote what to whom; None when it was written before the OK to HELLO."""

    sender: int | None
    to: int
    payload: Any


@attrs.define
class Post:
    """
    All messages.

    :ivar delivered: What the daemon said about each, by its key.
    :ivar arrived: How often each arrived.
    """

    sent: dict[str, Sent] = attrs.Factory(dict)
    delivered: dict[str, int] = attrs.Factory(dict)
    arrived: Counter[str] = attrs.Factory(Counter)

    def check(self) -> None:
        """Check that as many arrived as were said to be delivered, and none that were refused."""
        for key, delivered in self.delivered.items():
            assert self.arrived[key] == delivered, (
                f"{key}: {delivered} delivered, {self.arrived[key]} arrived"
            )


@attrs.define
class Bucket:
    """
    What somebody may ask for.

    :param most: How much at once.
    """

    most: float
    level: float = attrs.field(default=attrs.Factory(lambda self: self.most, takes_self=True))
    at: float = 0

    def holds(self, cost: int, now: float) -> bool:
        """Return whether a request is not too much; only then it counts."""
        self.level = min(self.most, self.level + (now - self.at) * RATE)
        self.at = now
        enough = self.level >= cost
        self.level -= cost * enough
        return enough


@attrs.define(eq=False, kw_only=True)
class Guest(Visitor):
    """
    A visitor whose user is whom the daemon says it is, and who checks each answer.

    :ivar when_left: Is told when the daemon or the guest has ended the connection.
    :ivar polite: Whether it answers close frames.
    :ivar silent: Whether it answers no pings.
    :ivar troublesome: Whether it ever gave a reason to be dropped.
    :ivar refused: How much more it ever asked for than it may.
    :ivar came: How many sockets of all guests there had been when its own was made.
    :ivar last_ok: The latest reply that was no error.
    :ivar sockets: The ids of all sockets of all guests.
    :ivar buckets: Those of the users.
    """

    client: Line
    api: Api
    post: Post
    sockets: set[str]
    buckets: dict[int, Bucket]
    when_left: Callable[[Guest, int | None], None]
    polite: bool = True
    silent: bool = False
    troublesome: bool = False
    left: bool = False
    refused: int = 0
    came: int = 0
    last_ok: dict[str, Any] = attrs.Factory(dict)
    socket: str | None = None
    _bucket: Bucket = attrs.Factory(lambda: Bucket(BURST))
    _too_many: set[int] = attrs.Factory(set)
    _free_ping_at: float = 0
    _bad: int = 0
    _refs: int = 0
    _warned: bool = False
    _last_error: str | None = None
    _awaited: Counter[int | None] = attrs.Factory(Counter)

    @property
    def unanswered(self) -> int:
        """How many requests have no reply yet."""
        return self._awaited.total()

    def waits_for(self, user: int) -> bool:
        """Return whether the account API may be asked about a user because of this guest."""
        hellos = (self.asked.get(ref or 0) for ref, count in self._awaited.items() if count)
        return user == self.user or any(isinstance(one, Hello) and one.userid == user for one in hellos)

    def say(self, request: Request) -> None:
        """Send a request."""
        self.send(request)
        self.listen()

    def send(self, request: Request) -> None:
        """Send a request without listening for the reply."""
        self._refs += 1
        request.ref = self._refs
        self.asked[request.ref] = request
        self.hear(self.client.take())  # it may be somebody else by now
        if not self.client.closing and not self._is_free(request) and not self._spend(1):
            self._too_many.add(request.ref)
        self._send(encode(request), request.ref)

    def blunder(self, text: bytes, *, names_ref: bool) -> None:
        """Send a text that is no request; ``%d`` in it becomes a ref."""
        self._refs += 1
        before, counts = self.unanswered, not self.client.closing
        self._send(text.replace(b"%d", b"%d" % self._refs), self._refs if names_ref else None)
        self.hear(self.client.take())
        # One too many ends the session before it is counted.
        if counts and self.client.closed_with != CloseCode.TOO_MANY_BAD_MESSAGES:
            self._spend(MALFORMED_COST)
        if not self.client.closing:
            assert self._last_error in MISTAKES, f"a mistake is answered with {self._last_error}"
        self.listen()
        assert self.left or self.unanswered == before, "a mistake is not answered"

    def breach(self, data: bytes) -> None:
        """Send bytes that break the rules of WebSockets, or a close frame."""
        if self.left:
            return
        self.troublesome = True
        self.client.send(data)
        self.listen()
        assert self.left, "the daemon goes on with who breaks the rules"

    def listen(self) -> bool:
        """Take what came, and return whether there was anything."""
        received = self.client.take()
        self.hear(received)
        pings, self.client.pings = self.client.pings, []
        if pings and not self.silent and not self.connection_paused:
            for ping in pings:
                if self.client.closed_with is None:
                    self._spend(1)
                self.client.send(frame(Opcode.PONG, ping))
        if self.client.closed_with is not None and not self.left:
            self._leave(self.client.closed_with)
            if self.polite:
                self.client.send(frame(Opcode.CLOSE, b"\x03\xe8"))
        if self.client.let_go:
            assert self.left or self.troublesome, "a good client is dropped"
            self.client.vanish()
            self._leave(None)
        return bool(received or pings)

    def vanish(self) -> None:
        """Lose the connection."""
        self.listen()
        self.client.vanish()
        self._leave(None)

    @property
    def connection_paused(self) -> bool:
        """Whether it does not read."""
        return self.client.connection.outlet.paused

    def hear_OK(self, ok: dict[str, Any]) -> None:
        """Believe what the daemon says, where it may say so."""
        request = self.asked[ok["ref"]]
        self._answered(ok)
        self.last_ok, before, self._last_error = ok, self._last_error, None
        if isinstance(request, Hello):
            self._welcomed(request, ok)
        elif isinstance(request, Goodbye):
            assert self.user is not None or before in {"cancelled", "not_identified"}, "nobody takes leave"
            self.user, self.socket, self.wants_lists = None, None, False
        elif isinstance(request, SendMessageToUser):
            assert isinstance(request.key, str)
            self.post.delivered[request.key] = ok["delivered"]
        super().hear_OK(ok)

    def hear_ERROR(self, error: dict[str, Any]) -> None:
        """Look for the reason."""
        self._answered(error)
        code = self._last_error = error["code"]
        assert code not in {"internal", "unavailable", "draining"}, error
        if code in BAD:
            self._bad += 1
            assert self._bad <= MOST_BAD_MESSAGES, "one more mistake is forgiven"
        elif code in {"token_rejected", "user_mismatch"}:
            self._spend(MALFORMED_COST)  # beside the HELLO itself
        elif code == "rate_limited":
            assert error["ref"] in self._too_many or self.unanswered >= MOST_REFRESHES, error
        request = self.asked.get(error.get("ref", 0))
        if isinstance(request, SendMessageToUser):
            assert isinstance(request.key, str)
            self.post.delivered[request.key] = 0

    def hear_message(self, event: dict[str, Any]) -> None:
        """Take a message for what it was written for."""
        sent = self.post.sent[event["key"]]
        assert sent.sender in {None, event["from"]}, "a message from somebody else"
        assert event["message"] == sent.payload, "another message"
        assert self.identified, "a message for nobody"
        assert self.user == sent.to, "a message for somebody else"
        self.post.arrived[event["key"]] += 1

    def hear_tokenRequired(self, event: dict[str, Any]) -> None:
        """Know what is going to happen."""
        assert self.identified
        assert event["after"] > 0
        self._warned = True

    def _send(self, text: bytes, ref: int | None) -> None:
        if self.left:
            return
        self._awaited[ref] += 1
        self.client.send(frame(Opcode.TEXT, text))

    def _is_free(self, request: Request) -> bool:
        free = isinstance(request, Ping) and self.client.now >= self._free_ping_at
        if free:
            self._free_ping_at = self.client.now + FREE_PING_SECONDS
        return free

    def _spend(self, cost: int) -> bool:
        enough = self._bucket.holds(cost, self.client.now) and (
            self.user is None or self.buckets[self.user].holds(cost, self.client.now)
        )
        self.refused += cost * (not enough)
        return enough

    def _answered(self, reply: dict[str, Any]) -> None:
        ref = reply.get("ref")
        assert self._awaited[ref] > 0, f"nobody asked for {reply}"
        assert ref not in self._too_many or reply.get("code") == "rate_limited", "one too many is not refused"
        self._awaited[ref] -= 1

    def _welcomed(self, request: Hello, ok: dict[str, Any]) -> None:
        assert (ok["userid"], request.accesstoken) in self.api.accepted, "let in without a good token"
        assert ok["userid"] == request.userid
        if self.user is None:
            assert ok["socket"] not in self.sockets, "a socket's id is there twice"
            self.sockets.add(ok["socket"])
            self.came = len(self.sockets)
            self.user, self.socket = request.userid, ok["socket"]
            self.listed, self.wants_lists = None, request.broadcast is not False
        else:
            assert (self.user, self.socket) == (request.userid, ok["socket"]), "a refresh changes who it is"
            if request.broadcast is not UNSET:
                self.listed = self.listed if self.wants_lists else None
                self.wants_lists = bool(request.broadcast)
        self._warned = False

    def _leave(self, code: int | None) -> None:
        if self.left:
            return
        self.left = True
        reasons: dict[int, bool] = {
            CloseCode.TOO_MANY_BAD_MESSAGES: self._bad == MOST_BAD_MESSAGES,
            CloseCode.TOKEN_REVOKED: self._warned,
            CloseCode.TOO_MANY_SOCKETS: self.identified,
            CloseCode.NO_HELLO: not self.identified,
            CloseCode.TOO_SLOW: self.connection_paused,
            CloseCode.TOO_MANY_REQUESTS: self.refused > BURST,
        }
        assert code is None or self.troublesome or reasons.get(code), f"closed with {code} for nothing"
        self.when_left(self, code)
