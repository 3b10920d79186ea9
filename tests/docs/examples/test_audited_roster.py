"""How a roster is tested: a listener that counts, sockets on fake connections, and a clock."""

from __future__ import annotations

from random import Random
from typing import cast

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from presence.interfaces import IPresenceListener, IRoster, Socket
from presence.roster.history import Cause
from presence.testing import FakeConnection
from tests.docs.examples.audited_roster import AuditedRoster


@implementer(IPresenceListener)
class Listener:
    """Counts how often the truth moved."""

    changes = 0

    def changed(self) -> None:
        """Count."""
        self.changes += 1


class RosterTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a roster, and a socket of user 7."""
        self.clock = Clock()
        self.events: list[LogEvent] = []
        log = Logger("audit", observer=cast("ILogObserver", self.events.append))
        self.roster = AuditedRoster(self.clock, Random(1), log)  # noqa: S311 - the same ids at each run
        self.listener = Listener()
        self.roster.start(self.listener)
        self.socket = Socket("5f0c", 7, FakeConnection(), identified=0)

    def test_interface(self) -> None:
        """It is a roster."""
        self.assertTrue(verifyObject(IRoster, self.roster))

    def test_held(self) -> None:
        """A user who left is online until the hold ends; the listener is told twice."""
        self.roster.join(self.socket)
        self.roster.leave(self.socket, 5, Cause.LOST)
        self.assertEqual(self.listener.changes, 1)
        self.clock.advance(5)
        self.assertEqual(self.listener.changes, 2)

    def test_written_down(self) -> None:
        """The log has a line for each socket that came or went."""
        self.roster.join(self.socket)
        self.roster.leave(self.socket, 0, Cause.GOODBYE)
        self.assertEqual(
            [formatEvent(event) for event in self.events], ["5f0c of 7 came", "5f0c of 7 went: goodbye"]
        )
