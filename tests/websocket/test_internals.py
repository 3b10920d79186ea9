"""What is used of other libraries beside their promises is there, or is done without."""

from __future__ import annotations

from typing import Any, cast

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from OpenSSL import SSL
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.protocols.haproxy._wrapper import HAProxyWrappingFactory
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.websocket import factory, internals
from presence.websocket.configuration import configured
from presence.websocket.guard import GuardedProtocol
from presence.websocket.internals import _AT_FIRST, _LEFTOVERS, find_plain_socket, knows_buffers, options_of
from tests.conformance.echo import EchoFactory, EchoProtocol
from tests.conformance.table import HANDSHAKE, echoed
from tests.websocket.case import PeerTestCase
from tests.websocket.peer import TEXT, Peer, Transport, frame
from tests.websocket.sockets import Loopback, Sending

ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def shaken(settings: Settings) -> EchoProtocol:
    """Return an echo whose opening handshake is done."""
    echo = cast("EchoProtocol", EchoFactory(settings, Clock()).buildProtocol(None))
    echo.makeConnection(Transport())
    echo.dataReceived(HANDSHAKE)
    return echo


class PlainSocketTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Open a connection."""
        self.connection = Sending(self).connection

    def assert_hidden_by(self, factory: WrappingFactory[Any]) -> None:
        """Assert that a connection inside of a wrapper is none to send past."""
        wrapper: Any = factory.buildProtocol(None)
        wrapper.makeConnection(self.connection)
        self.assertIsNone(find_plain_socket(wrapper.wrappedProtocol.transport))

    def test_plain(self) -> None:
        """A transport that is a socket is found."""
        self.assertIs(find_plain_socket(self.connection), self.connection)

    def test_wrapped(self) -> None:
        """Inside of TLS or PROXY headers there is none."""
        self.assert_hidden_by(TLSMemoryBIOFactory(CertificateOptions(), False, Factory.forProtocol(Protocol)))  # noqa: FBT003
        self.assert_hidden_by(HAProxyWrappingFactory(Factory.forProtocol(Protocol)))

    def test_begun_tls(self) -> None:
        """A socket that has begun to speak TLS is none."""
        self.connection.TLS = True
        self.assertIsNone(find_plain_socket(self.connection))

    def test_no_socket(self) -> None:
        """A transport without a socket is none."""
        self.assertIsNone(find_plain_socket(StringTransport()))


class BuffersTests(SynchronousTestCase):
    def test_known(self) -> None:
        """This Twisted keeps what waits where it is looked for."""
        self.assertTrue(knows_buffers())

    def hide(self, name: str) -> None:
        """Let Twisted keep something elsewhere."""

        class Other(Connection):
            def __getattribute__(self, asked: str) -> Any:  # noqa: ANN401 - any attribute
                if asked == name:
                    raise AttributeError(asked)
                return super().__getattribute__(asked)

        self.patch(internals, "Connection", Other)

    def echo(self, settings: Settings) -> Loopback:
        """Return the wire of an echo that was just sent a text, with its handshake taken off."""
        wire = Loopback(self)
        wire.accept(EchoFactory(settings, Clock()))
        wire.say(HANDSHAKE)
        wire.flush()
        wire.read(len(ANSWER))
        wire.say(frame(TEXT, b"text"))
        return wire

    def test_elsewhere(self) -> None:
        """Where any of it is missing, that is noticed."""
        for name in ("dataBuffer", "_tempDataBuffer", "connected", "disconnecting"):
            self.hide(name)
            self.assertFalse(knows_buffers(), name)

    def test_without(self) -> None:
        """Then nothing is sent past the transport, and all the rest is as before."""
        self.hide("_tempDataBuffer")
        wire = self.echo(Settings())
        self.assertTrue(wire.nothing_came())
        wire.flush()
        self.assertEqual(wire.read(6), echoed(TEXT, b"text"))

    def test_with(self) -> None:
        """Else a frame is in the kernel at once."""
        self.assertEqual(self.echo(Settings()).read(6), echoed(TEXT, b"text"))

    def test_switched_off(self) -> None:
        """Without the fast path nothing is sent past the transport either."""
        self.assertTrue(self.echo(Settings(fast_path=False)).nothing_came())


class StartTests(PeerTestCase):
    def setUp(self) -> None:
        """Have native code, wherever the test runs."""
        self.patch(factory, "USES_NVX", True)  # noqa: FBT003

    def told(self, **settings: bool) -> str:
        """Return what a factory with these settings says when it starts."""
        with capturedLogs() as events:
            Peer(self.make_daemon(Settings(**settings))).protocol.factory.startFactory()  # type: ignore[arg-type]  # flags, all of them
        (told,) = [event for event in events if "fast path" in event["log_format"]]
        return str(told["log_format"].format(**told))

    def test_all(self) -> None:
        """The log says which paths are active."""
        self.assertEqual(
            self.told(),
            "fast path: on, frames sent at once: on, polled together: off, compression: on, native code: on",
        )

    def test_no_compression(self) -> None:
        """Compression that is off is told."""
        self.assertIn("compression: off", self.told(compression=False))

    def test_no_buffers(self) -> None:
        """So it is where Twisted's buffers are not known."""
        self.patch(internals, "_BUFFERS", ("elsewhere",))
        self.assertIn("fast path: on, frames sent at once: off", self.told())

    def test_no_fast_path(self) -> None:
        """``--no-fast-path`` turns off both."""
        self.fast_path = False
        self.assertIn("fast path: off, frames sent at once: off", self.told())

    def test_no_native_code(self) -> None:
        """Native code that is missing is told, and warned of."""
        self.patch(factory, "USES_NVX", False)  # noqa: FBT003
        with capturedLogs() as events:
            Peer(self.make_daemon()).protocol.factory.startFactory()
        self.assertEqual([event["log_level"].name for event in events][-2:], ["info", "warn"])


class OptionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a factory with an option of its own."""
        self.factory = WebSocketServerFactory(reactor=Clock())
        self.factory.setProtocolOptions(versions=[13], perMessageCompressionAccept=lambda offers: len(offers))  # noqa: PLW0108 - len is never bound

    def connected(self, *, fast_path: bool) -> Any:  # noqa: ANN401 - Autobahn's options have no types
        """Return a connection of the factory."""
        settings = Settings(fast_path=fast_path, max_message_bytes=5000)
        self.factory.protocol = configured(GuardedProtocol, self.factory, settings, Clock())
        connected: Any = self.factory.buildProtocol(None)
        connected.makeConnection(Transport())
        return connected

    def test_same(self) -> None:
        """On the fast path each of Autobahn's options has the value that it has off it."""
        fast, slow = self.connected(fast_path=True), self.connected(fast_path=False)
        names = [*WebSocketServerProtocol.CONFIG_ATTRS]
        self.assertEqual({n: getattr(fast, n) for n in names}, {n: getattr(slow, n) for n in names})
        self.assertGreater(len(names), 20)

    def test_once(self) -> None:
        """There they stand on the class, and not on each connection."""
        own = vars(self.connected(fast_path=True))
        self.assertEqual([name for name in WebSocketServerProtocol.CONFIG_ATTRS if name in own], [])

    def test_factory(self) -> None:
        """What was set for the factory takes effect, also a function, which is not bound."""
        options = options_of(self.factory, GuardedProtocol)
        made: Any = type("Protocol", (GuardedProtocol,), options)()
        self.assertEqual((made.versions, made.perMessageCompressionAccept("abc")), ([13], 3))

    def test_ours(self) -> None:
        """What a protocol sets for itself is left to it."""
        self.assertNotIn("webStatus", options_of(self.factory, GuardedProtocol))

    def test_two_factories(self) -> None:
        """Two daemons in a process keep their options apart."""
        first = self.connected(fast_path=True)
        self.factory = WebSocketServerFactory(reactor=Clock())
        second = self.connected(fast_path=True)
        self.assertEqual(
            (first.versions, second.versions), ([13], WebSocketServerFactory(reactor=Clock()).versions)
        )


class BeginTests(SynchronousTestCase):
    def begun(self, *, fast_path: bool) -> EchoProtocol:
        """Return an echo that waits for the opening handshake."""
        echo = cast("EchoProtocol", EchoFactory(Settings(fast_path=fast_path), Clock()).buildProtocol(None))
        echo.makeConnection(Transport())
        return echo

    def test_same(self) -> None:
        """Whatever Autobahn writes down for a new connection has the same value on the fast path."""
        fast, slow = self.begun(fast_path=True), self.begun(fast_path=False)
        self.assertEqual([name for name in vars(slow) if not hasattr(fast, name)], [])
        plain = {n: v for n, v in vars(slow).items() if isinstance(v, str | int | float | bytes | None)}
        self.assertEqual({name: getattr(fast, name) for name in plain}, plain)
        self.assertGreater(len(plain), len(_AT_FIRST))

    def test_counted(self) -> None:
        """Autobahn's count of the connections is right."""
        for fast_path in (True, False):
            echo = self.begun(fast_path=fast_path)
            self.assertEqual(echo.factory.countConnections, 1)
            echo.connectionLost(Failure(ConnectionDone()))
            self.assertEqual(echo.factory.countConnections, 0)


class EndTests(SynchronousTestCase):
    def ended(self, problem: Exception, *, fast_path: bool) -> dict[str, object]:
        """Return what an echo knows of its end."""
        echo = shaken(Settings(fast_path=fast_path))
        ends: list[object] = []
        self.patch(type(echo), "onClose", lambda _, *end: ends.append(end))
        echo.connectionLost(Failure(problem))
        return {"ends": ends, **{name: getattr(echo, name) for name in (*_AT_FIRST, "state")}}

    def test_same(self) -> None:
        """However a connection ends, that is noted and told in the same way on the fast path."""
        for problem in (
            ConnectionDone(),
            ConnectionLost(),
            ConnectionAborted(),
            SSL.Error([("a", "b", "c")]),
        ):
            fast, slow = self.ended(problem, fast_path=True), self.ended(problem, fast_path=False)
            self.assertEqual(fast, slow)
            self.assertEqual(len(cast("list[object]", fast["ends"])), 1)


class OwnTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Shake hands on the fast path and off it."""
        self.fast = shaken(Settings())
        self.slow = shaken(Settings(fast_path=False))

    def test_leftovers(self) -> None:
        """Autobahn keeps each of the leftovers; on the fast path none is kept."""
        self.assertEqual([name for name in _LEFTOVERS if name not in vars(self.slow)], [])
        self.assertEqual([name for name in _LEFTOVERS if name in vars(self.fast)], [])

    def test_at_first(self) -> None:
        """What is said to be as on every connection is so after a handshake, and kept by none."""
        self.assertEqual({name: getattr(self.slow, name) for name in _AT_FIRST}, _AT_FIRST)
        self.assertEqual([name for name in _AT_FIRST if name in vars(self.fast)], [])

    def test_changed(self) -> None:
        """What has changed is the connection's own."""
        self.fast.dataReceived(frame(TEXT, b"half")[:5])
        self.assertEqual(self.fast.data, frame(TEXT, b"half")[:5])
        self.assertEqual(shaken(Settings()).data, b"")

    def test_validator(self) -> None:
        """What looks at the UTF-8 of a long text is made when one comes, and is the connection's own."""
        self.assertNotIn("utf8validator", vars(self.fast))
        self.fast.dataReceived(frame(TEXT, bytes(5000)))
        self.assertIsNot(vars(self.fast)["utf8validator"], shaken(Settings()).utf8validator)

    def test_same(self) -> None:
        """All that is left of a connection has the value that it has off the fast path."""
        plain = {n: v for n, v in vars(self.fast).items() if isinstance(v, str | int | bytes | None)}
        self.assertEqual({name: vars(self.slow)[name] for name in plain}, plain)
