"""What becomes of a fault of our own: one client is told, and all others get on."""

from __future__ import annotations

from twisted.python.failure import Failure

from presence.interfaces import Delivery
from presence.logs import Unforeseen
from presence.wire.messages import Message
from tests.canary import SECRET
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import HELLO, TEXT, Connections, Peer, frame


class FaultTests(PeerTestCase):
    def setUp(self) -> None:
        """Identify a connection to a daemon whose relay is broken."""
        self.daemon = self.make_daemon()
        self.peer = Peer(self.daemon)
        self.peer.shake_hands()
        self.peer.say(HELLO)

    def break_relay(self) -> None:
        """Let the relay raise."""

        class Broken:
            def deliver(self, _user_id: int, _message: Message) -> Delivery:
                raise ZeroDivisionError(SECRET)

        self.daemon.requests._relay = Broken()  # type: ignore[assignment]  # a fault no public way causes

    def test_fault(self) -> None:
        """A fault of our own is logged with a reference that the client gets, and closes 1011."""
        self.break_relay()
        request = b'{"type":"sendMessageToUser","ref":2,"id":1,"message":"%s"}' % SECRET.encode()
        answer = self.peer.send(frame(TEXT, request))
        (error,) = self.peer.messages(answer)
        self.assertEqual((error["code"], error["ref"]), ("internal", 2))
        self.assertEqual(self.peer.close_code(answer), 1011)
        (logged,) = self.flushLoggedErrors(Unforeseen)
        self.assertIn("ZeroDivisionError", logged.getTraceback())
        self.assertIn("deliver", logged.getTraceback())
        self.assertNotIn(SECRET, logged.getTraceback() + error["text"])

    def test_fault_without_request(self) -> None:
        """A fault that belongs to no request is told without one."""
        self.peer.protocol.fail(Failure(ZeroDivisionError()))
        (error,) = self.peer.messages(self.peer.take())
        self.assertNotIn("re", error)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)
        self.assertEqual((self.peer.traffic.faults, self.peer.traffic.malformed), (1, 0))

    def test_fault_while_sending(self) -> None:
        """A connection that cannot be sent to is closed 1011, and whoever sends to many goes on."""

        def fail_once(data: bytes) -> None:  # noqa: ARG001 - as it is called
            broken.transport.write = write  # type: ignore[method-assign]  # see below
            raise ZeroDivisionError(SECRET)

        broken = Peer(self.daemon)
        broken.shake_hands()
        broken.say(HELLO)
        write = broken.transport.write
        broken.transport.write = fail_once  # type: ignore[method-assign]  # a fault no public way causes
        reply = self.peer.say(b'{"type":"sendMessageToUser","id":1,"message":"x"}')[-1]
        self.assertEqual(reply["delivered"], 1)
        self.daemon.clock.advance(0)
        self.assertEqual(self.peer.close_code(broken.take()), 1011)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)

    def test_fault_while_catching_up(self) -> None:
        """A fault in telling a slow reader what it missed closes 1011."""
        self.peer.protocol.pauseProducing()
        self.daemon.requests.drained = lambda _: 1 / 0  # type: ignore[assignment,method-assign]  # see above
        self.peer.protocol.resumeProducing()
        self.assertEqual(self.peer.close_code(self.peer.take()), 1011)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)

    def test_fault_while_closing(self) -> None:
        """A fault in ending a session leaves no connection behind."""
        connections = Connections()
        peer = Peer(self.daemon, connections)
        peer.shake_hands()
        peer.say(HELLO)
        self.daemon.requests.leave = lambda *_: 1 / 0  # type: ignore[assignment,method-assign]  # see above
        peer.vanish()
        self.assertEqual(connections.open, [])
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)

    def test_fault_while_opening(self) -> None:
        """A fault in making a session closes 1011, and leaves no deaf connection behind."""
        self.daemon.rates.allowance = lambda _: 1 / 0  # type: ignore[assignment,method-assign,return-value]  # see above
        peer = Peer(self.daemon)
        frames = peer.shake_hands().partition(b"\r\n\r\n")[2]
        self.assertEqual(peer.close_code(frames), 1011)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)
