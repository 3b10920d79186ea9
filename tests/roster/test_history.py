"""Why users came and went."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.roster.history import TRANSITIONS_REMEMBERED, Cause, History, Transition
from presence.testing import FakeDaemon
from presence.wire.closing import CloseCode
from presence.wire.messages import Goodbye

DELAY = 5

CAUSES = {
    CloseCode.GOING_AWAY: Cause.DRAINED,
    CloseCode.SERVICE_RESTART: Cause.DRAINED,
    CloseCode.TOKEN_REVOKED: Cause.REVOKED,
    CloseCode.DISCONNECTED: Cause.DISCONNECTED,
}
"""Why a user goes whose connection was closed with a code; after all other codes it is a loss."""


def transition(user_id: int, *, online: bool = True) -> Transition:
    """Return a transition of a user."""
    return Transition(1.0, user_id, online, Cause.HELLO, 1)


class HistoryTests(SynchronousTestCase):
    def test_of_a_user(self) -> None:
        """What is remembered of a user comes with the latest first, and without other users."""
        history = History()
        first, second = transition(1), transition(1, online=False)
        for one in (first, transition(2), second):
            history.record(one)
        self.assertEqual(history.of(1), [second, first])

    def test_latest(self) -> None:
        """The latest of all users come first, as many as are asked for."""
        history = History()
        first, second, third = (transition(user) for user in (1, 2, 3))
        for one in (first, second, third):
            history.record(one)
        self.assertEqual(history.latest(2), [third, second])
        self.assertEqual(history.latest(4), [third, second, first])

    def test_bounded(self) -> None:
        """The oldest is forgotten, and counts all the same."""
        history = History()
        for user in range(TRANSITIONS_REMEMBERED + 1):
            history.record(transition(user))
        self.assertEqual((history.of(0), len(history.of(1))), ([], 1))
        self.assertEqual(history.counts, {(True, Cause.HELLO): TRANSITIONS_REMEMBERED + 1})


class CauseTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a daemon with a user."""
        self.daemon = FakeDaemon(Settings(settle=0, offline_delay=DELAY))
        self.client = self.daemon.hello(7)

    def last(self) -> tuple[bool, Cause]:
        """Return what became of the user at last, and why."""
        latest = self.daemon.roster.history.of(7)[0]
        return latest.online, latest.cause

    def test_hello(self) -> None:
        """A user comes by HELLO; the transition tells when, and its version."""
        (came,) = self.daemon.roster.history.of(7)
        self.assertEqual(came, Transition(0.0, 7, online=True, cause=Cause.HELLO, version=1))

    def test_goodbye(self) -> None:
        """A user goes by GOODBYE, at once."""
        self.client.say(Goodbye())
        self.assertEqual(self.last(), (False, Cause.GOODBYE))

    def test_lost(self) -> None:
        """A user whose connection is lost goes when the hold is over, and for that reason."""
        self.client.vanish()
        self.assertEqual(self.last(), (True, Cause.HELLO))
        self.daemon.clock.advance(DELAY)
        self.assertEqual(self.last(), (False, Cause.LOST))

    def test_every_code(self) -> None:
        """Each close code has its cause; users are held after a loss and a drain, and no others."""
        for number, code in enumerate(CloseCode, 100):
            self.daemon.hello(number).vanish(code)
            held = self.daemon.roster.held_until(number) is not None
            cause = CAUSES.get(code, Cause.LOST)
            self.assertEqual(held, cause in {Cause.LOST, Cause.DRAINED}, code)
            self.daemon.clock.advance(DELAY)
            self.assertEqual(self.daemon.roster.history.of(number)[0].cause, cause)
