"""Tests of the roster of a daemon that is alone."""

from __future__ import annotations

from random import Random

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from presence.interfaces import IPresenceListener, IRoster, Socket
from presence.roster.embedded import EmbeddedRoster
from presence.roster.history import Cause
from presence.roster.journal import Change, Journal
from presence.testing import FakeConnection


@implementer(IPresenceListener)
class Publisher:
    """Publishes at once whatever it is told of."""

    def __init__(self, journal: Journal) -> None:
        self.changes: list[Change | None] = []
        self._journal = journal

    def changed(self) -> None:
        """Publish."""
        self.changes.append(self._journal.publish())


class EmbeddedRosterTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Start a roster."""
        self.clock = Clock()
        self.roster = self.make(seed=1)
        self.listener = Publisher(self.roster.journal)
        self.roster.start(self.listener)
        self.socket = Socket("a", 7, FakeConnection(), 0)

    def make(self, seed: int) -> EmbeddedRoster:
        """Make a roster of a process whose random numbers start there."""
        return EmbeddedRoster(self.clock, Random(seed))  # noqa: S311 - the same numbers at each run

    def test_interface(self) -> None:
        """It is a roster."""
        self.assertTrue(verifyObject(IRoster, self.roster))

    def test_epoch(self) -> None:
        """Each process has an epoch of its own."""
        epochs = [self.make(seed).journal.epoch for seed in (1, 2)]
        self.assertNotEqual(*epochs)
        self.assertRegex(epochs[0], "^[0-9a-f]{16}$")

    def test_join(self) -> None:
        """Who joins is in the journal when the listener is told."""
        self.roster.join(self.socket)
        self.assertEqual(self.listener.changes, [Change(0, 1, [7], [])])

    def test_leave(self) -> None:
        """Who leaves is in the journal when the listener is told; each transition has its version."""
        self.roster.join(self.socket)
        self.roster.leave(self.socket, 0, Cause.LOST)
        self.assertEqual(self.listener.changes[1:], [Change(1, 2, [], [7])])

    def test_hold(self) -> None:
        """A user who is held leaves when the hold ends."""
        self.roster.join(self.socket)
        self.roster.leave(self.socket, 5, Cause.LOST)
        self.assertEqual(len(self.listener.changes), 1)
        self.clock.advance(5)
        self.assertEqual(len(self.listener.changes), 2)

    def test_sockets(self) -> None:
        """The live sockets of a user are known."""
        self.roster.join(self.socket)
        self.assertEqual(list(self.roster.sockets_of(7)), [self.socket])

    def test_stop(self) -> None:
        """Stopped, it leaves nothing to be done and tells nobody."""
        self.roster.join(self.socket)
        self.roster.leave(self.socket, 5, Cause.LOST)
        self.roster.stop()
        self.assertEqual((self.clock.getDelayedCalls(), len(self.listener.changes)), ([], 1))
