"""Bytes leave in their order, each once, whatever part of them the kernel takes."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    UNIXClientEndpoint,
    serverFromString,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from presence.websocket.compression import LEAST_BYTES
from presence.websocket.internals import find_plain_socket
from presence.websocket.sending import Outlet, SharedFrame, text_frame
from tests.conformance.table import echoed
from tests.real.certificates import Authority
from tests.real.processes import new_path
from tests.websocket.peer import TEXT
from tests.websocket.sockets import Sending

SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 100_000)


class FrameTests(SynchronousTestCase):
    def test_frames(self) -> None:
        """A frame of any size is that of the RFC."""
        for size in SIZES:
            self.assertEqual(text_frame(b"*" * size), echoed(TEXT, b"*" * size))

    def test_plain(self) -> None:
        """A shared frame holds its text as it is."""
        self.assertEqual(SharedFrame(b"text").plain, echoed(TEXT, b"text"))

    def test_small(self) -> None:
        """A small text is not compressed; its frame is the same for all."""
        shared = SharedFrame(b"*" * (LEAST_BYTES - 1))
        self.assertIs(shared.deflated, shared.plain)

    def test_deflated(self) -> None:
        """A larger text is, in a frame that says so."""
        shared = SharedFrame(b"*" * LEAST_BYTES)
        self.assertEqual(shared.deflated[0], 0xC1)
        self.assertLess(len(shared.deflated), 50)

    def test_deflated_once(self) -> None:
        """It is compressed once for all."""
        shared = SharedFrame(b"*" * LEAST_BYTES)
        self.assertIs(shared.deflated, shared.deflated)


class OutletTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Open a connection with an outlet."""
        self.sending = Sending(self)
        self.outlet = Outlet(self.sending.connection, direct=True)

    def assert_waits(self, data: bytes) -> None:
        """Assert that the kernel gets this only when the reactor hands it on."""
        self.assertEqual(self.sending.read(1000), b"")
        self.sending.flush()
        self.assertEqual(self.sending.read_all(), data)

    def test_at_once(self) -> None:
        """Where nothing waits, bytes are in the kernel at once, and the reactor is not asked."""
        self.outlet.send(b"frame")
        self.assertEqual(self.sending.read(1000), b"frame")
        self.assertEqual(self.sending.reactor.getWriters(), [])

    def test_in_part(self) -> None:
        """What the kernel does not take goes when it takes more, once, and before what comes later."""
        large = bytes(range(256)) * 400
        self.outlet.send(large)
        self.assertEqual(self.sending.reactor.getWriters(), [self.sending.connection])
        self.outlet.send(b"later")
        self.assertEqual(self.sending.read_all(), large + b"later")

    def test_full(self) -> None:
        """Where the kernel takes nothing, all of it waits."""
        self.outlet.send(bytes(100_000))
        self.sending.connection._tempDataBuffer = []  # as if it had come from somebody else
        self.outlet.send(b"frame")
        self.assertEqual(b"".join(self.sending.connection._tempDataBuffer), b"frame")

    def test_behind_others(self) -> None:
        """Nothing overtakes what was written to the transport."""
        self.sending.connection.write(b"first ")
        self.outlet.send(b"second")
        self.assert_waits(b"first second")

    def test_behind_a_part(self) -> None:
        """Nothing overtakes what the reactor has begun to hand on."""
        self.sending.connection.write(bytes(100_000))
        self.sending.flush()
        came = self.sending.read(100_000)  # so that the kernel has room again
        self.outlet.send(b"second")
        self.sending.flush()
        self.assertEqual(came + self.sending.read_all(), bytes(100_000) + b"second")

    def test_closing(self) -> None:
        """Nothing is sent at once to a connection that is told to close."""
        self.sending.connection.loseConnection()
        self.outlet.send(b"late")
        self.assertEqual(self.sending.read(1000), b"")

    def test_lost(self) -> None:
        """Nothing comes of what is sent to a connection that is lost."""
        self.sending.connection.connectionLost(Failure(ConnectionLost()))
        self.outlet.send(b"late")
        self.assertEqual(self.sending.connection._tempDataBuffer, [])

    def test_other_end_gone(self) -> None:
        """That the other end is gone is left to the reactor to find out."""
        self.sending.leave()
        self.outlet.send(b"frame")
        self.assertEqual(self.sending.reactor.getWriters(), [self.sending.connection])

    def test_not_direct(self) -> None:
        """An outlet that is not direct leaves all to the transport."""
        Outlet(self.sending.connection, direct=False).send(b"frame")
        self.assert_waits(b"frame")

    def test_held(self) -> None:
        """What is held goes in one piece, in its order, when it is released."""
        self.outlet.hold()
        for data in (b"one ", b"two ", b"three"):
            self.outlet.send(data)
        self.assertEqual(self.sending.read(1000), b"")
        self.outlet.release()
        self.assertEqual(self.sending.read(1000), b"one two three")

    def test_released_twice(self) -> None:
        """What was released is not sent again, and nothing is held any more."""
        self.outlet.hold()
        self.outlet.send(b"one ")
        self.outlet.release()
        self.outlet.release()
        self.outlet.send(b"two")
        self.assertEqual(self.sending.read(1000), b"one two")

    def test_nothing_held(self) -> None:
        """Where nothing was held, nothing is sent."""
        self.outlet.hold()
        self.outlet.release()
        self.assertEqual(self.sending.read(1000), b"")

    def test_last(self) -> None:
        """What is sent last goes at once, behind what was held."""
        self.outlet.hold()
        self.outlet.send(b"one ")
        self.outlet.send_last(b"last")
        self.assertEqual(self.sending.read(1000), b"one last")

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.sampled_from(["send", "write", "last", "read"]), st.integers(1, 12_000)),
                st.tuples(st.sampled_from(["flush", "hold", "release"]), st.just(0)),
            ),
            max_size=30,
        )
    )
    @example([("write", 12_000), ("flush", 0), ("read", 12_000), ("send", 1)])
    def test_any_order(self, steps: list[tuple[str, int]]) -> None:
        """Whatever is sent when, and however the kernel takes it, it all arrives once, in its order."""
        sending = Sending(self)
        outlet = Outlet(sending.connection, direct=True)
        sent, held, came = [], [], []
        for number, (step, size) in enumerate(steps):
            data = bytes((number,)) * size
            if step == "send":
                outlet.send(data)
                held.append(data)
            elif step == "last":
                outlet.send_last(data)
                sent += [*held, data]
                held = []
            elif step == "write":
                outlet.release()
                sent += held
                held = []
                sending.connection.write(data)
                sent.append(data)
            elif step == "read":
                came.append(sending.read(size))
            elif step == "flush":
                sending.flush()
            elif step == "hold":
                outlet.release()
                outlet.hold()
            else:
                outlet.release()
        outlet.release()
        sending.flush()
        came.append(sending.read_all())
        self.assertEqual(b"".join(came), b"".join(sent + held))


FRAMES = [text_frame(b"%06d " % number * (number % 700)) for number in range(3000)]
"""About 7 MB, of which no kernel takes all at once."""


class Fountain(Protocol):
    """
    Sends all of the frames when it is told to.

    :cvar direct: Whether the last one could send past its transport.
    """

    direct: bool | None = None
    transport: ITCPTransport

    def dataReceived(self, data: bytes) -> None:  # noqa: ARG002 - any
        """Begin."""
        outlet = Outlet(self.transport, direct=True)
        type(self).direct = find_plain_socket(self.transport) is not None
        for frame in FRAMES:
            outlet.send(frame)
        self.transport.loseConnection()


class Basin(Protocol):
    """
    Collects what comes.

    :ivar full: Fires with it when the connection ends.
    """

    transport: ITCPTransport

    def __init__(self) -> None:
        self.full: Deferred[bytes] = Deferred()
        self._came: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self._came.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002 - any
        """Say what came."""
        self.full.callback(b"".join(self._came))


class TransportTests(TestCase):
    timeout = 30

    async def assert_arrives(
        self,
        description: str,
        clients: IStreamClientEndpoint | None = None,
        *,
        direct: bool,
        say: bytes = b"go",
    ) -> None:
        """Assert that all frames arrive in their order, and whether they may go past the transport."""
        served: Any = await serverFromString(reactor, description).listen(Factory.forProtocol(Fountain))
        self.addCleanup(served.stopListening)
        address = served.getHost()
        clients = clients or TCP4ClientEndpoint(reactor, "127.0.0.1", address.port)
        if "ssl:" in description:
            trusted = optionsForClientTLS("localhost", self.authority.certificate)
            clients = wrapClientTLS(trusted, clients)
        basin = cast("Basin", await clients.connect(Factory.forProtocol(Basin)))
        basin.transport.write(say)
        came = await basin.full
        self.assertTrue(came == b"".join(FRAMES), f"{len(came)} other bytes came")
        self.assertIs(Fountain.direct, direct)

    async def test_tcp(self) -> None:
        """TCP takes frames at once."""
        await self.assert_arrives("tcp:0:interface=127.0.0.1", direct=True)

    async def test_unix(self) -> None:
        """So does a UNIX socket."""
        path = str(new_path(self))
        await self.assert_arrives(f"unix:{path}", UNIXClientEndpoint(reactor, path), direct=True)

    async def test_tls(self) -> None:
        """TLS is never passed by."""
        self.authority = Authority(self)
        pem = self.authority.write_pem("localhost")
        await self.assert_arrives(f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1", direct=False)

    async def test_proxied(self) -> None:
        """Behind a proxy's header the transport is not passed by."""
        header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1024 80\r\n"
        await self.assert_arrives("haproxy:tcp:0:interface=127.0.0.1", direct=False, say=header + b"go")
