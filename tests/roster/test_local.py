"""Tests of the users of one process."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.interfaces import Socket
from presence.roster.history import Cause
from presence.roster.local import LocalUsers
from presence.testing import FakeConnection

HOLD = 5.0


class LocalUsersTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Let nobody be online."""
        self.clock = Clock()
        self.transitions: list[tuple[int, bool]] = []
        self.users = LocalUsers(self.clock, lambda user, online, _: self.transitions.append((user, online)))

    def add(self, name: str, user: int = 1) -> Socket:
        """Add a socket."""
        socket = Socket(name, user, FakeConnection(), 0)
        self.users.add(socket)
        return socket

    def assert_transitions(self, *expected: tuple[int, bool]) -> None:
        """Check all transitions so far."""
        self.assertEqual(self.transitions, [*expected])

    def test_add(self) -> None:
        """The first socket of a user brings the user online; a second does not."""
        self.add("a")
        self.add("b")
        self.assert_transitions((1, True))

    def test_each_user(self) -> None:
        """Users come and go each by themselves."""
        self.users.remove(self.add("a", 1), 0, Cause.LOST)
        self.add("b", 2)
        self.assert_transitions((1, True), (1, False), (2, True))

    def test_remove(self) -> None:
        """Without a hold the user goes with the last socket, at once."""
        first, second = self.add("a"), self.add("b")
        self.users.remove(first, 0, Cause.LOST)
        self.assert_transitions((1, True))
        self.users.remove(second, 0, Cause.LOST)
        self.assert_transitions((1, True), (1, False))

    def test_hold(self) -> None:
        """A held user goes when the hold ends."""
        self.users.remove(self.add("a"), HOLD, Cause.LOST)
        self.clock.advance(HOLD - 1)
        self.assert_transitions((1, True))
        self.clock.advance(1)
        self.assert_transitions((1, True), (1, False))

    def test_longer_hold(self) -> None:
        """A later end makes the hold longer."""
        first, second = self.add("a"), self.add("b")
        self.users.remove(first, HOLD, Cause.LOST)
        self.clock.advance(1)
        self.users.remove(second, HOLD, Cause.LOST)
        self.clock.advance(HOLD - 1)
        self.assert_transitions((1, True))
        self.clock.advance(1)
        self.assert_transitions((1, True), (1, False))

    def test_shorter_hold(self) -> None:
        """A shorter hold does not end a longer one."""
        first, second = self.add("a"), self.add("b")
        self.users.remove(first, HOLD, Cause.LOST)
        self.users.remove(second, 1, Cause.LOST)
        self.clock.advance(HOLD - 1)
        self.assert_transitions((1, True))
        self.clock.advance(1)
        self.assert_transitions((1, True), (1, False))

    def test_no_hold_does_not_end_one(self) -> None:
        """A socket that ends without a hold does not end the hold of another."""
        first, second = self.add("a"), self.add("b")
        self.users.remove(first, HOLD, Cause.LOST)
        self.users.remove(second, 0, Cause.LOST)
        self.assert_transitions((1, True))

    def test_new_socket(self) -> None:
        """A new socket does not end a hold, nor does the hold's end send it away."""
        self.users.remove(self.add("a"), HOLD, Cause.LOST)
        second = self.add("b")
        self.clock.advance(1)
        self.users.remove(second, 0, Cause.LOST)
        self.add("c")
        self.clock.advance(HOLD)
        self.assert_transitions((1, True))

    def test_hold_again(self) -> None:
        """After a hold that ended another one can begin."""
        self.users.remove(self.add("a"), HOLD, Cause.LOST)
        second = self.add("b")
        self.clock.advance(HOLD)
        self.users.remove(second, HOLD, Cause.LOST)
        self.clock.advance(HOLD)
        self.assert_transitions((1, True), (1, False))

    def test_release(self) -> None:
        """A user who is released goes at once, for the reason given, and only once."""
        self.users.remove(self.add("a"), HOLD, Cause.LOST)
        self.users.release(1, Cause.DISCONNECTED)
        self.clock.advance(HOLD)
        self.assert_transitions((1, True), (1, False))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_release_of_a_live_one(self) -> None:
        """A user who is released stays while a socket is live; one who is not held, or unknown, is let be."""
        first, second = self.add("a"), self.add("b")
        self.users.remove(first, HOLD, Cause.LOST)
        for user in (1, 1, 2):
            self.users.release(user, Cause.DISCONNECTED)
        self.assert_transitions((1, True))
        self.users.remove(second, 0, Cause.LOST)
        self.assert_transitions((1, True), (1, False))

    def test_sockets(self) -> None:
        """The live sockets of a user are listed, the oldest first."""
        first, second, third = self.add("a"), self.add("b"), self.add("c")
        self.users.remove(second, 0, Cause.LOST)
        self.assertEqual(list(self.users.sockets_of(1)), [first, third])

    def test_no_sockets(self) -> None:
        """Neither a held user nor an unknown one has sockets."""
        self.users.remove(self.add("a"), HOLD, Cause.LOST)
        self.assertEqual([list(self.users.sockets_of(user)) for user in (1, 2)], [[], []])

    def test_stop(self) -> None:
        """Stopping ends the holds and tells nobody."""
        self.users.remove(self.add("a", 1), HOLD, Cause.LOST)
        self.add("b", 2)
        self.users.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assert_transitions((1, True), (2, True))
