"""How much a connection and a user may ask for."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.admission.limits import Limit, Limits
from presence.admission.rates import Allowance, Rates, TokenBucket
from presence.config import Settings


class TokenBucketTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a bucket."""
        self.bucket = TokenBucket(rate=50, burst=200, level=200, at=0)

    def take(self, count: int, now: float = 0) -> list[float]:
        """Return how long each of so many requests has to wait."""
        return [self.bucket.take(now) for _ in range(count)]

    def test_burst(self) -> None:
        """As many as the burst are let through at once, and not one more."""
        self.assertEqual(self.take(201), [0] * 200 + [1 / 50])

    def test_rate(self) -> None:
        """In the long run as many pass as the rate says."""
        self.take(200)
        self.assertEqual(self.take(51, now=1), [0] * 50 + [1 / 50])

    def test_never_limited(self) -> None:
        """Who asks no faster than the rate is never refused, however long."""
        waits = [self.bucket.take(second / 50) for second in range(5000)]
        self.assertEqual(set(waits), {0})

    def test_one_after_the_other(self) -> None:
        """Those that are refused at once are told to come back one after the other, and then pass."""
        self.take(200)
        waits = self.take(100)
        self.assertEqual([round(wait, 9) for wait in waits], [number / 50 for number in range(1, 101)])
        self.assertEqual([self.bucket.take(wait + 1e-9) for wait in waits], [0] * 100)
        self.assertFalse(self.bucket.ignored)

    def test_goes_on(self) -> None:
        """Who is refused as often as the burst and still asks, goes on regardless."""
        self.take(400)
        self.assertFalse(self.bucket.ignored)
        self.take(1)
        self.assertTrue(self.bucket.ignored)

    def test_forgets(self) -> None:
        """Refusals are forgotten, ten times more slowly than requests."""
        self.take(400)
        self.take(51, now=1)
        self.assertFalse(self.bucket.ignored)
        self.assertAlmostEqual(self.bucket.refused, 200 - 5 + 1)

    def test_dearer_than_all(self) -> None:
        """What costs more than the whole burst takes the whole burst."""
        self.assertEqual([self.bucket.take(0, 500), self.bucket.take(4, 500)], [0, 0])
        self.assertEqual([self.bucket.take(4), self.bucket.take(8, 500)], [1 / 50, 0])

    def test_clock_set_back(self) -> None:
        """A clock that is set back takes nothing away, and goes on from there."""
        self.take(200, now=1000)
        self.assertEqual(self.take(1, now=10), [1 / 50])
        self.assertEqual(self.take(1, now=11), [0])


class AllowanceTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make the rates of a daemon."""
        self.clock = Clock()
        self.limits = Limits(self.clock)
        settings = Settings(request_rate=1, request_burst=4, user_request_rate=2, user_request_burst=6)
        self.rates = Rates(settings, self.limits, self.clock)

    def identified(self, user_id: int) -> Allowance:
        """Return the allowance of a connection that has a user."""
        allowance = self.rates.allowance("peer")
        allowance.enter(user_id)
        return allowance

    def taken(self, allowance: Allowance, count: int) -> int:
        """Return how many of so many requests pass."""
        return [allowance.take() for _ in range(count)].count(0)

    def test_connection(self) -> None:
        """Each connection has an allowance of its own."""
        first, second = self.rates.allowance("peer"), self.rates.allowance("peer")
        self.assertEqual((self.taken(first, 9), self.taken(second, 9)), (4, 4))
        self.assertEqual(self.limits.exceeded, {Limit.REQUESTS: 10})

    def test_user(self) -> None:
        """The sockets of a user share what the user may ask for; other users do not notice."""
        allowances = [self.identified(1) for _ in range(3)]
        self.assertEqual([self.taken(allowance, 4) for allowance in allowances], [4, 2, 0])
        self.assertEqual(self.taken(self.identified(2), 4), 4)
        self.assertEqual(self.limits.exceeded, {Limit.USER_REQUESTS: 6})

    def test_greedy_socket(self) -> None:
        """What a socket is refused for itself is not taken from its user."""
        self.taken(self.identified(1), 100)
        self.assertEqual(self.taken(self.identified(1), 2), 2)

    def test_polite_sibling(self) -> None:
        """Of the sockets of a user only the one that goes on regardless is known for it."""
        settings = Settings(request_burst=100, user_request_burst=10)
        self.rates = Rates(settings, self.limits, self.clock)
        greedy, polite = self.identified(1), self.identified(1)
        self.taken(greedy, 300)
        self.assertEqual(self.taken(polite, 1), 0)
        self.assertEqual((greedy.ignored, polite.ignored), (True, False))

    def test_goes_on_as_one_of_many(self) -> None:
        """Who is refused only because its user asks for too much, and still asks, is known as well."""
        settings = Settings(request_rate=50, request_burst=100, user_request_rate=1, user_request_burst=10)
        self.rates = Rates(settings, self.limits, self.clock)
        allowance = self.identified(1)
        for _ in range(5):
            self.taken(allowance, 50)
            self.clock.advance(1)
        self.assertEqual(set(self.limits.exceeded), {Limit.USER_REQUESTS})
        self.assertTrue(allowance.ignored)

    def test_reconfigured(self) -> None:
        """Other settings hold for the next socket of a user, though the user is remembered."""
        self.identified(1).leave()
        self.rates.settings = Settings(request_burst=100, user_request_rate=3, user_request_burst=7)
        self.clock.advance(1)
        self.assertEqual(self.taken(self.identified(1), 20), 7)

    def test_forgotten(self) -> None:
        """Of users without a socket the ones who left first are forgotten when there are too many."""
        for user_id in range(1, 100_000):
            allowance = self.identified(user_id)
            self.taken(allowance, 4)
            allowance.leave()
        del allowance
        self.assertEqual([self.taken(self.identified(user_id), 4) for user_id in (1, 99_999)], [4, 2])

    def test_never_forgotten(self) -> None:
        """A user who has a socket is not forgotten, however many there are."""
        first = self.identified(1)
        self.taken(first, 4)
        for user_id in range(2, 100_000):
            self.identified(user_id).leave()
        self.assertEqual(self.taken(self.identified(1), 4), 2)

    def test_left(self) -> None:
        """A connection without a user takes from no user, and a new HELLO does not fill its bucket."""
        allowance = self.identified(1)
        self.taken(allowance, 3)
        allowance.leave()
        self.assertEqual(self.taken(allowance, 3), 1)
        self.assertEqual([self.taken(self.identified(1), 3), self.taken(self.identified(1), 1)], [3, 0])

    def test_ignored(self) -> None:
        """Who goes on regardless is known."""
        allowance = self.rates.allowance("peer")
        self.taken(allowance, 8)
        self.assertFalse(allowance.ignored)
        self.taken(allowance, 1)
        self.assertTrue(allowance.ignored)

    def test_ping(self) -> None:
        """One PING in five seconds is free, the others are requests."""
        allowance = self.rates.allowance("peer")
        self.taken(allowance, 4)
        waits = [allowance.take_ping(), allowance.take_ping()]
        self.assertEqual([wait == 0 for wait in waits], [True, False])
        self.clock.advance(5)
        self.taken(allowance, 4)
        self.assertEqual(allowance.take_ping(), 0)
