"""What is answered to one read goes in one piece."""

from __future__ import annotations

from itertools import chain

from presence.logs import Unforeseen
from presence.websocket.sending import MOST_HELD
from tests.canary import SECRET
from tests.conformance.table import HANDSHAKE
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import CLOSE, HELLO, PING, PONG, TEXT, Peer, frame


def ping(ref: int) -> bytes:
    """Return a frame with a request that is answered at once."""
    return frame(TEXT, b'{"type":"PING","ref":%d}' % ref)


MESSAGE = frame(TEXT, b'{"type":"sendMessageToUser","ref":9,"id":7,"message":"x"}')


class RepliesTests(PeerTestCase):
    def setUp(self) -> None:
        """Identify a connection."""
        self.daemon = self.make_daemon()
        self.peer = self.identified(1)

    def identified(self, user_id: int) -> Peer:
        """Return a peer that has said HELLO, to which nothing is still to be told."""
        peer = Peer(self.daemon)
        peer.shake_hands()
        peer.say(HELLO.replace(b":1,", b":%d," % user_id).replace(b"}", b',"broadcast":false}'))
        peer.transport.writes.clear()
        return peer

    def written(self, data: bytes) -> list[list[int]]:
        """Send bytes; return the opcodes of the frames in each write that came of it."""
        self.peer.transport.writes.clear()
        self.peer.protocol.dataReceived(data)
        return [[code for code, _ in self.peer.frames(each)] for each in self.peer.transport.writes]

    def test_one_write(self) -> None:
        """The replies to the requests of one read are one write, in the order of the requests."""
        self.assertEqual(self.written(b"".join(map(ping, range(20)))), [[TEXT] * 20])
        (written,) = self.peer.transport.writes
        self.assertEqual([reply["ref"] for reply in self.peer.messages(written)], list(range(20)))

    def test_next_read(self) -> None:
        """Nothing is held back until the next read."""
        self.assertEqual(self.written(ping(1) + ping(2)[:3]), [[TEXT]])
        self.assertEqual(self.written(ping(2)[3:]), [[TEXT]])

    def test_no_reply(self) -> None:
        """A read that asks for nothing writes nothing."""
        self.assertEqual(self.written(frame(PONG, b"")), [])

    def test_in_fragments(self) -> None:
        """Requests that Autobahn reads are answered in one piece, too."""
        cut = frame(TEXT, b'{"type":', first=0) + frame(0, b'"PING"}')
        self.assertEqual(self.written(ping(1) + cut + ping(2)), [[TEXT] * 3])

    def test_before_a_pong(self) -> None:
        """A pong does not overtake the replies to what came before its ping."""
        frames = chain(*self.written(ping(1) + frame(PING, b"") + ping(2)))
        self.assertEqual(list(frames), [TEXT, PONG, TEXT])

    def test_before_a_close(self) -> None:
        """Nor does a close frame: ours, Autobahn's, or the answer to the client's."""
        for last in (frame(2, b""), frame(TEXT, b"\xff"), frame(CLOSE, b"\x03\xe8")):
            self.peer = self.identified(1)
            frames = chain(*self.written(ping(1) + ping(2) + last))
            self.assertEqual(list(frames), [TEXT, TEXT, CLOSE])

    def test_with_the_handshake(self) -> None:
        """Requests that come along with the handshake are answered after it."""
        self.peer = Peer(self.daemon)
        self.peer.protocol.dataReceived(HANDSHAKE + ping(1))
        head, _, rest = self.peer.take().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "))
        self.assertEqual([code for code, _ in self.peer.frames(rest)], [TEXT])

    def test_fault(self) -> None:
        """A fault in the middle of a read does not keep back what was answered before it."""

        def fail(payload: bytes) -> None:  # noqa: ARG001 - as it is called
            raise ZeroDivisionError

        self.peer.protocol.onPing = fail  # type: ignore[method-assign]  # a fault no public way causes
        self.peer.transport.writes.clear()
        self.assertRaises(ZeroDivisionError, self.peer.send, ping(1) + frame(PING, b"") + ping(2))
        self.assertEqual([len(self.peer.messages(each)) for each in self.peer.transport.writes], [1])

    def test_others(self) -> None:
        """A message to somebody else goes at once, each by itself, also before our own reply."""
        other = self.identified(7)
        order: list[str] = []
        for name, peer in (("theirs", other), ("ours", self.peer)):
            write = peer.transport.write

            def note(data: bytes, name: str = name, write: object = write) -> None:
                order.append(name)
                write(data)  # type: ignore[operator]  # it is the transport's

            peer.transport.write = note  # type: ignore[method-assign]  # to see both in one order
        self.peer.send(MESSAGE * 3)
        self.assertEqual(order, ["theirs"] * 3 + ["ours"])

    def test_to_oneself(self) -> None:
        """A message to oneself keeps its place among the replies."""
        answer = self.peer.send(MESSAGE.replace(b'"id":7', b'"id":1') + ping(2))
        kinds = [message["type"] for message in self.peer.messages(answer)]
        self.assertEqual(kinds, ["message", "OK", "OK"])

    def test_a_lot(self) -> None:
        """Replies that are a lot are not kept together, so that who does not read them is found out."""
        page = b'{"type":"getAllOnline","ref":"%s"}' % (b"x" * 64)
        writes = self.written(frame(TEXT, page) * 180)
        self.assertGreater(len(writes), 1)
        self.assertLess(max(map(len, self.peer.transport.writes)), MOST_HELD + 1024)

    def test_fault_at_the_end(self) -> None:
        """A connection on which replies cannot be sent together is closed 1011, and asked no more."""

        def fail_once(_: object) -> None:
            self.peer.transport.write = write  # type: ignore[method-assign]  # see below
            raise ZeroDivisionError(SECRET)

        write = self.peer.transport.write
        self.peer.transport.write = fail_once  # type: ignore[assignment,method-assign]  # a fault no public way causes
        self.peer.protocol.dataReceived(ping(1))
        self.peer.protocol.dataReceived(ping(2))
        self.daemon.clock.advance(0)
        written = self.peer.take()
        self.assertEqual([code for code, _ in self.peer.frames(written)], [CLOSE])
        self.assertEqual(self.peer.close_code(written), 1011)
        self.assertEqual(len(self.flushLoggedErrors(Unforeseen)), 1)
