"""Tests of who counts as online when sockets come and go."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.testing import FakeClient, FakeDaemon
from presence.wire.closing import CloseCode
from presence.wire.messages import Goodbye, SubscribeOnlineStatus

OFFLINE_DELAY = Settings().offline_delay
A_MOMENT = 0.125


class PresenceTests(SynchronousTestCase):
    """What user 1 does, as user 2 sees it, whom every change is told at once."""

    def setUp(self) -> None:
        """Let the watcher come."""
        self.daemon = FakeDaemon(Settings(settle=0, broadcast_interval=0, token_recheck=0))
        self.watcher = self.daemon.hello(2, broadcast=False)
        self.watcher.say(SubscribeOnlineStatus())

    def come(self) -> FakeClient:
        """Let user 1 come, seen by the watcher."""
        client = self.daemon.hello(1)
        self.watcher.take()
        return client

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.daemon.clock.advance(seconds)

    def assert_saw(self, *changes: str) -> None:
        """Check what the watcher saw of user 1 since it last looked: it ``came`` or ``went``."""
        seen = []
        for message in self.watcher.take():
            seen += ["came"] * message["wentOnline"].count(1) + ["went"] * message["wentOffline"].count(1)
        self.assertEqual(seen, [*changes])

    def assert_held(self, seconds: float) -> None:
        """Check that user 1 goes after that long, and not before."""
        self.wait(seconds - A_MOMENT)
        self.assert_saw()
        self.wait(A_MOMENT)
        self.assert_saw("went")

    def test_comes(self) -> None:
        """The first socket of a user is seen."""
        self.daemon.hello(1)
        self.assert_saw("came")

    def test_delay(self) -> None:
        """A user whose connection ended is held online for the offline delay."""
        self.come().vanish()
        self.assert_held(OFFLINE_DELAY)

    def test_closed_by_the_server(self) -> None:
        """A user whom the server closed for its own reasons is held too."""
        self.come().vanish(CloseCode.TOO_SLOW)
        self.assert_held(OFFLINE_DELAY)

    def test_reload(self) -> None:
        """Whoever is back inside the offline delay was never away."""
        self.come().vanish()
        self.wait(OFFLINE_DELAY - A_MOMENT)
        self.daemon.hello(1)
        self.wait(3600)
        self.assert_saw()

    def test_two_tabs(self) -> None:
        """A second tab is not seen, nor that one of two is closed."""
        first = self.come()
        self.daemon.hello(1)
        first.vanish()
        self.wait(3600)
        self.assert_saw()

    def test_both_tabs(self) -> None:
        """A user goes when the last tab's hold is over."""
        first, second = self.come(), self.come()
        first.vanish()
        self.wait(3)
        second.vanish()
        self.assert_held(OFFLINE_DELAY)

    def test_goodbye(self) -> None:
        """GOODBYE is no accident: the user goes at once."""
        self.come().say(Goodbye())
        self.assert_saw("went")

    def test_goodbye_of_one_tab(self) -> None:
        """GOODBYE ends one socket; the other tab is still there."""
        first, _ = self.come(), self.come()
        first.say(Goodbye())
        self.assert_saw()

    def test_goodbye_does_not_end_a_hold(self) -> None:
        """The GOODBYE of one tab does not shorten the hold of another that ended before."""
        first, second = self.come(), self.come()
        first.vanish()
        self.wait(1)
        second.say(Goodbye())
        self.assert_held(OFFLINE_DELAY - 1)

    def test_socket_does_not_end_a_hold(self) -> None:
        """A socket that comes and says GOODBYE inside a hold does not end it."""
        self.come().vanish()
        self.wait(1)
        self.come().say(Goodbye())
        self.assert_held(OFFLINE_DELAY - 1)

    def test_close_after_goodbye(self) -> None:
        """A connection without a user that ends holds nobody."""
        client = self.come()
        client.say(Goodbye())
        client.vanish()
        self.assert_saw("went")
        self.assertEqual(self.daemon.clock.getDelayedCalls(), [])

    def test_revoked(self) -> None:
        """A user whose token was revoked goes at once."""
        self.come().vanish(CloseCode.TOKEN_REVOKED)
        self.assert_saw("went")

    def test_disconnected(self) -> None:
        """A user whom the operator disconnected goes at once."""
        self.come().vanish(CloseCode.DISCONNECTED)
        self.assert_saw("went")

    def test_no_delay(self) -> None:
        """Without an offline delay a user goes with the last socket."""
        daemon = FakeDaemon(Settings(settle=0, broadcast_interval=0, offline_delay=0))
        daemon.hello(1).vanish()
        self.assertEqual(daemon.roster.journal.online, [])

    def test_comes_back(self) -> None:
        """A user who went can come back."""
        self.come().say(Goodbye())
        self.daemon.hello(1)
        self.assert_saw("went", "came")
