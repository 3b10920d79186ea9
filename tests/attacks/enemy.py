"""One attacker, with an address and a user of its own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from presence.config import Settings
from tests.attacks.accounts import token
from tests.attacks.arena import PLAIN, Arena
from tests.attacks.saying import shake
from tests.attacks.wire import Wire

STUFFING = 60
"""How many messages of 60 kB are more than what the kernels keep for one who does not read."""

_numbers = count(1)


def _new_number() -> int:
    return next(_numbers)


@attrs.define
class Enemy:
    """
    An attacker.

    :ivar over: Whether it comes over TLS or plain.
    :ivar wires: Its connections.
    """

    arena: Arena
    over: str
    number: int = attrs.Factory(_new_number)
    wires: list[Wire] = attrs.Factory(list)

    @property
    def address(self) -> str:
        """Where it comes from."""
        return f"127.1.{self.number // 250}.{self.number % 250 + 1}"

    @property
    def proxy(self) -> str:
        """Where a proxy that the daemon trusts would come from with it."""
        return self.address.replace("127.1.", "127.2.")

    @property
    def public(self) -> str:
        """The address that nobody else has who comes through a proxy."""
        return self.address.replace("127.1.", "198.18.")

    @property
    def user(self) -> int:
        """The user that it is, and nobody else."""
        return 1000 * self.number

    @property
    def settings(self) -> Settings:
        """Those of the daemon."""
        return self.arena.settings

    def user_of(self, place: int) -> int:
        """Return one of the users that nobody else is; place 0 is :attr:`user`."""
        return self.user + place

    def was_seen(self, user: int | None = None) -> bool:
        """Return whether the honest clients were ever told that a user is online."""
        return any((user or self.user) in honest.seen for honest in self.arena.honest)

    async def connect(self, address: str | None = None) -> Wire:
        """Connect, and say nothing."""
        return self._noted(await self.arena.dial(self.over, address or self.address))

    async def connect_tcp(self) -> Wire:
        """Connect to the port without TLS, whichever it is."""
        return self._noted(await self.arena.dial(PLAIN, self.address, self.over))

    async def open(self, *headers: str) -> Wire:
        """Connect and shake hands."""
        wire = await self.connect()
        wire.send(shake(*headers))
        status, _ = await wire.response()
        assert status == 101, f"the handshake was answered with {status}"
        return wire

    async def enter(self, user: int | None = None, **fields: object) -> Wire:
        """Connect, shake hands and say HELLO."""
        wire = await self.open()
        user = user or self.user
        reply = await wire.ask("HELLO", userid=user, accesstoken=token(user), **fields)
        assert reply["type"] == "OK", f"HELLO was answered with {reply}"
        return wire

    async def several(self, count: int, begin: Callable[[], Coroutine[Any, Any, Wire]]) -> list[Wire]:
        """Begin so many connections at once."""
        begun = [Deferred.fromCoroutine(begin()) for _ in range(count)]
        return await gatherResults(begun, consumeErrors=True)

    def pause(self, seconds: float) -> Deferred[None]:
        """Do nothing for a while."""
        return deferLater(self.arena.reactor, seconds)

    async def drip(self, wire: Wire, data: bytes, pause_seconds: float = 0.25) -> None:
        """Send bytes one by one, until all are sent or nobody is there any more."""
        for byte in data:
            if not self.arena.holds(wire):
                return
            wire.begin(bytes([byte]))
            await self.pause(pause_seconds)

    async def stuff(self, wire: Wire) -> None:
        """Stop reading, and have more sent than the kernels keep."""
        wire.shrink()
        wire.stop_reading()
        message = {"type": "sendMessageToUser", "id": self.user, "message": "x" * 60_000}
        wire.say(*[message] * STUFFING)
        await self.pause(0.2)

    async def block(self, wire: Wire) -> None:
        """Stop reading, and have just as much sent that the daemon has to wait."""
        wire.stop_reading()
        message = {"type": "sendMessageToUser", "id": self.user, "message": "x" * 20_000}
        while not self.arena.waits_for(wire):
            wire.say(message)
            await self.pause(0.02)

    async def listen(self, wire: Wire, seconds: float) -> None:
        """Do nothing for a while but read, and answer pings."""
        until = self.arena.reactor.callLater(seconds, wire.say, {"type": "PING", "ref": "enough"})
        try:
            while (await wire.message()).get("ref") != "enough":
                pass
        finally:
            if until.active():
                until.cancel()

    async def is_freed(self, wire: Wire) -> None:
        """Assert that the daemon lets go of a connection, also of one that is not read."""
        await self.arena.eventually(lambda: not self.arena.holds(wire))
        assert not self.arena.holds(wire), "the daemon still has the connection"

    def leave(self) -> None:
        """End all connections that have not ended."""
        for wire in self.wires:
            wire.reset()

    def _noted(self, wire: Wire) -> Wire:
        self.wires.append(wire)
        return wire
