"""A port as a service, which ends the process in one line when it cannot be had."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.tcp import Port
from twisted.python.failure import Failure

from presence.host.endpoints import SecureEndpoint
from presence.logs import logger

AT_ONCE = 20
"""How many connections are accepted in a turn of the reactor; all others wait meanwhile."""

_log = logger(__name__)


class CannotListen(SystemExit, Exception):  # noqa: N818 - what happened, in the words of Twisted
    """
    A port cannot be had: the process ends with exit code 1 and one line.

    It is a ``SystemExit``, since any other exception ends ``twistd`` with some forty lines
    of traceback; and an ``Exception``, since ``twistd`` tells only of those to the shell
    that waits for its daemon, which without it waits for ever (``postApplication`` in
    ``twisted.scripts._twistd_unix``).
    """


class Listener(Service):
    """
    Listens on an endpoint while it runs.

    ``twistd`` binds in :meth:`privilegedStartService`, before it drops root; ``twist``
    never calls that, so :meth:`startService` binds where nothing is bound yet.

    Twisted's own services either log a taken port and run on, deaf, or raise what ends in
    a traceback.

    :param description: The endpoint as the operator wrote it.
    """

    def __init__(self, description: str, endpoint: IStreamServerEndpoint, factory: IProtocolFactory) -> None:
        self.description = description
        self._endpoint = endpoint
        self._factory = factory
        self._listening: Deferred[IListeningPort] | None = None
        self._port: IListeningPort | None = None

    @property
    def listens(self) -> bool:
        """Whether the port is open."""
        return self._port is not None

    @property
    def host(self) -> IAddress:
        """The address that is listened on; there is one once the service has started."""
        if self._port is None:
            raise RuntimeError(f"{self.description} does not listen")
        return self._port.getHost()

    @property
    def secure(self) -> bool:
        """Whether there is TLS with a certificate of ours."""
        return isinstance(self._endpoint, SecureEndpoint)

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL (:rfc:`3986`, section 3.2); for TCP only."""
        address = self.host
        if isinstance(address, IPv6Address):
            return f"[{address.host}]:{address.port}"
        assert isinstance(address, IPv4Address)  # noqa: S101 - for the type checker
        return f"{address.host}:{address.port}"

    def privilegedStartService(self) -> None:
        """
        Bind; every kind of endpoint that comes with Twisted tells at once whether it could.

        :raises CannotListen: With one line that names the endpoint, when it cannot be had.
        """
        if self._listening is not None:
            return
        problems: list[Failure] = []
        self._listening = self._endpoint.listen(self._factory)
        self._listening.addCallbacks(self._opened, problems.append)
        if problems:
            reason = problems[0].getErrorMessage()
            raise CannotListen(f"presence: cannot listen on {self.description}: {reason}")

    def startService(self) -> None:
        """Bind, unless that is done."""
        super().startService()
        self.privilegedStartService()

    def pause(self) -> None:
        """Leave new connections in the queue of the system."""
        if isinstance(self._port, FileDescriptor):
            self._port.stopReading()

    def resume(self) -> None:
        """Accept them again."""
        if isinstance(self._port, FileDescriptor):
            _accept_few(self._port)
            self._port.startReading()

    def stopService(self) -> Deferred[None]:
        """Accept no connection any more; those that are open stay."""
        super().stopService()
        port, self._port, self._listening = self._port, None, None
        stopped = None if port is None else port.stopListening()
        return succeed(None) if stopped is None else stopped

    def _opened(self, port: IListeningPort) -> None:
        self._port = port
        _accept_few(port)
        _log.info("listening on {description}", description=self.description)


def _accept_few(port: IListeningPort | FileDescriptor) -> None:
    # It begins with 100, and takes 20 more with each turn that has so many (Port.doRead in
    # twisted.internet.tcp), whether it was told to pause meanwhile or not.
    if isinstance(port, Port):
        port.numberAccepts = AT_ONCE
