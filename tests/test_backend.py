"""What the platform may do."""

from __future__ import annotations

from msgspec import Raw
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.interfaces import Delivery
from presence.roster.history import Cause
from presence.testing import FakeClient, FakeDaemon
from presence.wire.closing import CloseCode

DELAY = 5


class BackendTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have two users, the first with two sockets."""
        self.daemon = FakeDaemon(Settings(settle=0, offline_delay=DELAY))
        self.clients = [self.daemon.hello(user, broadcast=False) for user in (1, 1, 2)]
        self.backend = self.daemon.backend

    def codes(self) -> list[CloseCode | None]:
        """Return what each client was closed with."""
        return [client.connection.closed_with for client in self.clients]

    def received(self, client: FakeClient) -> list[object]:
        """Return the messages that a client got."""
        return [message["message"] for message in client.take_of("message")]

    def test_to_a_user(self) -> None:
        """A message of the platform goes to all sockets of its user, and is from nobody."""
        self.assertEqual(self.backend.send(1, Raw(b'"hi"'), "k"), Delivery(2))
        (message,) = self.clients[0].take_of("message")
        self.assertEqual(message, {"type": "message", "message": "hi", "key": "k", "ts": 0.0})
        self.assertEqual([self.received(client) for client in self.clients[1:]], [["hi"], []])

    def test_to_all(self) -> None:
        """A message to everybody goes to all sockets of all users, and to no others."""
        stranger = self.daemon.connect()
        self.assertEqual(self.backend.send(None, Raw(b"1")), Delivery(3))
        self.assertEqual([self.received(client) for client in (*self.clients, stranger)], [[1], [1], [1], []])

    def test_counts(self) -> None:
        """Messages count, and deliveries, and messages that nobody took."""
        self.backend.send(1, Raw(b"1"))
        self.backend.send(9, Raw(b"1"))
        relay = self.daemon.relay
        self.assertEqual((relay.messages, relay.deliveries, relay.undelivered), (2, 2, 1))

    def test_disconnect_user(self) -> None:
        """All connections of a user are closed with 4410, and nobody else's."""
        self.assertEqual(self.backend.disconnect_user(1), 2)
        self.assertEqual(self.codes(), [CloseCode.DISCONNECTED, CloseCode.DISCONNECTED, None])
        self.assertEqual(self.backend.disconnect_user(9), 0)

    def test_disconnect_held(self) -> None:
        """A user who is disconnected is offline at once, also when an ended socket held it online."""
        self.clients[2].vanish()
        self.backend.disconnect_user(2)
        about = self.backend.about(2)
        self.assertEqual((about.online, about.transitions[0].cause), (False, Cause.DISCONNECTED))

    def test_disconnect_socket(self) -> None:
        """One socket is closed with 4410, if there is one of the name."""
        socket = self.backend.about(1).sockets[1]
        self.assertTrue(self.backend.disconnect_socket(socket.id))
        self.assertEqual(self.codes(), [None, CloseCode.DISCONNECTED, None])
        self.assertFalse(self.backend.disconnect_socket("nothing"))

    def test_about(self) -> None:
        """A user has sockets, the oldest first, then a hold, then nothing but a past."""
        about = self.backend.about(2)
        self.assertEqual((len(about.sockets), about.held_until, about.online), (1, None, True))
        self.clients[2].vanish()
        about = self.backend.about(2)
        self.assertEqual((about.sockets, about.held_until, about.online), ([], DELAY, True))
        self.daemon.clock.advance(DELAY)
        about = self.backend.about(2)
        self.assertFalse(about.online)
        self.assertEqual([one.cause for one in about.transitions], [Cause.LOST, Cause.HELLO])
