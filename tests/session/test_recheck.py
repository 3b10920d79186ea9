"""Tests of a session's token being checked again."""

from __future__ import annotations

from presence.config import Settings
from presence.logs import Unforeseen
from presence.session.recheck import RENEWAL_SECONDS
from presence.testing import FakeClient, FakeDaemon
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import Goodbye, Hello
from tests.canary import TOKEN, secret
from tests.session.case import PLACE, SessionTestCase

INTERVAL = 600
LATEST = INTERVAL * 1.2


class RecheckTests(SessionTestCase):
    def setUp(self) -> None:
        """Identify user 1, and let the account API take its time from now on."""
        self.daemon = FakeDaemon(Settings(settle=0, token_recheck=INTERVAL))
        self.tokens, self.clock = self.daemon.tokens, self.daemon.clock
        self.client = self.come()

    def come(self) -> FakeClient:
        """Return a client of user 1, who gets no lists; later checks take their time."""
        self.tokens.waits = False
        client = self.daemon.connect()
        client.say(Hello(userid=1, accesstoken=TOKEN, broadcast=False))
        self.tokens.waits = True
        return client

    def renew(self, token: str) -> None:
        """Say HELLO again with another token, and let the account API take it."""
        self.client.say(Hello(userid=1, accesstoken=token))
        self.accept()

    def assert_well(self) -> None:
        """Check that the client was told nothing, and goes on."""
        self.assertEqual((self.client.take(), self.client.connection.closed_with), ([], None))

    def test_when(self) -> None:
        """The token is checked again after ten minutes, give or take a fifth, and then once."""
        self.clock.advance(INTERVAL * 0.8 - 1)
        self.assertEqual(len(self.tokens.checks), 0)
        self.clock.advance(LATEST)
        self.assertEqual((len(self.tokens.checks), self.tokens.asked[-1]), (1, (1, TOKEN)))

    def test_place(self) -> None:
        """The token is checked again in the name of the place that the client comes from."""
        self.client.connection.place = PLACE
        self.clock.advance(LATEST)
        self.assertEqual(self.tokens.places[-1], PLACE)

    def test_spread(self) -> None:
        """Sockets that came together are not checked together."""
        for _ in range(50):
            self.come()
        self.clock.advance(INTERVAL)
        self.assertIn(len(self.tokens.checks), range(10, 41))

    def test_again(self) -> None:
        """A token that is still good is checked again later, and the client does not notice."""
        for number in range(1, 4):
            self.clock.advance(LATEST)
            self.accept()
            self.assertEqual(len(self.tokens.asked), 1 + number)
        self.assert_well()

    def test_undecided(self) -> None:
        """An answer that decides nothing changes nothing, and the token is checked again later."""
        for code in (ErrorCode.AUTH_UNAVAILABLE, ErrorCode.USER_MISMATCH):
            self.clock.advance(LATEST)
            self.refuse(code)
        self.clock.advance(LATEST)
        self.assertEqual(len(self.tokens.checks), 1)
        self.assert_well()

    def test_refused(self) -> None:
        """Of a token that is refused the client is told, and closed 4401 if it comes with no other."""
        self.clock.advance(LATEST)
        self.refuse()
        self.assertEqual(self.client.take(), [{"type": "tokenRequired", "after": RENEWAL_SECONDS}])
        self.clock.advance(RENEWAL_SECONDS - 1)
        self.assert_well()
        self.clock.advance(1)
        self.assertEqual(self.client.connection.closed_with, CloseCode.TOKEN_REVOKED)

    def test_renewed(self) -> None:
        """A client that comes with a new token in time stays, and from then on that one is checked."""
        self.clock.advance(LATEST)
        self.refuse()
        self.renew(secret("newer"))
        self.client.take()
        self.clock.advance(INTERVAL * 0.8 - 1)
        self.assert_well()
        self.clock.advance(LATEST)
        self.assertEqual(self.tokens.asked[-1], (1, secret("newer")))

    def test_renewal_is_invisible(self) -> None:
        """Nobody is told that a token was renewed."""
        version = self.daemon.roster.journal.version
        self.clock.advance(LATEST)
        self.refuse()
        self.renew(secret("newer"))
        self.clock.advance(60)
        self.assertEqual(self.daemon.roster.journal.version, version)

    def test_renewal_refused(self) -> None:
        """A new token that is refused too gives no more time."""
        self.clock.advance(LATEST)
        self.refuse()
        self.clock.advance(RENEWAL_SECONDS - 1)
        self.client.say(Hello(userid=1, accesstoken=secret("bad")))
        self.refuse()
        self.clock.advance(1)
        self.assertEqual(self.client.connection.closed_with, CloseCode.TOKEN_REVOKED)

    def test_renewed_meanwhile(self) -> None:
        """A check of a token that was replaced meanwhile does not count."""
        self.clock.advance(LATEST)
        old = self.tokens.checks.pop()
        self.renew(secret("newer"))
        self.client.take()
        self.assertTrue(old.called)
        self.assert_well()

    def test_goodbye(self) -> None:
        """A socket without a user has no token to check, and none that is being checked."""
        self.clock.advance(LATEST)
        self.client.say(Goodbye())
        self.assertTrue(self.tokens.checks.pop().called)
        self.clock.advance(LATEST)
        self.assertEqual((len(self.tokens.checks), self.client.connection.closed_with), (0, None))

    def test_goodbye_when_required(self) -> None:
        """A socket that says GOODBYE instead of coming with a new token is not closed for it."""
        self.clock.advance(LATEST)
        self.refuse()
        self.client.say(Goodbye())
        self.clock.advance(RENEWAL_SECONDS)
        self.assertIsNone(self.client.connection.closed_with)

    def test_closed(self) -> None:
        """When the connection ends, no timer is left."""
        self.clock.advance(1)  # the window of the first list
        self.client.vanish(CloseCode.DISCONNECTED)
        self.clock.advance(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_never(self) -> None:
        """With 0 no token is checked again."""
        daemon = FakeDaemon(Settings(settle=0, token_recheck=0))
        daemon.hello(1)
        self.assertEqual(daemon.clock.getDelayedCalls(), [])

    def test_fault(self) -> None:
        """A fault of our own in a check closes the connection, and is no verdict."""
        self.clock.advance(LATEST)
        self.tokens.checks.pop().errback(Unforeseen())
        self.assertEqual(self.client.connection.closed_with, CloseCode.INTERNAL_ERROR)
