"""``presencectl watch``."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import attrs
from msgspec import UNSET, UnsetType
from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater

from presence.client import ConnectionEnded, NotConnected
from presence.ctl.command import Shell
from presence.ctl.visit import SocketCommand, Visit
from presence.wire.errors import Refused
from presence.wire.messages import OnlineStatus, Position, TokenRequired

RETRY_SECONDS = 5.0


class Watch(SocketCommand):
    """See who comes and goes."""

    synopsis = "watch URL [options]"
    longdesc = (
        "Prints who is online, and then a line for each user who comes or goes, until Ctrl-C. When the "
        "connection is lost it connects again, and prints what changed meanwhile. You are online while it "
        "runs."
    )
    examples = (
        "watch ws://127.0.0.1:8080/ --token-file token",
        "watch wss://presence.example.com/ --userid 1 --ca authority.pem",
    )

    async def talk(self, shell: Shell) -> None:
        """Watch until cancelled, or until the server does not want us back."""
        userid, token = await self.identity(shell)
        visit = Visit(self, shell)
        watcher = _Watcher(visit, shell, userid, token)
        visit.client.start()
        try:
            while True:
                await watcher.step()
        except CancelledError:
            pass  # by Ctrl-C, as it is meant to end
        finally:
            await visit.client.stop()


@attrs.define(eq=False)
class _Watcher:
    """Keeps a list of who is online, and says how it changes."""

    _visit: Visit
    _shell: Shell
    _userid: int
    _token: str
    _online: set[int] | None = attrs.field(default=None, init=False)
    _since: Position | UnsetType = attrs.field(default=UNSET, init=False)
    _lost: bool = attrs.field(default=False, init=False)

    async def step(self) -> None:
        """
        Wait for what happens next, and do what it asks for.

        :raises ConnectionEnded: When there is no point in another connection.
        """
        try:
            happening = await self._visit.next()
        except ConnectionEnded as ended:
            if ended.code in range(4400, 4500):
                raise
            self._shell.complain(f"not connected: {ended.reason or ended.code}; trying again")
            self._lost = True
            return
        with suppress(ConnectionEnded, NotConnected):  # the end is next in the queue
            if happening is None:
                await self._introduce()
            elif isinstance(happening, OnlineStatus):
                await self._change(happening)
            elif isinstance(happening, TokenRequired):
                self._shell.complain(
                    f"the token ran out; start again with a new one in {happening.after:g} s"
                )

    async def _introduce(self) -> None:
        client, reactor = self._visit.client, self._shell.reactor
        while True:
            try:
                await client.hello(self._userid, self._token, broadcast=False, client="presencectl watch")
                await self._subscribe(self._since)
            except Refused as refusal:
                if not refusal.temporary:
                    raise
                self._shell.complain(f"{refusal.code}: {refusal.text}; trying again")
                await deferLater(reactor, refusal.after or RETRY_SECONDS)
            else:
                break
        if self._lost:
            self._lost = False
            self._shell.complain("connected again")

    async def _subscribe(self, since: Position | UnsetType) -> None:
        reply = await self._visit.client.subscribe_online_status(since=since)
        self._since = Position(reply.epoch, reply.version)
        if reply.resumed:
            self._move(reply.wentOnline or (), reply.wentOffline or ())
        else:
            self._replace(reply.online or ())

    async def _change(self, event: OnlineStatus) -> None:
        if event.reset:
            self._replace(event.online or ())
        elif isinstance(event.previous, int) and self._since == Position(event.epoch, event.previous):
            self._move(event.wentOnline or (), event.wentOffline or ())
        else:
            await self._subscribe(UNSET)
            return
        self._since = Position(event.epoch, event.version)

    def _replace(self, online: Iterable[int]) -> None:
        now = set(online)
        if self._online is None:
            self._online = now
            self._shell.say(f"online: {', '.join(map(str, sorted(now))) or 'nobody'}")
        else:
            self._move(sorted(now - self._online), sorted(self._online - now))

    def _move(self, came: Iterable[int], went: Iterable[int]) -> None:
        for user in came:
            self._shell.say(f"{user} went online")
        for user in went:
            self._shell.say(f"{user} went offline")
        self._online = (self._online or set()).union(came).difference(went)
