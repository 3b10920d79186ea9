"""Clients that never read, while there is a lot to tell them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import LoopingCall, deferLater
from twisted.trial.unittest import TestCase

from presence.host.limits import raise_file_limit
from presence.wire.closing import CloseCode
from tests.canary import SECRET
from tests.real.crowd import Client, Message, Witness, connect, talk
from tests.real.crowd_api import serve_accounts, token
from tests.real.figures import measure, note, round_trips
from tests.real.kernel import memory
from tests.real.processes import NO_FAULT, TWISTD, reserve_port, spawn
from tests.real.reader import Reader

READERS = range(1_000_000, 1_001_000)
"""Users with ids as long as those of a large platform; the list of them has 8 kB."""

LONELY = range(1_001_000, 1_001_100)
"""They do not read either, and nobody writes to them; their memory is added to that of the others."""

FRIENDS = (1, 2)
VISITOR = 3
WRITERS = range(11, 51)
"""Each writes to its share of the readers, without going beyond the limits of one connection."""

LETTER = SECRET.ljust(65_000, "x")
"""About as long as a message may be."""

LETTERS = 7
"""So many for each reader are more than is kept for one who does not read."""

RECEIVE_BUFFER = 4096
CHANGE_SECONDS = 0.1
LOOK_SECONDS = 0.25

MOST_BYTES_EACH = 384 * 1024
MOST_SECONDS = 15.0
STALL_SECONDS = 10.0
"""How long one may take nothing by default; lists are no reason to close one sooner."""

LEAST_CHANGES_A_SECOND = 2.0
LONGEST_ROUND_TRIP_SECONDS = 5.0


class StalledReadersTests(TestCase):
    timeout = 120

    async def start(self, *options: str) -> None:
        """Start a daemon, and let two friends in."""
        raise_file_limit()
        self.clients: list[Client] = []
        url = await serve_accounts(self)
        self.port = reserve_port(self)
        self.addCleanup(lambda: gatherResults([client.ended for client in self.clients]))
        self.addCleanup(self.read_all)
        endpoint = f"tcp:{self.port}:interface=127.0.0.1:backlog=4096"
        self.daemon = spawn(self, *TWISTD, "presence", "--api-url", url, "-e", endpoint, *options)
        await self.daemon.prints("listening on ")
        self.friends = [Witness(user) for user in FRIENDS]
        await self.let_in(self.friends)

    async def let_in(self, clients: Iterable[Client], receive_buffer: int | None = None) -> None:
        """Connect clients; they have a user when this is over."""
        coming = list(clients)
        self.clients += coming
        for client in coming:
            connect(client, self.port, receive_buffer)
        await gatherResults([client.entered for client in coming])

    async def stall(self, users: Iterable[int]) -> list[Reader]:
        """Let users in who do not read."""
        readers = [Reader(user) for user in users]
        await self.let_in(readers, RECEIVE_BUFFER)
        return readers

    def read_all(self) -> None:
        """Let all read again who do not; they would never learn that the daemon has ended."""
        for client in self.clients:
            client.transport.resumeProducing()

    # What goes on around those who do not read

    async def visit(self, visitor: Witness, end: Deferred[None]) -> None:
        """Come and go, so that everybody is to be told ten times a second."""
        hello = {"userid": VISITOR, "accesstoken": token(VISITOR)}
        while not end.called:
            await gatherResults([visitor.ask("GOODBYE"), deferLater(reactor, CHANGE_SECONDS)])
            await gatherResults([visitor.ask("HELLO", **hello), deferLater(reactor, CHANGE_SECONDS)])

    async def write(self, writer: Witness, users: Iterable[int], end: Deferred[None]) -> Counter[int]:
        """Write to users in turn; return how many sockets took what was written to each."""
        delivered: Counter[int] = Counter()
        for user in [*users] * LETTERS:
            while not end.called:
                reply = await writer.ask("sendMessageToUser", id=user, message=LETTER)
                if reply["type"] == "OK":
                    delivered[user] += reply["delivered"]
                    break
                await deferLater(reactor, reply["after"])
        return delivered

    async def all_closed(self, readers: list[Reader]) -> None:
        """Wait until the daemon has closed all that do not read."""

        def look() -> None:
            now = reactor.seconds()
            for reader in readers:
                reader.look(now)
            if all(reader.closed_at for reader in readers):
                looking.stop()

        looking = LoopingCall(look)
        await looking.start(LOOK_SECONDS)

    # What has to hold

    def assert_small(self, base_bytes: int) -> None:
        """Check how much memory the daemon ever had for those who do not read."""
        each_bytes = (memory(self.daemon.pid, "VmHWM") - base_bytes) / len(READERS)
        note(f"memory for each of {len(READERS)} clients that do not read", f"{each_bytes / 1024:.0f} KiB")
        self.assertLess(each_bytes, MOST_BYTES_EACH)

    def assert_closed_in_time(self, readers: list[Reader], users: range, least_seconds: float) -> None:
        """Check how long each of these users was kept after there was no room for more."""
        readers = [reader for reader in readers if reader.user_id in users]
        seconds = sorted(reader.closed_at - reader.full_at for reader in readers)
        note(f"until {len(readers)} of them were closed", f"{seconds[0]:.1f} to {seconds[-1]:.1f} s")
        self.assertNotIn(0, {reader.full_at for reader in readers})
        self.assertLess(seconds[-1], MOST_SECONDS)
        self.assertGreater(seconds[0], least_seconds)

    def assert_told_everything(self, friend: Witness, version: int) -> None:
        """Check that a friend was told each version since a subscription, change by change and as a list."""
        changes = [event for event in friend.told if event["type"] == "onlineStatus"]
        lists = [event["version"] for event in friend.told if event["type"] == "onlineUsers"]
        versions = [version, *(change["version"] for change in changes)]
        self.assertEqual([change["previous"] for change in changes], versions[:-1])
        self.assertEqual(lists, versions)

    async def assert_delivered(self, readers: list[Reader], delivered: Counter[int]) -> None:
        """Check that who was not reset finds everything that was delivered."""
        for reader in readers:
            reader.read_on()
        await gatherResults([reader.ended for reader in readers])
        self.assertLessEqual({reader.closed_with for reader in readers}, {None, CloseCode.TOO_SLOW})
        for reader in readers:
            if reader.closed_with is not None:
                self.assertEqual(reader.found, delivered[reader.user_id])

    async def test_thousand(self) -> None:
        """A thousand who never read need little memory, are closed in time, and disturb nobody."""
        await self.start("--settle=5", "--broadcast-interval=0.05")
        subscribed: list[Deferred[Message]] = [friend.ask("subscribeOnlineStatus") for friend in self.friends]
        base_bytes = memory(self.daemon.pid)
        readers = await self.stall([*READERS, *LONELY])
        visitor, *writers = (Witness(user) for user in (VISITOR, *WRITERS))
        await self.let_in([visitor, *writers])
        replies = await gatherResults(subscribed)
        begun = reactor.seconds()

        end = Deferred.fromCoroutine(self.all_closed(readers))
        talking = Deferred.fromCoroutine(talk(self.friends, end))
        visiting = Deferred.fromCoroutine(self.visit(visitor, end))
        writing = [
            Deferred.fromCoroutine(self.write(writer, READERS[place :: len(writers)], end))
            for place, writer in enumerate(writers)
        ]
        await end
        seconds = reactor.seconds() - begun
        trips = await talking
        await visiting
        delivered = sum(await gatherResults(writing), Counter[int]())

        told = sum(event["type"] == "onlineStatus" for event in self.friends[0].told)
        note("meanwhile", f"{told / seconds:.1f} broadcasts a second, {delivered.total()} messages delivered")
        note("an honest client meanwhile", round_trips(trips))
        self.assert_small(base_bytes)
        self.assert_closed_in_time(readers, READERS, 0)
        self.assert_closed_in_time(readers, LONELY, STALL_SECONDS)
        self.assertGreater(told / seconds, LEAST_CHANGES_A_SECOND)
        self.assertLess(max(trips), LONGEST_ROUND_TRIP_SECONDS)
        for friend, reply in zip(self.friends, replies, strict=True):
            self.assert_told_everything(friend, reply["version"])
        await self.assert_delivered(readers, delivered)
        self.assertRegex(self.daemon.printed, NO_FAULT)

    async def test_overflow(self) -> None:
        """One who reads on after too much was written finds all that was delivered, and then 4513."""
        (reader,) = await self.start_and_stall()
        delivered = await self.write_to(reader, 2 * LETTERS)
        self.assertLess(delivered, 2 * LETTERS)
        reader.read_on()
        await reader.ended
        self.assertEqual((reader.found, reader.closed_with), (delivered, CloseCode.TOO_SLOW))

    async def test_in_time(self) -> None:
        """One who reads on in time finds all that was delivered, and is served as before."""
        (reader,) = await self.start_and_stall()
        self.assertEqual(await self.write_to(reader, 4), 4)
        reader.read_on()
        reader.say({"type": "PING"})
        await reader.answered
        self.assertEqual((reader.found, reader.closed_with), (4, None))

    async def start_and_stall(self) -> list[Reader]:
        """Start a daemon with one who does not read."""
        await self.start("--settle=0")
        return await self.stall(READERS[:1])

    async def write_to(self, reader: Reader, letters: int) -> int:
        """Write so many letters to one reader; return how many were delivered."""
        writer = self.friends[0]
        asked = [writer.ask("sendMessageToUser", id=reader.user_id, message=LETTER) for _ in range(letters)]
        return sum(reply["delivered"] for reply in await gatherResults(asked))


if __name__ == "__main__":
    measure("tests.real.test_stalled_readers")
