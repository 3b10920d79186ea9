"""Tests of the way of a message to the sockets of a user."""

from __future__ import annotations

from random import Random
from typing import cast

from msgspec import Raw
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from presence.interfaces import Delivery, Frame, IPresenceListener, IRelay, Socket
from presence.relay import MOST_WAITING, LocalRelay
from presence.roster.embedded import EmbeddedRoster
from presence.roster.history import Cause
from presence.slices import MOST_SENDS
from presence.testing import FakeConnection, fake_frame
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Event, Message


@implementer(IPresenceListener)
class Nobody:
    """Is not interested."""

    def changed(self) -> None:
        """Ignore it."""


class RelayTestCase(SynchronousTestCase):
    """A relay, and sockets."""

    def setUp(self) -> None:
        """Make a relay that counts its frames."""
        self.clock = Clock()
        self.roster = EmbeddedRoster(self.clock, Random(1))  # noqa: S311 - the same numbers at each run
        self.roster.start(Nobody())
        self.framed: list[Event] = []
        self.relay = LocalRelay(self.roster, self.frame, self.clock)

    def frame(self, event: Event) -> Frame:
        """Make a frame, and note it."""
        self.framed.append(event)
        return fake_frame(event)

    def join(self, name: str, user: int) -> FakeConnection:
        """Let a socket of a user come."""
        connection = FakeConnection()
        self.roster.join(Socket(name, user, connection, 0))
        return connection

    def send(self, user: int, payload: bytes = b"1") -> Delivery | Deferred[Delivery]:
        """Deliver a message; return what becomes of it."""
        return self.relay.deliver(user, Message(sender=1, message=Raw(payload), ts=0))

    def deliver(self, user: int, payload: bytes = b"1") -> Delivery:
        """Deliver a message at once; return what became of it."""
        delivery = self.send(user, payload)
        assert isinstance(delivery, Delivery)
        return delivery


class LocalRelayTests(RelayTestCase):
    def test_interface(self) -> None:
        """It is a relay."""
        self.assertTrue(verifyObject(IRelay, self.relay))

    def test_every_socket(self) -> None:
        """Every socket of the user gets the message, and nobody else does."""
        connections = [self.join("a", 2), self.join("b", 2), self.join("c", 3)]
        self.assertEqual(self.deliver(2), Delivery(delivered=2))
        self.assertEqual([len(connection.received) for connection in connections], [1, 1, 0])

    def test_platform(self) -> None:
        """A message that is from nobody counts as one of the platform, in turns as at once."""
        for index in range(MOST_SENDS + 1):
            self.join(str(index), 2)
        for user in (2, 3):
            self.relay.deliver(user, Message(message=Raw(b"1"), ts=0))
            self.send(user)
        self.clock.pump([0] * 10)
        self.assertEqual((self.relay.messages, self.relay.platform_messages), (4, 2))

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


class CrowdTests(RelayTestCase):
    """A user with so many sockets that a message takes several turns of the reactor."""

    def crowd(self) -> list[FakeConnection]:
        """Let more sockets come than are sent to in two turns."""
        return [self.join(f"{number}", 2) for number in range(2 * MOST_SENDS + 1)]

    def told(self, crowd: list[FakeConnection]) -> int:
        """Count the messages since the last call."""
        return sum(len(connection.take()) for connection in crowd)

    def test_turns(self) -> None:
        """So many get it in a turn, and what came of it is known at the end."""
        crowd = self.crowd()
        delivery = cast("Deferred[Delivery]", self.send(2))
        self.assertEqual(self.told(crowd), MOST_SENDS)
        self.assertNoResult(delivery)
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(delivery), Delivery(delivered=len(crowd)))
        self.assertEqual(self.told(crowd), len(crowd) - MOST_SENDS)

    def test_one_after_the_other(self) -> None:
        """A message waits for those before it to the same user, whose sockets may be few by now."""
        crowd = self.crowd()
        self.send(2, b"1")
        for socket in list(self.roster.sockets_of(2))[:-1]:
            self.roster.leave(socket, 0, Cause.GOODBYE)
        self.send(2, b"2")
        self.clock.advance(0)
        self.assertEqual([event["message"] for event in crowd[-1].take()], [1, 2])
        self.assertEqual(self.deliver(2).delivered, 1)

    def test_others(self) -> None:
        """Other users do not wait for it."""
        self.crowd()
        self.join("other", 3)
        self.send(2)
        self.assertEqual(self.deliver(3).delivered, 1)

    def test_left_meanwhile(self) -> None:
        """A socket that said GOODBYE before its turn gets nothing and does not count."""
        crowd = self.crowd()
        delivery = cast("Deferred[Delivery]", self.send(2))
        self.roster.leave(list(self.roster.sockets_of(2))[-1], 0, Cause.GOODBYE)
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(delivery).delivered, len(crowd) - 1)
        self.assertEqual(crowd[-1].take(), [])

    def test_no_room(self) -> None:
        """Only so many messages wait for a user with very many sockets; then it is said."""
        self.crowd()
        deliveries = [cast("Deferred[Delivery]", self.send(2)) for _ in range(MOST_WAITING)]
        refused = self.assertRaises(Refused, self.send, 2)
        self.assertEqual(refused.code, ErrorCode.RATE_LIMITED)
        self.clock.advance(0)
        self.assertEqual([self.successResultOf(delivery).delivered for delivery in deliveries], [513] * 64)
        self.assertIsInstance(self.send(3), Delivery)

    def test_all_leave(self) -> None:
        """What waits for a user whose sockets all leave ends, and the user is written to as before."""
        self.crowd()
        deliveries = [cast("Deferred[Delivery]", self.send(2)) for _ in range(MOST_WAITING)]
        for socket in list(self.roster.sockets_of(2)):
            self.roster.leave(socket, 0, Cause.GOODBYE)
        self.clock.advance(0)
        delivered = [self.successResultOf(delivery).delivered for delivery in deliveries]
        self.assertEqual(delivered, [MOST_SENDS, *[0] * (MOST_WAITING - 1)])
        self.join("back", 2)
        self.assertEqual(self.deliver(2).delivered, 1)
