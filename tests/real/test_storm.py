"""A restart under thousands of clients, all of which come back at the same moment."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from presence.host.limits import raise_file_limit
from tests.real.crowd import Client, Witness, connect, talk
from tests.real.crowd_api import serve_accounts
from tests.real.figures import measure, note, round_trips
from tests.real.processes import NO_FAULT, TWISTD, Running, reserve_port, spawn

USERS = range(1_000_000, 1_005_000)
"""Those who come back; ids as long as those of a large platform."""

FRIENDS = (1, 2)
"""Two clients who talk to each other all the time."""

EVERYBODY = len(USERS) + len(FRIENDS)

AT_ONCE = 100
"""How many begin to connect in one turn, so that the friends are not kept waiting by ourselves."""

MARGIN_SECONDS = 1.0
"""How long the reply with the list may be under way."""

MOST_LATE = EVERYBODY // 20
"""How many may come so late that the daemon no longer takes them for a part of the crowd."""

MOST_SECONDS = 60.0
"""How long it may take until everybody is in again."""

LONGEST_ROUND_TRIP_SECONDS = 5.0


class Member(Client):
    """
    One of the crowd, who looks no further than how long the lists are.

    :ivar entered_at: When it was in.
    :ivar informed: Fires when it was told a list of everybody.
    :ivar collapses: How many lists it was told that are shorter than the one before.
    """

    def __init__(self, user_id: int, *, broadcast: bool) -> None:
        super().__init__(user_id, broadcast=broadcast)
        self.entered_at = 0.0
        self.informed: Deferred[None] = Deferred()
        self.collapses = 0
        self.entered.addCallback(self._note_time)
        self._length = 0

    def hear(self, payload: bytes) -> None:
        """Note how long a list is."""
        if not payload.startswith(b'{"type":"onlineUsers"'):
            return
        length = payload.count(b",") - 2  # those around epoch and version
        self.collapses += length < self._length
        self._length = length
        if length == EVERYBODY and not self.informed.called:
            self.informed.callback(None)

    def _note_time(self, _: None) -> None:
        self.entered_at = reactor.seconds()


class StormTests(TestCase):
    timeout = 180

    async def prepare(self) -> None:
        """Make ready what outlives the daemon."""
        raise_file_limit()
        self.url = await serve_accounts(self)
        self.port = reserve_port(self)
        self.crowd: list[Member] = []
        self.addCleanup(lambda: gatherResults([member.ended for member in self.crowd]))

    async def start(self) -> None:
        """Start the daemon, on the same port as before if there was one, and let the friends in."""
        endpoint = f"tcp:{self.port}:interface=127.0.0.1:backlog=4096"
        self.daemon: Running = spawn(self, *TWISTD, "presence", "--api-url", self.url, "-e", endpoint)
        await self.daemon.prints("listening on ")
        self.began_at = reactor.seconds()
        self.friends = [Witness(user) for user in FRIENDS]
        for friend in self.friends:
            connect(friend, self.port)
            await friend.entered
        self.listed = Deferred.fromCoroutine(self.first_list())

    async def first_list(self) -> tuple[set[int], float]:
        """Return the users on the first list, and when it came."""
        reply = await self.friends[1].ask("subscribeOnlineStatus")
        return {*reply["online"]}, reactor.seconds()

    async def all_come(self, *, broadcast: bool) -> list[float]:
        """
        Let the whole crowd in while the friends talk.

        :param broadcast: Whether each of them wants to be told the list.
        :return: How long the round trips of the friends took.
        """
        self.crowd = [Member(user, broadcast=broadcast) for user in USERS]
        entered = gatherResults([member.entered for member in self.crowd], consumeErrors=True)
        talking = Deferred.fromCoroutine(talk(self.friends, entered))
        for start in range(0, len(self.crowd), AT_ONCE):
            for member in self.crowd[start : start + AT_ONCE]:
                connect(member, self.port)
            await deferLater(reactor, 0)
        await entered
        return await talking

    async def end(self, signal: str) -> None:
        """End the daemon, and with it all connections."""
        self.daemon.signal(signal)
        await gatherResults([client.ended for client in (*self.crowd, *self.friends)])
        await self.daemon.ended
        self.assertRegex(self.daemon.printed, NO_FAULT)

    async def assert_list_complete(self) -> None:
        """Check that the first list has everybody who was in before it was made, and that is the crowd."""
        listed, listed_at = await self.listed
        early = {member.user_id for member in self.crowd if member.entered_at < listed_at - MARGIN_SECONDS}
        self.assertEqual(early - listed, set())
        self.assertGreaterEqual(len(listed), EVERYBODY - MOST_LATE)
        seconds = listed_at - self.began_at
        note(f"the first list, {seconds:.1f} s after the start", f"{len(listed)} of {EVERYBODY} users")

    def assert_nobody_left(self) -> None:
        """Check that a friend was never told that anybody went offline, and nobody that the list shrank."""
        changes = [event for event in self.friends[1].told if event["type"] == "onlineStatus"]
        self.assertEqual([change for change in changes if change.get("wentOffline") != []], [])
        self.assertEqual(sum(member.collapses for member in self.crowd), 0)

    async def assert_calm(self, signal: str) -> None:
        """Assert that whoever was online stays so for everybody, though a signal ends the daemon."""
        await self.prepare()
        await self.start()
        await self.all_come(broadcast=False)
        await self.listed
        await self.end(signal)
        self.assert_nobody_left()

        await self.start()
        trips = await self.all_come(broadcast=True)
        seconds = reactor.seconds() - self.began_at
        await self.assert_list_complete()
        await gatherResults([member.informed for member in self.crowd])
        self.assert_nobody_left()
        self.assertLess(seconds, MOST_SECONDS)
        self.assertLess(max(trips), LONGEST_ROUND_TRIP_SECONDS)
        note(f"{len(USERS)} clients return after SIG{signal}", f"all in after {seconds:.1f} s")
        note("told to come again later", str(sum(member.postponed for member in self.crowd)))
        note("an honest client meanwhile", round_trips(trips))
        await self.end("KILL")

    async def test_crash(self) -> None:
        """After a crash thousands return at once, nobody is told they were away, and others are served."""
        await self.assert_calm("KILL")

    async def test_restart(self) -> None:
        """After a restart by SIGTERM thousands return at once, and it is the same."""
        await self.assert_calm("TERM")


if __name__ == "__main__":
    measure("tests.real.test_storm")
