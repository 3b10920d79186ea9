"""Tests of what an identified socket can ask."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec
from msgspec import Raw
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from presence.config import Settings
from presence.interfaces import Delivery, IRelay, Socket
from presence.requests import MOST_BYTES_PER_PAGE, SOCKET_BYTES, USER_BYTES, Requests
from presence.roster.history import Cause
from presence.testing import FakeClient, FakeConnection, FakeDaemon
from presence.websocket.protocol import MOST_QUEUED_BYTES
from presence.wire.closing import CloseCode
from presence.wire.messages import LARGEST_INT, GetAllOnline, Goodbye, Message, SendMessageToUser

LONGEST_TIME = 1_767_222_000.125
LONGEST_REF = "\x01" * 64
"""Its every character takes six bytes."""

HOLD_SECONDS = 60

MOST_SINGLE = MOST_BYTES_PER_PAGE // (SOCKET_BYTES + USER_BYTES)
"""How many users with one socket each fit on a page; there is room for three more without any."""


@implementer(IRelay)
class SlowRelay:
    """A relay whose answers the test gives."""

    def __init__(self) -> None:
        self.deliveries: list[Deferred[Delivery]] = []

    def deliver(self, addressee: int | None, message: Message) -> Deferred[Delivery]:
        """Wait for the test."""
        del addressee, message
        self.deliveries.append(Deferred())
        return self.deliveries[-1]


class RequestsTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a daemon that publishes each change at once."""
        self.daemon = FakeDaemon(Settings(settle=0, broadcast_interval=0))

    def come(self, user: int) -> FakeClient:
        """Let a user come who gets no lists."""
        return self.daemon.hello(user, broadcast=False)


class SendMessageTests(RequestsTestCase):
    def send(self, client: FakeClient, user: int, payload: bytes = b"1", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - the request's fields
        """Let a client send a message; return the reply."""
        request = SendMessageToUser(id=user, message=Raw(payload), **fields)
        return next(message for message in client.say(request) if message["type"] != "message")

    def use(self, relay: IRelay) -> None:
        """Put another relay into the daemon."""
        daemon = self.daemon
        daemon.requests = Requests(
            daemon.roster, relay, daemon.broadcast, daemon.limits, daemon.clock, daemon.settings
        )

    def test_event(self) -> None:
        """A message says who sent it, when, and what, and carries its key."""
        sender, receiver = self.come(1), self.come(2)
        self.daemon.clock.advance(1.23456)
        self.send(sender, 2, b'{"text":"hi"}', key="k")
        expected = {"type": "message", "from": 1, "message": {"text": "hi"}, "key": "k", "ts": 1.235}
        self.assertEqual(receiver.take(), [expected])

    def test_no_key(self) -> None:
        """A message without a key arrives without one."""
        sender, receiver = self.come(1), self.come(2)
        self.send(sender, 2)
        self.assertNotIn("key", receiver.take()[0])

    def test_null(self) -> None:
        """Any JSON value is a message, also none."""
        sender, receiver = self.come(1), self.come(2)
        self.send(sender, 2, b"null")
        self.assertIsNone(receiver.take()[0]["message"])

    def test_count(self) -> None:
        """The reply says how many sockets took it."""
        sender, *_ = self.come(1), self.come(2), self.come(2)
        reply = self.send(sender, 2, ref=7)
        self.assertEqual(reply, {"type": "OK", "re": "sendMessageToUser", "ref": 7, "delivered": 2})

    def test_every_socket(self) -> None:
        """Every socket of the user gets it, and no one else."""
        sender, first, second, other = self.come(1), self.come(2), self.come(2), self.come(3)
        self.send(sender, 2)
        counts = [len(client.take()) for client in (sender, first, second, other)]
        self.assertEqual(counts, [0, 1, 1, 0])

    def test_oneself(self) -> None:
        """A message to oneself reaches the other tabs and the one that sent it."""
        first, second = self.come(1), self.come(1)
        received = first.say(SendMessageToUser(id=1, message=Raw(b"1")))
        self.assertEqual(sorted(message["type"] for message in received), ["OK", "message"])
        self.assertEqual(len(second.take_of("message")), 1)

    def test_nobody(self) -> None:
        """Nobody online is no error."""
        self.assertEqual(self.send(self.come(1), 2)["delivered"], 0)

    def test_held(self) -> None:
        """A user who is only held online has no socket to deliver to."""
        sender = self.come(1)
        self.come(2).vanish()
        self.assertEqual(self.send(sender, 2)["delivered"], 0)

    def test_unpublished(self) -> None:
        """A user is reached also before the others are told that there is one."""
        self.daemon = FakeDaemon()
        sender, receiver = self.come(1), self.come(2)
        self.assertEqual(self.daemon.roster.journal.online, [1])
        self.assertEqual((self.send(sender, 2)["delivered"], len(receiver.take())), (1, 1))

    def test_settling(self) -> None:
        """Messages do not wait for the list to settle."""
        self.daemon = FakeDaemon(Settings(settle=5))
        sender, _ = self.come(1), self.come(2)
        self.assertEqual(self.send(sender, 2)["delivered"], 1)

    def test_not_taken(self) -> None:
        """A socket that closes does not count."""
        sender, receiver, _ = self.come(1), self.come(2), self.come(2)
        receiver.connection.close(CloseCode.TOO_SLOW)
        self.assertEqual(self.send(sender, 2)["delivered"], 1)

    def test_order(self) -> None:
        """Messages from one socket to one user keep their order, others' in between or not."""
        first, second, receiver = self.come(1), self.come(2), self.come(3)
        for number in range(20):
            self.send(first, 3, b"%d" % number)
            self.send(second, 3, b"%d" % number)
        received = receiver.take()
        for sender in (1, 2):
            numbers = [event["message"] for event in received if event["from"] == sender]
            self.assertEqual(numbers, list(range(20)))

    def test_later(self) -> None:
        """A reply that has to wait for the relay may be overtaken by another."""
        relay = SlowRelay()
        self.use(relay)
        client = self.come(1)
        client.say(SendMessageToUser(id=2, message=Raw(b"1"), ref=1))
        (page,) = client.say(GetAllOnline(ref=2))
        relay.deliveries[0].callback(Delivery(delivered=3))
        (reply,) = client.take()
        self.assertEqual((page["ref"], reply["ref"], reply["delivered"]), (2, 1, 3))

    def test_uncertain(self) -> None:
        """The reply says when the count may be too low, and only then."""
        relay = SlowRelay()
        self.use(relay)
        client = self.come(1)
        client.say(SendMessageToUser(id=2, message=Raw(b"1")))
        relay.deliveries[0].callback(Delivery(delivered=1, uncertain=True))
        self.assertTrue(client.take()[0]["uncertain"])


class GetAllOnlineTests(RequestsTestCase):
    def setUp(self) -> None:
        """Let somebody come who asks."""
        super().setUp()
        self.client = self.come(100)

    def ask(self, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - the request's fields
        """Ask for a page."""
        (page,) = self.client.say(GetAllOnline(**fields))
        return page

    def test_page(self) -> None:
        """A page lists users, and their sockets with the time of their HELLO, by position."""
        self.daemon.clock.advance(1.23456)
        self.come(2)
        page = self.ask(ref=1)
        (mine,), (theirs,) = map(self.daemon.roster.sockets_of, (100, 2))
        sockets = [
            {"socket": theirs.id, "userid": 2, "identified": 1.235},
            {"socket": mine.id, "userid": 100, "identified": 0},
        ]
        position = {"epoch": self.daemon.roster.journal.epoch, "version": 2}
        expected = {"type": "OK", "re": "getAllOnline", "ref": 1, "online": [2, 100], "sockets": sockets}
        self.assertEqual(page, expected | position)

    def test_pages(self) -> None:
        """Page follows page until one has no next, and each user is on one of them."""
        for user in range(1, 6):
            self.come(user)
        pages = [self.ask(limit=2)]
        while "next" in pages[-1]:
            pages.append(self.ask(limit=2, cursor=pages[-1]["next"]))
        self.assertEqual([page["online"] for page in pages], [[1, 2], [3, 4], [5, 100]])

    def test_sockets_stay_together(self) -> None:
        """All sockets of a user are on the user's page, however many there are."""
        for user in (1, 1, 1, 2, 2):
            self.come(user)
        first = self.ask(limit=1)
        second = self.ask(limit=1, cursor=first["next"])
        users = [[socket["userid"] for socket in page["sockets"]] for page in (first, second)]
        self.assertEqual(users, [[1, 1, 1], [2, 2]])

    def test_exactly_full(self) -> None:
        """A last page that is full has no next."""
        self.come(1)
        self.assertNotIn("next", self.ask(limit=2))

    def test_cursor_outlives_its_user(self) -> None:
        """A cursor is good also when the user at the end of its page has left."""
        leaver, _ = self.come(1), self.come(2)
        cursor = self.ask(limit=1)["next"]
        leaver.say(Goodbye())
        self.assertEqual(self.ask(cursor=cursor)["online"], [2, 100])

    def test_empty_last_page(self) -> None:
        """The last page may be empty: all who were left have gone."""
        leaver, other = self.come(101), self.come(99)
        cursor = self.ask(limit=2)["next"]
        leaver.say(Goodbye())
        page = self.ask(cursor=cursor)
        self.assertEqual((page["online"], page["sockets"], "next" in page), ([], [], False))
        self.assertEqual(other.take(), [])

    def test_largest_cursor(self) -> None:
        """The largest user id is a good cursor."""
        self.assertEqual(self.ask(cursor=str(LARGEST_INT))["online"], [])

    def test_held(self) -> None:
        """A user who is only held online is listed, without a socket."""
        self.come(2).vanish()
        page = self.ask()
        self.assertEqual(page["online"], [2, 100])
        self.assertEqual([socket["userid"] for socket in page["sockets"]], [100])


class LargePagesTests(RequestsTestCase):
    def setUp(self) -> None:
        """Let somebody come who asks, and whose id is one of the longest."""
        self.daemon = FakeDaemon(Settings(settle=0, max_sockets_per_user=10_000))
        self.daemon.clock.advance(LONGEST_TIME)
        self.client = self.come(LARGEST_INT)
        self.users = [LARGEST_INT]
        self.ids = count()

    def let_in(self, users: int, *, sockets: int = 1) -> None:
        """Let users come before those who are there, with so many sockets each, or else held."""
        come = range(self.users[0] - users, self.users[0])
        requests, now = self.daemon.requests, self.daemon.clock.seconds()
        for user in come:
            for _ in range(sockets or 1):
                socket = Socket(f"{next(self.ids):024x}", user, FakeConnection(), now)
                requests.join(socket, broadcast=False)
            if not sockets:
                requests.leave(socket, HOLD_SECONDS, Cause.LOST)
        self.users[:0] = come
        self.daemon.clock.advance(0.25)

    def pages(self) -> list[dict[str, Any]]:
        """Return all pages, one after the other."""
        pages = self.client.say(GetAllOnline(ref=LONGEST_REF))
        while "next" in pages[-1]:
            pages += self.client.say(GetAllOnline(ref=LONGEST_REF, cursor=pages[-1]["next"]))
        return pages

    def assert_pages(self, *lengths: int) -> None:
        """Check how many users are on each of the pages, and that each user is on one, with all sockets."""
        pages = self.pages()
        self.assertEqual([len(page["online"]) for page in pages], [*lengths])
        self.assertEqual([user for page in pages for user in page["online"]], self.users)
        for page in pages:
            expected = [
                socket.id for user in page["online"] for socket in self.daemon.roster.sockets_of(user)
            ]
            self.assertEqual([socket["socket"] for socket in page["sockets"]], expected)

    def test_exactly_full(self) -> None:
        """What just fits is on one page."""
        self.let_in(3, sockets=0)
        self.let_in(MOST_SINGLE - 1)
        self.assert_pages(MOST_SINGLE + 3)

    def test_one_too_many(self) -> None:
        """One user more, though without a socket, is on a page of its own."""
        self.let_in(4, sockets=0)
        self.let_in(MOST_SINGLE - 1)
        self.assert_pages(MOST_SINGLE + 3, 1)

    def test_never_split(self) -> None:
        """A user whose sockets do not all fit begins the next page."""
        self.let_in(1, sockets=16)
        self.let_in(MOST_SINGLE - 8)
        self.assert_pages(MOST_SINGLE - 8, 2)

    def test_too_many_of_one(self) -> None:
        """A user who does not fit on any page is alone on one."""
        self.let_in(1, sockets=MOST_BYTES_PER_PAGE // SOCKET_BYTES + 1)
        self.let_in(1)
        self.assert_pages(1, 1, 1)

    def test_limit(self) -> None:
        """The limit still ends a page before it is full."""
        self.let_in(3)
        (page,) = self.client.say(GetAllOnline(limit=2))
        self.assertEqual((page["online"], page["next"]), (self.users[:2], str(self.users[1])))

    def test_all(self) -> None:
        """Page after page lists everybody once, with all sockets, whoever has how many."""
        for sockets in (16, 0, 3, 1):
            self.let_in(150, sockets=sockets)
        self.assert_pages(583, 18)

    def test_size(self) -> None:
        """A full page fits into the send queue, with the longest ids, and nearly fills it."""
        self.let_in(MOST_SINGLE)
        size = len(msgspec.json.encode(self.pages()[0]))
        self.assertLessEqual(size, MOST_QUEUED_BYTES)
        self.assertGreater(size, MOST_QUEUED_BYTES - 2048)

    def test_sizes(self) -> None:
        """What a user and a socket count for is what they take."""
        self.let_in(1)
        (page,) = self.pages()
        (socket, _), (user, _) = page["sockets"], page["online"]
        sizes = [len(msgspec.json.encode(each)) + len(",") for each in (socket, user)]
        self.assertEqual(sizes, [SOCKET_BYTES, USER_BYTES])


class UnpublishedTests(RequestsTestCase):
    def test_socket_is_missing(self) -> None:
        """A user who is not published yet is neither listed nor are the sockets."""
        self.daemon = FakeDaemon()
        client = self.come(1)
        self.come(2)
        (page,) = client.say(GetAllOnline())
        self.assertEqual(page["online"], [1])
        self.assertEqual([socket["userid"] for socket in page["sockets"]], [1])

    def test_who_left(self) -> None:
        """A user whose going is not published yet is still listed, without a socket."""
        self.daemon = FakeDaemon()
        client = self.come(1)
        leaver = self.come(2)
        self.daemon.clock.advance(0.25)
        leaver.say(Goodbye())
        (page,) = client.say(GetAllOnline())
        self.assertEqual((page["online"], len(page["sockets"])), ([1, 2], 1))
