"""
What is done for one message, one client and one idle connection, counted and not timed.

The bounds have some room above what is done now, which each failure tells. Who makes
something dearer on purpose raises its bound in the same change.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from presence.config import Settings
from presence.logs import LevelLogger
from presence.websocket.protocol import MOST_QUEUED_BYTES, PresenceProtocol, make_frame
from presence.wire.closing import CloseCode
from presence.wire.messages import GoingAway
from tests import canary
from tests.conformance.deflate import deflated, offering
from tests.conformance.table import HANDSHAKE
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import HELLO, PING, PONG, TEXT, frame, make_factory
from tests.websocket.sockets import CountingReactor, Loopback

MOST_CALLS_OF_A_MESSAGE = 44
MOST_CALLS_OF_A_CLIENT = 320
MOST_CALLS_OF_AN_END = 116
MOST_CALLS_OF_AN_EVENT = 4  # with those of the test itself
MOST_BYTES = 5_450
MOST_BYTES_DEFLATE = 6_650

CONNECTIONS = 200


def hello(user_id: int) -> bytes:
    """Return a HELLO of a user who wants no lists."""
    return HELLO.replace(b":1,", b":%d," % user_id).replace(b"}", b',"broadcast":false}')


def message(user_id: int) -> bytes:
    """Return a frame with a message to a user."""
    return frame(TEXT, b'{"type":"sendMessageToUser","ref":1,"id":%d,"message":{"text":"hi"}}' % user_id)


def count_calls(act: Callable[[], object]) -> int:
    """Return how many functions in Python are called by something."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    gc.collect()
    gc.disable()  # so that nothing is finalised meanwhile
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls


class CostCase(PeerTestCase):
    def setUp(self) -> None:
        """Make a daemon whose connections are TCP's."""
        # The canary looks for secrets in events that the daemon drops, which is not the daemon's work.
        self.patch(LevelLogger, "emit", canary.emit)
        self.daemon = self.make_daemon(Settings(settle=0, token_recheck=0, max_connections_per_address=10**6))
        self.factory = make_factory(self.daemon)

    def identified(self, user_id: int) -> Loopback:
        """Return a connection that has said HELLO, with nothing waiting and nothing counted."""
        wire = Loopback(self)
        wire.accept(self.factory)
        wire.say(HANDSHAKE)
        wire.flush()
        wire.say(frame(TEXT, hello(user_id)))
        wire.socket.sends.clear()
        wire.reactor.asked = 0
        return wire


class SendTests(CostCase):
    def assert_cost(self, sends: int, *wires: Loopback) -> None:
        """Assert that so many pieces went out on each of the connections, past the reactor."""
        for wire in wires:
            self.assertEqual((len(wire.socket.sends), wire.reactor.asked), (sends, 0))

    def test_message(self) -> None:
        """A message costs one ``send`` for the addressee, and one for the reply."""
        sender, addressee = self.identified(1), self.identified(2)
        sender.say(message(2))
        self.assert_cost(1, sender, addressee)

    def test_message_to_oneself(self) -> None:
        """A message to oneself costs one ``send``, and one for the reply."""
        sender = self.identified(1)
        sender.say(message(1))
        self.assert_cost(2, sender)

    def test_several(self) -> None:
        """Of several requests in one read all replies are one ``send``, and each message is one."""
        sender, addressee = self.identified(1), self.identified(2)
        sender.say(message(2) * 10)
        self.assert_cost(1, sender)
        self.assert_cost(10, addressee)

    def test_event(self) -> None:
        """An event to many costs one ``send`` for each."""
        wires = [self.identified(user) for user in (1, 2, 3, 4)]
        event = make_frame(GoingAway(after=1.0))
        for user in (1, 2, 3, 4):
            for socket in self.daemon.roster.sockets_of(user):
                socket.outlet.offer(event)
        self.assert_cost(1, *wires)

    def test_ping(self) -> None:
        """A pong costs one, and so does a ping of ours."""
        wire = self.identified(1)
        wire.say(frame(PING, b""))
        self.assert_cost(1, wire)
        self.daemon.clock.advance(Settings().ping_interval + 1)
        self.assert_cost(2, wire)

    def test_silence(self) -> None:
        """What asks for no answer costs none."""
        wire = self.identified(1)
        wire.say(frame(PONG, b""))
        self.assert_cost(0, wire)


class CallTests(CostCase):
    def test_message(self) -> None:
        """Of what is called for a message there is no more than before."""
        sender, _ = self.identified(1), self.identified(2)
        sender.say(message(2))
        sender.put(message(2))
        calls = count_calls(sender.connection.doRead)
        self.assertLessEqual(calls, MOST_CALLS_OF_A_MESSAGE, f"{calls} calls for a message")
        self.assertGreater(calls, MOST_CALLS_OF_A_MESSAGE / 2, "lower the bound")

    def test_event(self) -> None:
        """What goes to many calls two functions for each, and the kernel."""
        self.identified(1)
        (socket,) = self.daemon.roster.sockets_of(1)
        event = make_frame(GoingAway(after=1.0))
        self.assertEqual(count_calls(lambda: socket.outlet.offer(event)), MOST_CALLS_OF_AN_EVENT)

    def test_client(self) -> None:
        """Of what is called to accept a client and its HELLO there is no more than before."""
        self.identified(1)
        wire = Loopback(self)
        calls = count_calls(lambda: wire.accept(self.factory))
        for data in (HANDSHAKE, frame(TEXT, hello(2))):
            wire.put(data)
            calls += count_calls(wire.connection.doRead) + count_calls(wire.flush)
        self.assertLessEqual(calls, MOST_CALLS_OF_A_CLIENT, f"{calls} calls for a client")
        self.assertGreater(calls, MOST_CALLS_OF_A_CLIENT / 2, "lower the bound")

    def test_end(self) -> None:
        """Nor of what is called when a client goes."""
        wire = self.identified(1)
        calls = count_calls(lambda: wire.connection.connectionLost(Failure(ConnectionDone())))
        self.assertLessEqual(calls, MOST_CALLS_OF_AN_END, f"{calls} calls for an end")
        self.assertGreater(calls, MOST_CALLS_OF_AN_END / 2, "lower the bound")


class EndTests(CostCase):
    def assert_freed(self, end: Callable[[Loopback], object]) -> None:
        """Assert that of a connection nothing is left as soon as it has ended."""
        wire = self.identified(1)
        (socket,) = self.daemon.roster.sockets_of(1)
        freed: list[weakref.ref[Any]] = [weakref.ref(wire.connection.protocol), weakref.ref(socket)]
        del socket
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        end(wire)
        wire.connection.connectionLost(Failure(ConnectionDone()))
        self.assertEqual([one() for one in freed], [None, None])

    def test_lost(self) -> None:
        """A connection that is lost is freed, with its session, and not by the garbage collector."""
        self.assert_freed(lambda _: None)

    def test_lingers(self) -> None:
        """So is one that was closed and did not end in time."""

        def linger(wire: Loopback) -> None:
            cast("PresenceProtocol", wire.connection.protocol).close(CloseCode.TOKEN_REVOKED)
            self.daemon.clock.advance(Settings().linger)

        self.assert_freed(linger)

    def test_broken_off(self) -> None:
        """So is one that did not read what was sent to it."""

        def do_not_read(wire: Loopback) -> None:
            protocol = cast("PresenceProtocol", wire.connection.protocol)
            protocol.pauseProducing()
            for _ in range(2):
                protocol.outlet.pass_on(bytes(MOST_QUEUED_BYTES))
            self.daemon.clock.advance(0)

        self.assert_freed(do_not_read)


class MemoryTests(CostCase):
    def grown(self, handshake: bytes, first: int) -> int:
        """Return how many bytes each of many idle connections takes, this test's own included."""

        def open_some(users: range) -> None:
            for user in users:
                wire = Loopback(self, reactor)
                wire.accept(self.factory)
                wire.say(handshake)
                wire.flush()
                payload = hello(user) if first == 0x80 else deflated(hello(user))
                wire.say(frame(TEXT, payload, first=first))
            self.daemon.clock.advance(1)

        reactor = CountingReactor()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        open_some(range(1, 20))
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        open_some(range(20, 20 + CONNECTIONS))
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        self.assertEqual(len(self.daemon.roster.journal.online), 19 + CONNECTIONS)
        return (after - before) // CONNECTIONS

    def test_plain(self) -> None:
        """An idle connection takes no more memory than before."""
        grown = self.grown(HANDSHAKE, 0x80)
        self.assertLessEqual(grown, MOST_BYTES, f"{grown} bytes for a connection")
        self.assertGreater(grown, MOST_BYTES / 2, "lower the bound")

    def test_deflate(self) -> None:
        """Nor does one with compression, also after it was sent something compressed."""
        grown = self.grown(offering("permessage-deflate"), 0xC0)
        self.assertLessEqual(grown, MOST_BYTES_DEFLATE, f"{grown} bytes for a connection")
        self.assertGreater(grown, MOST_BYTES_DEFLATE / 2, "lower the bound")
