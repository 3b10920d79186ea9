"""Tests of clients that ask for too much."""

from __future__ import annotations

from msgspec import Raw

from presence.admission.limits import Limit
from presence.admission.rates import BYTES_OF_A_REQUEST
from presence.config import Settings
from presence.testing import FakeClient, FakeDaemon
from presence.wire.closing import CloseCode
from presence.wire.messages import GetAllOnline, Goodbye, Hello, Ping, SendMessageToUser
from tests.canary import TOKEN
from tests.session.case import SessionTestCase, gist


class RateTests(SessionTestCase):
    def setUp(self) -> None:
        """Make a daemon that takes ten requests at once, of a user fifteen."""
        settings = Settings(
            settle=0,
            token_recheck=0,
            request_burst=10,
            request_rate=1,
            user_request_burst=15,
            user_request_rate=1,
            max_sockets_per_user=2,
        )
        self.daemon = FakeDaemon(settings)
        self.tokens, self.clock = self.daemon.tokens, self.daemon.clock

    def ask(self, client: FakeClient, count: int) -> list[str]:
        """Ask so many times; return the outcome of each."""
        return [
            outcome
            for _ in range(count)
            for _, outcome in gist(client.say(GetAllOnline()))
            if outcome in {"OK", "rate_limited"}
        ]

    def test_limited(self) -> None:
        """Beyond its burst a client is refused with the time after which to ask again, and then served."""
        client = self.daemon.hello(1)
        self.assertEqual(self.ask(client, 9), ["OK"] * 9)
        (error,) = client.say(GetAllOnline(ref=1))
        self.assertEqual((error["code"], error["ref"], error["after"]), ("rate_limited", 1, 1))
        self.clock.advance(error["after"])
        self.assertEqual(self.ask(client, 1), ["OK"])

    def test_hello_counts(self) -> None:
        """HELLO is a request as others are, whatever comes of it."""
        client = self.daemon.connect()
        outcomes = [
            message["code"]
            for _ in range(11)
            for message in client.say(Hello(userid=1, accesstoken=TOKEN))
            if message["type"] == "ERROR"
        ]
        self.assertEqual(outcomes, ["rate_limited"])

    def test_bad_token_is_dear(self) -> None:
        """A HELLO with a token that is refused counts for ten more, on top of what it is."""
        self.tokens.waits = True
        client = self.daemon.connect()
        client.say(Hello(userid=1, accesstoken=TOKEN))
        self.clock.advance(2)
        self.refuse()
        client.take()
        self.assertEqual(gist(client.say(Hello(userid=1, accesstoken=TOKEN)))[0][1], "rate_limited")

    def test_changes_nothing(self) -> None:
        """A request that is refused is not done."""
        sender, receiver = self.daemon.hello(1), self.daemon.hello(2)
        self.ask(sender, 9)
        sender.say(SendMessageToUser(id=2, message=Raw(b"1")))
        self.assertEqual(receiver.take_of("message"), [])

    def test_goes_on_regardless(self) -> None:
        """A client that goes on as if it had not been refused is closed 4529, after its answer."""
        client = self.daemon.hello(1)
        self.assertEqual(self.ask(client, 9 + 10), ["OK"] * 9 + ["rate_limited"] * 10)
        self.assertIsNone(client.connection.closed_with)
        self.assertEqual(self.ask(client, 1), ["rate_limited"])
        self.assertEqual(client.connection.closed_with, CloseCode.TOO_MANY_REQUESTS)

    def test_ping(self) -> None:
        """A PING now and then is answered also to who is refused everything else."""
        client = self.daemon.hello(1)
        self.ask(client, 10)
        self.assertEqual(gist(client.say(Ping(ref=1))), [(1, "OK")])
        self.assertEqual(gist(client.say(Ping(ref=2))), [(2, "rate_limited")])

    def test_inflated(self) -> None:
        """A message that came compressed counts for the more the larger it got."""
        client = self.daemon.hello(1)
        client.inflate(5 * BYTES_OF_A_REQUEST)
        self.assertEqual(self.ask(client, 5), ["OK"] * 4 + ["rate_limited"])

    def test_inflated_flood(self) -> None:
        """Who sends only such messages is closed."""
        client = self.daemon.hello(1)
        for _ in range(5):
            client.inflate(5 * BYTES_OF_A_REQUEST)
        self.assertEqual(client.connection.closed_with, CloseCode.TOO_MANY_REQUESTS)

    def test_malformed(self) -> None:
        """A frame that is no request counts for ten."""
        client = self.daemon.hello(1)
        client.send_malformed()
        self.assertEqual(self.ask(client, 1), ["OK"])
        client.send_malformed()
        self.assertEqual(client.connection.closed_with, CloseCode.TOO_MANY_REQUESTS)

    def test_after_goodbye(self) -> None:
        """A connection that is nobody any more takes nothing from whom it was."""
        first, second = self.daemon.hello(1), self.daemon.hello(1)
        second.say(Goodbye())
        for _ in range(8):
            second.say(GetAllOnline())
        self.assertEqual([*self.ask(first, 9), *self.ask(self.daemon.hello(1), 6)].count("OK"), 14)

    def test_user(self) -> None:
        """The sockets of a user share what the user may ask for."""
        first, second = self.daemon.hello(1), self.daemon.hello(1)
        self.assertEqual(self.ask(first, 9), ["OK"] * 9)
        self.assertEqual(self.ask(second, 9), ["OK"] * 6 + ["rate_limited"] * 3)
        self.assertEqual(self.ask(self.daemon.hello(2), 9), ["OK"] * 9)
        self.assertEqual(self.daemon.limits.exceeded, {Limit.USER_REQUESTS: 3})


class SocketsOfUserTests(SessionTestCase):
    def setUp(self) -> None:
        """Make a daemon that lets a user have two sockets."""
        self.daemon = FakeDaemon(Settings(settle=0, token_recheck=0, max_sockets_per_user=2))

    def test_oldest(self) -> None:
        """With one socket too many the oldest of that user is closed 4409, and no other."""
        clients = [self.daemon.hello(user) for user in (2, 1, 1, 1)]
        too_many = CloseCode.TOO_MANY_SOCKETS
        closed = [client.connection.closed_with for client in clients]
        self.assertEqual(closed, [None, too_many, None, None])
        clients[1].vanish(too_many)
        self.daemon.hello(1)
        self.assertEqual(clients[2].connection.closed_with, too_many)
        self.assertEqual(self.daemon.limits.exceeded, {Limit.SOCKETS: 2})
