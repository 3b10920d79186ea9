"""Simulated users that come and go, so that a demo without people moves at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from presence.demo.accounts import Account, Accounts
from presence.logs import logger

_log = logger(__name__)

FIRST_VISITOR_ID = 101

ARRIVAL_SECONDS = (0.0, 1.0)
STAY_SECONDS = (4.0, 15.0)
AWAY_SECONDS = (3.0, 10.0)


def make_visitors(count: int) -> tuple[Account, ...]:
    """Return the accounts of so many visitors."""
    ids = range(FIRST_VISITOR_ID, FIRST_VISITOR_ID + count)
    return tuple(Account(n, f"visitor{n}@volunteer-vision.com", f"visitor {n}") for n in ids)


class VisitorClient(Protocol):
    """What a visitor needs of a :class:`presence.client.PresenceClient`."""

    def start(self) -> object:
        """Connect."""
        ...

    def hello(self, userid: int, accesstoken: str, *, broadcast: bool) -> Deferred[Any]:
        """Identify the connection."""
        ...

    def goodbye(self) -> Deferred[Any]:
        """Stop being that user."""
        ...

    def stop(self) -> Deferred[None]:
        """Disconnect."""
        ...


class Visitors(Service):
    """
    Users who stay for a while, are away for a while, and come back.

    Each visit is a WebSocket of its own, with a token of its own.

    :param make_client: Makes a client that calls its argument at each new connection.
    """

    def __init__(
        self,
        visitors: Sequence[Account],
        accounts: Accounts,
        make_client: Callable[[Callable[[], object]], VisitorClient],
        clock: IReactorTime,
        random: Random,
    ) -> None:
        self._visitors = visitors
        self._accounts = accounts
        self._make_client = make_client
        self._clock = clock
        self._random = random
        self._lives: list[Deferred[None]] = []
        self._farewells: set[Deferred[None]] = set()

    def startService(self) -> None:
        """Let the visitors come, each within a second."""
        super().startService()
        self._lives = [Deferred.fromCoroutine(self._live(visitor)) for visitor in self._visitors]

    def stopService(self) -> Deferred[Any]:
        """Send all of them home; fires when their connections are closed."""
        super().stopService()
        for life in self._lives:
            life.cancel()
        return gatherResults([*self._lives, *self._farewells])

    async def _live(self, visitor: Account) -> None:
        pause = self._random.uniform(*ARRIVAL_SECONDS)
        while self.running:
            try:
                await self._wait(pause)
                await self._visit(visitor)
            except Exception as problem:  # noqa: BLE001 - whatever went wrong, the next visit may go well
                _log.debug("{name} was cut off: {problem}", name=visitor.name, problem=problem)
            pause = self._random.uniform(*AWAY_SECONDS)

    async def _visit(self, visitor: Account) -> None:
        token = self._accounts.mint(visitor).access_token

        def introduce() -> None:
            client.hello(visitor.id, token, broadcast=False).addErrback(turned_away)

        def turned_away(reason: Failure) -> None:
            _log.debug("{name} was turned away: {problem}", name=visitor.name, problem=reason.value)

        client = self._make_client(introduce)
        _log.debug("{name} comes", name=visitor.name)
        client.start()
        try:
            await self._wait(self._random.uniform(*STAY_SECONDS))
            await client.goodbye()
            _log.debug("{name} goes", name=visitor.name)
        finally:
            self._accounts.revoke(token)
            self._see_off(client)

    def _see_off(self, client: VisitorClient) -> None:
        # Not awaited by the visit, so that cancelling the visit cannot cancel it.
        farewell = client.stop()
        self._farewells.add(farewell)
        farewell.addBoth(lambda _: self._farewells.discard(farewell))

    def _wait(self, seconds: float) -> Deferred[None]:
        return deferLater(self._clock, seconds, lambda: None)
