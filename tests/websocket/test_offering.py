"""A frame that goes to many goes straight to the kernel where nothing stands in its way."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from presence.interfaces import Frame
from presence.websocket.compression import LEAST_BYTES
from presence.websocket.sending import Outlet, SharedFrame
from tests.websocket.sockets import Sending


class OfferTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Open a connection on which a frame has gone as a whole, so that the next go straight."""
        self.sending = Sending(self)
        self.outlet = Outlet(self.sending.connection, direct=True)
        self.put: list[tuple[bytes, int]] = []
        self.outlet.put = self.note
        self.outlet.send(b"first ")

    def note(self, data: bytes, sent: int) -> bool:
        """Take what cannot go straight, and note it."""
        self.put.append((data, sent))
        self.outlet.send(data, sent)
        return True

    def offer(self, text: bytes) -> bytes:
        """Offer the frame of a text, and return it."""
        shared = SharedFrame(text)
        self.assertTrue(self.outlet.offer(Frame(shared)))
        return shared.plain

    def assert_put(self, *put: tuple[bytes, int]) -> None:
        """Assert what did not go straight, and how much of each had gone."""
        self.assertEqual(self.put, list(put))

    def test_straight(self) -> None:
        """Where nothing stands in the way, a frame is in the kernel, and nobody is asked."""
        data = self.offer(b"text")
        self.assertEqual(self.sending.read(1000), b"first " + data)
        self.assert_put()

    def test_deflated(self) -> None:
        """Who agreed to compression is sent what is compressed."""
        self.outlet.deflates = True
        shared = SharedFrame(b"*" * LEAST_BYTES)
        self.outlet.offer(Frame(shared))
        self.assertEqual(self.sending.read(1000), b"first " + shared.deflated)

    def test_at_first(self) -> None:
        """Before anything was sent it is not known whether something waits."""
        self.outlet = Outlet(self.sending.connection, direct=True)
        self.outlet.put = self.note
        data = self.offer(b"text")
        self.assertEqual(self.sending.read(1000), b"first " + data)
        self.assert_put((data, 0))

    def test_in_part(self) -> None:
        """What the kernel took of a frame is not sent again, and the next one waits behind the rest."""
        large, small = self.offer(bytes(100_000)), self.offer(b"text")
        self.assertEqual(self.sending.read_all(), b"first " + large + small)
        (_, sent), rest = self.put
        self.assertGreater(sent, 0)
        self.assertEqual(rest, (small, 0))

    def test_straight_again(self) -> None:
        """Once nothing waits any more, the frame after the next one goes straight."""
        self.offer(bytes(100_000))
        self.sending.read_all()
        self.put = []
        one, two = self.offer(b"one"), self.offer(b"two")
        self.assertEqual(self.sending.read(1000), one + two)
        self.assert_put((one, 0))

    def test_paused(self) -> None:
        """Nothing goes straight to who reads too slowly, whatever else is sent meanwhile."""
        self.outlet.pause()
        self.outlet.send(b"second ")
        data = self.offer(b"text")
        self.outlet.resume()
        self.assert_put((data, 0))

    def test_closed(self) -> None:
        """After the end, with which the last is sent, nothing is taken, and nobody asked."""
        self.outlet.close()
        self.outlet.send_last(b"last ")
        self.assertFalse(self.outlet.offer(Frame(SharedFrame(b"text"))))
        self.assertEqual(self.sending.read(1000), b"first last ")
        self.assert_put()

    def test_held(self) -> None:
        """Nor while something is held: it goes together with that."""
        self.outlet.hold()
        self.outlet.send(b"reply ")
        data = self.offer(b"text")
        self.assertEqual(self.sending.read(1000), b"first ")
        self.outlet.release()
        self.assertEqual(self.sending.read(1000), b"reply " + data)

    def test_lost(self) -> None:
        """Nothing comes of what is offered to a connection that is lost."""
        self.sending.connection.connectionLost(Failure(ConnectionLost()))
        data = self.offer(b"text")
        self.assert_put((data, 0))

    def test_other_end_gone(self) -> None:
        """That the other end is gone is left to the reactor to find out."""
        self.sending.leave()
        self.offer(b"text")
        self.assertEqual(self.sending.reactor.getWriters(), [self.sending.connection])

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.sampled_from(["offer", "send", "send_last", "read"]), st.integers(1, 12_000)),
                st.tuples(st.sampled_from(["flush", "hold", "release", "pause", "resume"]), st.just(0)),
            ),
            max_size=30,
        )
    )
    @example([("send", 1), ("offer", 12_000), ("read", 12_000), ("offer", 1), ("flush", 0), ("offer", 1)])
    def test_any_order(self, steps: list[tuple[str, int]]) -> None:
        """Whatever is offered when, it all arrives once, in its order."""
        self.setUp()
        sent, came = [b"first "], []
        for number, (step, size) in enumerate(steps):
            data = bytes((number,)) * size
            if step == "offer":
                sent.append(self.offer(data))
            elif step in {"send", "send_last"}:
                getattr(self.outlet, step)(data)
                sent.append(data)
            elif step == "read":
                came.append(self.sending.read(size))
            elif step == "flush":
                self.sending.flush()
            else:
                if step == "hold":
                    self.outlet.release()
                getattr(self.outlet, step)()
        self.outlet.release()
        self.sending.flush()
        came.append(self.sending.read_all())
        self.assertEqual(b"".join(came), b"".join(sent))
