"""Tests of how long a connection may be without a user."""

from __future__ import annotations

from presence.config import Settings
from presence.session.machine import GOODBYE_TIMEOUT_SECONDS
from presence.testing import FakeClient, FakeDaemon
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import GetAllOnline, Goodbye, Hello, Ping
from tests.canary import TOKEN
from tests.session.case import SessionTestCase, gist

A_MOMENT = 0.125


class DeadlineTests(SessionTestCase):
    def assert_closes_in(self, client: FakeClient, seconds: float) -> None:
        """Check that a client is closed for want of a HELLO after that long, and not before."""
        self.clock.advance(seconds - A_MOMENT)
        self.assertIsNone(client.connection.closed_with)
        self.clock.advance(A_MOMENT)
        self.assertEqual(client.connection.closed_with, CloseCode.NO_HELLO)

    def test_from_open(self) -> None:
        """A connection that says nothing is closed after ten seconds."""
        self.assert_closes_in(self.daemon.connect(), 10)

    def test_read_late(self) -> None:
        """A HELLO that came in time counts, though a daemon that stood still reads it after its timers."""
        client = self.daemon.connect()
        self.clock.callLater(10, client.say, Hello(userid=1, accesstoken=TOKEN))
        self.clock.advance(10)
        self.assertIsNone(client.connection.closed_with)

    def test_setting(self) -> None:
        """The operator chooses how long."""
        self.daemon = FakeDaemon(Settings(settle=0, hello_timeout=3))
        self.clock = self.daemon.clock
        self.assert_closes_in(self.daemon.connect(), 3)

    def test_other_requests(self) -> None:
        """Neither PING nor what is refused makes the time longer."""
        client = self.daemon.connect()
        self.clock.advance(9)
        client.say(Ping())
        client.say(GetAllOnline())
        client.say(Goodbye())
        self.assert_closes_in(client, 1)

    def test_stands_while_checking(self) -> None:
        """A slow account API costs the client nothing."""
        client = self.daemon.connect()
        self.clock.advance(9)
        self.tokens.waits = True
        client.say(Hello(userid=1, accesstoken=TOKEN, ref=1))
        self.clock.advance(3600)
        self.accept()
        self.assertEqual(gist(client.take_of("OK")), [(1, "OK")])
        self.assertIsNone(client.connection.closed_with)

    def test_after_failure(self) -> None:
        """After a HELLO that was refused the whole time runs anew."""
        client = self.daemon.connect()
        self.clock.advance(9)
        self.tokens.waits = True
        client.say(Hello(userid=1, accesstoken=TOKEN))
        self.refuse()
        self.assert_closes_in(client, 10)

    def test_told_to_wait(self) -> None:
        """After a HELLO that is to be said again later the time runs from then."""
        client = self.checking()
        self.refuse(ErrorCode.AUTH_UNAVAILABLE, after=30.0)
        self.assert_closes_in(client, 40)

    def test_whole_seconds(self) -> None:
        """That time is in whole seconds, not less than it was told."""
        client = self.checking()
        self.refuse(ErrorCode.AUTH_UNAVAILABLE, after=0.4)
        self.assert_closes_in(client, 11)

    def test_after_cancellation(self) -> None:
        """After a HELLO that was cancelled the whole time runs anew."""
        client = self.checking()
        self.clock.advance(60)
        client.say(Goodbye())
        self.assert_closes_in(client, 10)

    def test_after_goodbye(self) -> None:
        """After the GOODBYE of a user the connection may stay for a quarter of an hour."""
        client = self.daemon.hello(1)
        client.say(Goodbye())
        self.assertEqual(GOODBYE_TIMEOUT_SECONDS, 900)
        self.assert_closes_in(client, 900)

    def test_second_goodbye(self) -> None:
        """A second GOODBYE does not make the time longer."""
        client = self.daemon.hello(1)
        client.say(Goodbye())
        self.clock.advance(800)
        client.say(Goodbye())
        self.assert_closes_in(client, 100)

    def test_failure_after_goodbye(self) -> None:
        """After a HELLO that fails the short time runs, also when there was a user before."""
        client = self.daemon.hello(1)
        client.say(Goodbye())
        self.tokens.waits = True
        client.say(Hello(userid=1, accesstoken=TOKEN))
        self.refuse()
        self.assert_closes_in(client, 10)

    def test_not_with_a_user(self) -> None:
        """Nothing runs for a connection that has a user."""
        client = self.daemon.hello(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(3600)
        self.assertIsNone(client.connection.closed_with)

    def test_ends_with_the_connection(self) -> None:
        """Nothing runs for a connection that ended."""
        self.daemon.connect().vanish()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_end_after_it_passed(self) -> None:
        """A connection that was closed for want of a HELLO ends without further ado."""
        client = self.daemon.connect()
        self.clock.advance(10)
        client.vanish(CloseCode.NO_HELLO)
        self.assertEqual((client.take(), self.clock.getDelayedCalls()), ([], []))
