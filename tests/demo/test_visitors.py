"""Tests of ``presence.demo.visitors``, with clients that only remember what they were told."""

from __future__ import annotations

import gc
from collections.abc import Callable
from random import Random
from typing import Any
from weakref import ref

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.demo.visitors import Visitors, make_visitors
from tests.demo.exchange import make_accounts


class Chance(Random):
    """A chance that is always the same."""

    def __init__(self, chance: float) -> None:
        super().__init__()
        self.chance = chance

    def random(self) -> float:
        """Return it."""
        return self.chance


class RememberingClient:
    """A client without a network; it connects at once."""

    def __init__(self, on_connected: Callable[[], object], *, turns_away: bool) -> None:
        self.calls: list[str] = []
        self.hellos: list[tuple[int, str, bool]] = []
        self.stopped: Deferred[None] = Deferred()
        self.connect = on_connected
        self.turns_away = turns_away

    def start(self) -> None:
        """Connect."""
        self.calls.append("start")
        self.connect()

    def hello(self, userid: int, accesstoken: str, *, broadcast: bool) -> Deferred[Any]:
        """Take or refuse the user."""
        self.calls.append("hello")
        self.hellos.append((userid, accesstoken, broadcast))
        return fail(ValueError("not today")) if self.turns_away else succeed(None)

    def goodbye(self) -> Deferred[Any]:
        """Fail for somebody who never got in."""
        self.calls.append("goodbye")
        return fail(ValueError("who are you")) if self.turns_away else succeed(None)

    def stop(self) -> Deferred[None]:
        """Disconnect, when the test says so."""
        self.calls.append("stop")
        return self.stopped


class VisitorsTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have two visitors who are as late and slow as may be."""
        self.clock = Clock()
        self.accounts = make_accounts(self.clock)
        self.clients: list[RememberingClient] = []
        self.turns_away = False
        self.visitors = self.let_come(Chance(0.999))

    def let_come(self, random: Random) -> Visitors:
        """Start two visitors."""
        visitors = Visitors(make_visitors(2), self.accounts, self.make_client, self.clock, random)
        visitors.startService()
        return visitors

    def make_client(self, on_connected: Callable[[], object]) -> RememberingClient:
        """Make a client and keep it."""
        client = RememberingClient(on_connected, turns_away=self.turns_away)
        self.clients.append(client)
        return client

    def pass_seconds(self, seconds: int) -> None:
        """Let time go by in small steps."""
        self.clock.pump([0.1] * seconds * 10)

    def test_come_within_a_second(self) -> None:
        """Each visitor connects within a second and says who it is, with a token of its own."""
        self.pass_seconds(1)
        hellos = [hello for client in self.clients for hello in client.hellos]
        self.assertEqual({user_id for user_id, _, _ in hellos}, {101, 102})
        for user_id, token, broadcast in hellos:
            account = self.accounts.account_of(token)
            assert account is not None
            self.assertEqual((account.id, account.name), (user_id, f"visitor {user_id}"))
            self.assertFalse(broadcast)

    def test_goes_politely(self) -> None:
        """After at most fifteen seconds a visitor says goodbye and disconnects; its token is gone."""
        self.pass_seconds(16)
        first = self.clients[0]
        self.assertEqual(first.calls, ["start", "hello", "goodbye", "stop"])
        self.assertIsNone(self.accounts.account_of(first.hellos[0][1]))

    def test_stays_a_while(self) -> None:
        """Nobody goes before four seconds are over, not even the hastiest."""
        self.visitors.stopService()
        self.let_come(Chance(0))
        self.pass_seconds(4)
        self.assertEqual([client.calls for client in self.clients], [["start", "hello"]] * 2)

    def test_leaves_nothing(self) -> None:
        """A visit that is over takes no memory."""
        self.pass_seconds(16)
        farewell = ref(self.clients[0].stopped)
        self.clients[0].stopped.callback(None)
        self.clients.clear()
        gc.collect()
        self.assertIsNone(farewell())

    def test_comes_back(self) -> None:
        """A visitor who went comes back, with another connection and another token."""
        self.pass_seconds(60)
        hellos = [hello for client in self.clients for hello in client.hellos if hello[0] == 101]
        self.assertGreater(len({token for _, token, _ in hellos}), 1)

    def test_one_connection_each(self) -> None:
        """A visitor has one connection at a time."""
        for _ in range(60):
            self.pass_seconds(1)
            here = [client.hellos[0][0] for client in self.clients if "stop" not in client.calls]
            self.assertEqual(len(here), len(set(here)))

    def test_connection_lost(self) -> None:
        """A visitor whose connection was lost and is back says again who it is."""
        self.pass_seconds(1)
        self.clients[0].connect()
        self.assertEqual(self.clients[0].hellos[0], self.clients[0].hellos[1])

    def test_turned_away(self) -> None:
        """A visitor who is turned away disconnects all the same, and tries again."""
        self.turns_away = True
        self.pass_seconds(60)
        self.assertGreater(len(self.clients), 2)
        self.assertEqual(self.clients[0].calls, ["start", "hello", "goodbye", "stop"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_stop(self) -> None:
        """Stopping disconnects who is there, and ends when all connections are closed."""
        self.pass_seconds(1)
        stopped = self.visitors.stopService()
        self.assertEqual([client.calls[-1] for client in self.clients], ["stop", "stop"])
        self.clients[0].stopped.callback(None)
        self.assertNoResult(stopped)
        self.clients[1].stopped.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_waits_for_farewells(self) -> None:
        """Stopping also waits for the connection of a visitor who has just gone."""
        self.pass_seconds(1)
        while self.clients[0].calls[-1] != "stop":
            self.clock.advance(0.1)
        self.clients[1].stopped.callback(None)
        stopped = self.visitors.stopService()
        self.assertNoResult(stopped)
        self.clients[0].stopped.callback(None)
        self.successResultOf(stopped)

    def test_stop_before_they_come(self) -> None:
        """Stopping at once leaves no delayed call, and nobody comes."""
        self.successResultOf(self.visitors.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.clients, [])
