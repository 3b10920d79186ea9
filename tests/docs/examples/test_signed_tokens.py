"""How a token checker is tested, alone and with a daemon around it."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from presence.config import Settings
from presence.interfaces import ITokenChecker
from presence.testing import FakeDaemon
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Hello
from tests.docs.examples.signed_tokens import SignedTokens, sign

KEY = b"of the tests"


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a checker."""
        self.clock = Clock()
        self.tokens = SignedTokens(KEY, self.clock)

    def refusal(self, user_id: int, token: str) -> ErrorCode:
        """Return the code with which a token is refused."""
        refusal = self.failureResultOf(self.tokens.check(user_id, token, None), Refused).value
        return ErrorCode(refusal.code)

    def test_interface(self) -> None:
        """It is a token checker."""
        self.assertTrue(verifyObject(ITokenChecker, self.tokens))

    def test_good(self) -> None:
        """A token that was signed for the user is taken."""
        self.assertIsNone(self.successResultOf(self.tokens.check(7, sign(KEY, 7, 60), None)))

    def test_of_another_user(self) -> None:
        """A good token of somebody else is none of this user."""
        self.assertEqual(self.refusal(8, sign(KEY, 7, 60)), ErrorCode.USER_MISMATCH)

    def test_forged(self) -> None:
        """What was signed with another key, or not at all, is refused."""
        forged = (sign(b"other", 7, 60), "7.60.", "7.60", "", "²")
        self.assertEqual({self.refusal(7, token) for token in forged}, {ErrorCode.TOKEN_REJECTED})

    def test_expired(self) -> None:
        """A token is refused once its time is over."""
        self.clock.advance(61)
        self.assertEqual(self.refusal(7, sign(KEY, 7, 60)), ErrorCode.TOKEN_REJECTED)


class DaemonTests(SynchronousTestCase):
    def test_expires_during_a_session(self) -> None:
        """A client whose token expires is asked for a new one, and in the end sent away."""
        daemon = FakeDaemon(Settings(settle=0, token_recheck=30))
        daemon.checker = SignedTokens(KEY, daemon.clock)
        client = daemon.connect()
        client.say(Hello(userid=7, accesstoken=sign(KEY, 7, 60)))
        self.assertEqual(daemon.roster.journal.online, [7])
        daemon.clock.pump([1] * 100)
        self.assertEqual([event["type"] for event in client.take()], ["tokenRequired"])
        daemon.clock.pump([1] * 60)
        self.assertEqual(client.connection.closed_with, CloseCode.TOKEN_REVOKED)
