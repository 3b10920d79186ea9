"""Tests of the public fakes, where they promise what the real ones do."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from presence.interfaces import IConnection, ITokenChecker
from presence.testing import FakeConnection, FakeDaemon, FakeTokenChecker, fake_frame
from presence.wire.closing import CloseCode
from presence.wire.messages import GoingAway
from tests.canary import TOKEN

FRAME = fake_frame(GoingAway(after=1))


class FakeConnectionTests(SynchronousTestCase):
    def test_interface(self) -> None:
        """It is a connection."""
        self.assertTrue(verifyObject(IConnection, FakeConnection()))

    def test_open(self) -> None:
        """Open, it takes frames and remembers what they say."""
        connection = FakeConnection()
        self.assertTrue(connection.offer(FRAME))
        self.assertEqual(connection.take(), [{"type": "goingAway", "after": 1}])

    def test_taken(self) -> None:
        """What was taken off is received once."""
        connection = FakeConnection()
        connection.offer(FRAME)
        connection.take()
        self.assertEqual(connection.take(), [])

    def test_closed(self) -> None:
        """Closed, it takes nothing any more, and the first code stays."""
        connection = FakeConnection()
        connection.close(CloseCode.TOO_SLOW)
        connection.close(CloseCode.GOING_AWAY)
        self.assertEqual((connection.offer(FRAME), connection.received), (False, []))
        self.assertEqual(connection.closed_with, CloseCode.TOO_SLOW)


class FakeTokenCheckerTests(SynchronousTestCase):
    def test_interface(self) -> None:
        """It is a token checker."""
        self.assertTrue(verifyObject(ITokenChecker, FakeTokenChecker()))

    def test_at_once(self) -> None:
        """It takes every token, unless it is told to wait."""
        self.assertIsNone(self.successResultOf(FakeTokenChecker().check(1, TOKEN, None)))

    def test_remembers(self) -> None:
        """It remembers what it was asked, and from where."""
        checker = FakeTokenChecker()
        checker.check(1, TOKEN, b"place")
        self.assertEqual((checker.asked, checker.places), ([(1, TOKEN)], [b"place"]))

    def test_waits(self) -> None:
        """Told to wait, it leaves the verdict to the test."""
        checker = FakeTokenChecker(waits=True)
        verdict = checker.check(1, TOKEN, None)
        self.assertNoResult(verdict)
        self.assertEqual((checker.checks, checker.asked), ([verdict], [(1, TOKEN)]))


class FakeDaemonTests(SynchronousTestCase):
    def test_hello(self) -> None:
        """A client that said HELLO is online, and its mailbox is empty."""
        daemon = FakeDaemon()
        client = daemon.hello(1)
        self.assertEqual((client.take(), daemon.roster.journal.online), ([], [1]))
