"""Who follows the published list without being a socket, and what is measured of it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.testing import FakeDaemon

WINDOW = 0.25


class FollowerTests(SynchronousTestCase):
    def make(self, settle: float = 0) -> None:
        """Make a daemon with a follower, which notes each version that it is told of."""
        self.daemon = FakeDaemon(Settings(settle=settle, broadcast_interval=WINDOW))
        journal = self.daemon.roster.journal
        self.versions: list[int] = []
        self.daemon.broadcast.followers.add(lambda: self.versions.append(journal.version))

    def advance(self, seconds: float = 0) -> None:
        """Let time pass."""
        self.daemon.clock.advance(seconds)

    def test_told(self) -> None:
        """A follower is told of each publication, in a later turn of the reactor."""
        self.make()
        self.daemon.hello(1)
        self.assertEqual(self.versions, [])
        self.advance()
        self.assertEqual(self.versions, [1])
        for user in (2, 3):
            self.daemon.hello(user)
        self.advance(WINDOW)
        self.advance()
        self.assertEqual(self.versions, [1, 3])

    def test_settled(self) -> None:
        """It is told once that the list has settled, whether anybody is online or not."""
        self.make(settle=5)
        self.assertFalse(self.daemon.broadcast.settled)
        self.daemon.clock.pump([1] * 7)
        self.assertTrue(self.daemon.broadcast.settled)
        self.assertEqual(self.versions, [0])

    def test_lag(self) -> None:
        """The list is behind the truth since its oldest change that is not published."""
        self.make()
        self.daemon.hello(1)
        self.assertEqual(self.daemon.broadcast.lag_seconds, 0)
        self.daemon.hello(2)
        self.advance(0.1)
        self.daemon.hello(3)
        self.assertEqual(self.daemon.broadcast.lag_seconds, 0.1)
        self.advance(WINDOW)
        self.assertEqual(self.daemon.broadcast.lag_seconds, 0)

    def test_lag_of_what_cancels_out(self) -> None:
        """Who comes and goes meanwhile leaves the list as true as it was."""
        self.make()
        self.daemon.hello(1)
        gone = self.daemon.hello(2)
        self.advance(0.1)
        self.daemon.backend.disconnect_user(2)
        gone.vanish(gone.connection.closed_with)
        self.assertEqual(self.daemon.broadcast.lag_seconds, 0)

    def test_fan_outs(self) -> None:
        """Each publication counts with its sockets and its time."""
        self.make()
        self.daemon.hello(1)
        self.daemon.hello(2)
        self.advance(WINDOW)
        broadcast = self.daemon.broadcast
        self.assertEqual(broadcast.fan_out_sockets.total, 1 + 2)
        self.assertEqual([count for _, count in broadcast.fan_out_seconds.buckets()][-1], 2)
