"""Honest clients, who talk to each other the whole time and believe nothing unseen."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from tests.attacks.accounts import Accounts, token
from tests.attacks.wire import Message, Over, Wire

FRIENDS = {1, 2}
"""The users who are honest."""

PATIENCE_SECONDS = 2.0
"""How long a round trip of an honest client may take."""

PAUSE_SECONDS = 0.05
"""How long an honest client thinks between two rounds."""


class Disturbed(AssertionError):  # noqa: N818 - what happened to an honest client
    """An honest client noticed something of the attacks."""


class Honest:
    """
    An honest client.

    :ivar worst_seconds: The longest that it waited for its replies, and for its message to arrive.
    :ivar rounds: How often it talked to its friend.
    :ivar online: Who is online, as far as it was told.
    :ivar seen: Who ever was.
    :ivar disturbances: What it noticed of the attacks.
    """

    def __init__(self, wire: Wire, user: int, accounts: Accounts, reactor: Any) -> None:  # noqa: ANN401 - see Accounts
        self.user = user
        self.worst_seconds = 0.0
        self.rounds = 0
        self.online: set[int] = set()
        self.seen: set[int] = set()
        self.disturbances: list[Failure] = []
        self._wire = wire
        self._accounts = accounts
        self._reactor = reactor
        self._version = -1
        self._awaited: dict[str, Deferred[Message]] = {}
        self._leaves = False
        self._going_on: list[Deferred[None]] = []

    async def enter(self) -> None:
        """Say HELLO and subscribe."""
        self._go_on(self._listen())
        await self._ask("HELLO", userid=self.user, accesstoken=token(self.user))
        await self._ask("subscribeOnlineStatus")

    def begin(self, friend: Honest) -> None:
        """Begin to talk to a friend."""
        self._go_on(self._talk(friend))

    def fall_silent(self) -> None:
        """Begin nothing more, and mind nothing any more."""
        self._leaves = True

    async def leave(self) -> None:
        """Go, as soon as the last word is said."""
        listening, *talking = self._going_on
        await gatherResults(talking)
        self._wire.reset()
        await listening

    def _go_on(self, what: Coroutine[Deferred[Any], Any, None]) -> None:
        self._going_on.append(Deferred.fromCoroutine(what).addErrback(self.disturbances.append))

    async def _talk(self, friend: Honest) -> None:
        due_at = self._reactor.seconds()
        while not self._leaves:
            self.rounds += 1
            key = f"{self.user} {self.rounds}"
            arrival = friend.expect(key)
            sent = self._ask("sendMessageToUser", id=friend.user, message=key, key=key)
            pong = self._ask("PING")
            try:
                reply, _, _ = await gatherResults([sent, arrival, pong], consumeErrors=True)
            except FirstError as first:
                raise Disturbed(f"{self.user} waited in vain: {first.subFailure.value!r}") from None
            if reply["delivered"] != 1:
                raise Disturbed(f"{friend.user} was away for {self.user}")
            # From when the round was due: a daemon that stands still does so for who is just thinking, too.
            self._note_wait(self._reactor.seconds() - due_at)
            due_at = self._reactor.seconds() + PAUSE_SECONDS
            await deferLater(self._reactor, PAUSE_SECONDS)

    def _note_wait(self, seconds: float) -> None:
        self.worst_seconds = max(self.worst_seconds, seconds)
        if seconds > PATIENCE_SECONDS:
            raise Disturbed(f"{self.user} waited for {seconds:.1f} seconds")

    def _ask(self, kind: str, **fields: object) -> Deferred[Message]:
        ref = f"{kind} {self.rounds}"
        self._wire.say({"type": kind, "ref": ref, **fields})
        return self.expect(ref)

    def expect(self, name: str) -> Deferred[Message]:
        """Fire with a message when it comes, by the ref or the key that it has; fail when it is late."""
        awaited = self._awaited[name] = Deferred()
        return awaited.addTimeout(PATIENCE_SECONDS, self._reactor)

    async def _listen(self) -> None:
        try:
            while True:
                self._hear(await self._wire.message())
        except Over as over:
            if not self._leaves:
                raise Disturbed(f"{self.user} was closed with {over.code}") from None

    def _hear(self, message: Message) -> None:
        kind = message["type"]
        if kind == "OK":
            if message["re"] == "subscribeOnlineStatus":
                self.online, self._version = set(message["online"]), message["version"]
            self._awaited.pop(message["ref"]).callback(message)
        elif kind == "message" and message.get("key") in self._awaited and message["from"] in FRIENDS:
            self._awaited.pop(message["key"]).callback(message)
        elif kind == "message":
            # Attackers who write to honest clients say who they are.
            if message["message"] != {"iam": message["from"]}:
                raise Disturbed(f"{message} is forged")
        elif kind == "onlineStatus":
            self._believe(message)
        elif kind == "onlineUsers":
            self._compare(set(message["online"]), message["version"])
        else:
            raise Disturbed(f"{self.user} was told {message}")

    def _believe(self, status: Message) -> None:
        came, went = set(status["wentOnline"]), set(status["wentOffline"])
        if status["previous"] != self._version or came & self.online or went - self.online:
            raise Disturbed(f"{status} does not follow on {self._version}")
        if (went & FRIENDS and not self._leaves) or came - self._accounts.let_in:
            raise Disturbed(f"{status} is not true")
        self.online = (self.online | came) - went
        self.seen |= came
        self._version = status["version"]

    def _compare(self, listed: set[int], version: int) -> None:
        if self._version == -1:  # the list of the HELLO, before the subscription
            return
        if version == self._version and listed != self.online:
            raise Disturbed(f"{self.user} was told two lists of version {version}")
