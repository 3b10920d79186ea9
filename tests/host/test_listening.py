"""A port as a service."""

from __future__ import annotations

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from presence.host.listening import CannotListen, Listener


@implementer(IListeningPort)
class Port:
    """A port that takes its time to close."""

    def __init__(self) -> None:
        self.closed: Deferred[None] = Deferred()

    def startListening(self) -> None:
        """Do nothing."""

    def getHost(self) -> IAddress:
        """Return an address."""
        return UNIXAddress("port")

    def stopListening(self) -> Deferred[None]:
        """Begin to close."""
        return self.closed


class FileDescriptorPort(Port, FileDescriptor):
    """A port as those of the system are: a file that is read from."""

    def __init__(self, reactor: MemoryReactorClock) -> None:
        FileDescriptor.__init__(self, reactor)


@implementer(IStreamServerEndpoint)
class Endpoint:
    """An endpoint with a result that is known beforehand."""

    def __init__(self, result: Deferred[IListeningPort]) -> None:
        self._result = result

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:  # noqa: ARG002, N803
        """Return the result."""
        return self._result


class ListenerTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a listener on a port in memory."""
        self.reactor = MemoryReactorClock()
        self.listener = Listener("tcp:80", TCP4ServerEndpoint(self.reactor, 80), Factory())

    def test_binds_while_privileged(self) -> None:
        """The port is bound before root is dropped, and not bound again after it."""
        self.listener.privilegedStartService()
        self.assertEqual(len(self.reactor.tcpServers), 1)
        self.listener.startService()
        self.assertEqual(len(self.reactor.tcpServers), 1)

    def test_binds_at_start(self) -> None:
        """Where nobody calls the privileged start, the port is bound at the start."""
        self.listener.startService()
        self.assertEqual(len(self.reactor.tcpServers), 1)
        self.assertEqual(self.listener.host.port, 80)  # type: ignore[attr-defined]  # an IPv4Address

    def test_taken(self) -> None:
        """A port that cannot be had ends the process with one line that names the endpoint."""
        taken = Endpoint(fail(CannotListenError("any", 80, OSError("taken"))))
        with self.assertRaises(CannotListen) as caught:
            Listener("tcp:80", taken, Factory()).privilegedStartService()
        line = str(caught.exception.code)
        self.assertIn("tcp:80", line)
        self.assertNotIn("\n", line)

    def test_listens(self) -> None:
        """It listens from its start until it begins to stop."""
        listener = Listener("tcp:80", Endpoint(succeed(Port())), Factory())
        self.assertFalse(listener.listens)
        listener.startService()
        self.assertTrue(listener.listens)
        listener.stopService()
        self.assertFalse(listener.listens)

    def test_stops(self) -> None:
        """The service has stopped when its port is closed."""
        port = Port()
        listener = Listener("tcp:80", Endpoint(succeed(port)), Factory())
        listener.startService()
        stopped = listener.stopService()
        self.assertNoResult(stopped)
        port.closed.callback(None)
        self.successResultOf(stopped)

    def test_starts_again(self) -> None:
        """A service that was stopped can be started again."""
        self.listener.startService()
        self.successResultOf(self.listener.stopService())
        self.listener.startService()
        self.assertEqual(len(self.reactor.tcpServers), 2)

    def test_never_started(self) -> None:
        """A service that never started stops at once, and has no address."""
        with self.assertRaisesRegex(RuntimeError, "tcp:80"):
            _ = self.listener.host
        self.successResultOf(self.listener.stopService())

    def test_pause(self) -> None:
        """A port that is paused accepts nothing, until it is resumed."""
        port = FileDescriptorPort(self.reactor)
        listener = Listener("tcp:80", Endpoint(succeed(port)), Factory())
        listener.startService()
        listener.pause()
        self.assertEqual(self.reactor.getReaders(), [])
        listener.resume()
        self.assertEqual(self.reactor.getReaders(), [port])

    def test_pause_of_another_kind(self) -> None:
        """A port that is no file is never paused."""
        listener = Listener("memory", Endpoint(succeed(Port())), Factory())
        listener.startService()
        listener.pause()
        listener.resume()
        self.assertEqual(self.reactor.getReaders(), [])
