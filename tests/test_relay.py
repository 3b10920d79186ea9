"""Tests of the way of a message to the sockets of a user."""

from __future__ import annotations

from random import Random

from msgspec import Raw
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from presence.interfaces import Delivery, Frame, IPresenceListener, IRelay, Socket
from presence.relay import LocalRelay
from presence.roster.embedded import EmbeddedRoster
from presence.testing import FakeConnection, fake_frame
from presence.wire.closing import CloseCode
from presence.wire.messages import Event, Message


@implementer(IPresenceListener)
class Nobody:
    """Is not interested."""

    def changed(self) -> None:
        """Ignore it."""


class LocalRelayTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a relay that counts its frames."""
        self.roster = EmbeddedRoster(Clock(), Random(1))  # noqa: S311 - the same numbers at each run
        self.roster.start(Nobody())
        self.framed: list[Event] = []
        self.relay = LocalRelay(self.roster, self.frame)

    def frame(self, event: Event) -> Frame:
        """Make a frame, and note it."""
        self.framed.append(event)
        return fake_frame(event)

    def join(self, name: str, user: int) -> FakeConnection:
        """Let a socket of a user come."""
        connection = FakeConnection()
        self.roster.join(Socket(name, user, connection, 0))
        return connection

    def deliver(self, user: int, payload: bytes = b"1") -> Delivery:
        """Deliver a message; return what became of it."""
        message = Message(sender=1, message=Raw(payload), ts=0)
        return self.successResultOf(self.relay.deliver(user, message))

    def test_interface(self) -> None:
        """It is a relay."""
        self.assertTrue(verifyObject(IRelay, self.relay))

    def test_every_socket(self) -> None:
        """Every socket of the user gets the message, and nobody else does."""
        connections = [self.join("a", 2), self.join("b", 2), self.join("c", 3)]
        self.assertEqual(self.deliver(2), Delivery(delivered=2))
        self.assertEqual([len(connection.received) for connection in connections], [1, 1, 0])

    def test_one_frame(self) -> None:
        """The frame is made once for all sockets."""
        self.join("a", 2)
        self.join("b", 2)
        self.deliver(2)
        self.assertEqual(len(self.framed), 1)

    def test_nobody(self) -> None:
        """A user without a socket gets nothing, and that is certain."""
        self.assertEqual(self.deliver(2), Delivery(delivered=0, uncertain=False))

    def test_not_taken(self) -> None:
        """A socket whose connection closes does not count."""
        self.join("a", 2).close(CloseCode.TOO_SLOW)
        self.join("b", 2)
        self.assertEqual(self.deliver(2).delivered, 1)

    def test_order(self) -> None:
        """Messages arrive in the order in which they were delivered."""
        connection = self.join("a", 2)
        for payload in (b"1", b"2", b"3"):
            self.deliver(2, payload)
        self.assertEqual([event["message"] for event in connection.received], [1, 2, 3])
