"""A shell, a daemon and an account API around ``presencectl``."""

from __future__ import annotations

from io import StringIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import Request as HTTPRequest
from twisted.web.server import Site

from presence.ctl import Options, execute
from presence.ctl.command import Shell
from presence.wire.messages import HelloOk
from tests.canary import PASSWORD, TOKEN
from tests.client.scripted import ClientTestCase

URL = "ws://presence.example:8080/"

HELLO_OK = HelloOk(userid=2, socket="5f", ping=25, maxbytes=65536, features=[])


class Api(Resource):
    """An account API that answers everything with the same."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.body: bytes = b'{"id": 2, "access_token": "%s"}' % TOKEN.encode()
        self.path = b""
        self.authorization: str | None = None
        self.sent = b""

    def render(self, request: HTTPRequest) -> bytes:
        """Note what was asked, and answer."""
        self.path, self.authorization = request.path, request.getHeader("authorization")
        self.sent = request.content.read()  # type: ignore[union-attr]  # a request that arrived has one
        request.setResponseCode(self.status)
        return self.body


class Connections(WrappingFactory):
    """A factory that knows when its only connection is gone."""

    def __init__(self, wrapped: IProtocolFactory) -> None:
        super().__init__(wrapped)
        self.gone: Deferred[None] = Deferred()

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """Note the end of the connection."""
        super().unregisterProtocol(p)
        self.gone.callback(None)


class Terminal:
    """Whoever sits in front of a shell."""

    def __init__(self) -> None:
        self.stdin, self.stdout, self.stderr = StringIO(), StringIO(), StringIO()
        self.prompts: list[str] = []
        self.password: str | None = PASSWORD

    def ask_password(self, prompt: str) -> str:
        """Type the password, or Ctrl-D."""
        self.prompts.append(prompt)
        if self.password is None:
            raise EOFError
        return self.password

    def type(self, text: str) -> None:
        """Put text into stdin."""
        self.stdin = StringIO(text)

    def run(self, reactor: Any, *argv: str, **environ: str) -> Deferred[None]:  # noqa: ANN401 - as in Shell
        """Run a command."""
        options = Options()
        options.parseOptions(argv)
        shell = Shell(self.stdin, self.stdout, self.stderr, environ, self.ask_password, reactor)
        return Deferred.fromCoroutine(execute(options.subOptions, shell))

    @property
    def lines(self) -> list[str]:
        """The lines on stdout."""
        return self.stdout.getvalue().splitlines()

    @property
    def complaint(self) -> str:
        """What stands on stderr."""
        return self.stderr.getvalue()


class Closed(StringIO):
    """A stream that nobody reads any more."""

    def write(self, _text: str) -> int:
        """Find nobody."""
        raise BrokenPipeError


class CtlTestCase(ClientTestCase):
    """Commands that run in memory."""

    def setUp(self) -> None:
        """Make the surroundings."""
        super().setUp()
        self.api = Api()
        self.reactor.listenTCP(8000, Site(self.api, reactor=self.reactor))
        self.terminal = Terminal()

    def run_command(self, *argv: str, **environ: str) -> None:
        """Begin to run a command."""
        self.running = self.terminal.run(self.reactor, *argv, **environ)
        self.addCleanup(self.interrupt)

    def interrupt(self) -> None:
        """Press Ctrl-C, which does nothing to a command that has ended."""
        self.running.addErrback(lambda _: None).cancel()
        if self.servers:
            self.flush()

    def assert_done(self) -> None:
        """Check that the command succeeded, without a complaint."""
        self.flush()
        self.successResultOf(self.running)
        self.assertEqual(self.terminal.complaint, "")

    def assert_failed(self, code: int, complaint: str) -> None:
        """Check how the command failed, and that it said so in one line."""
        self.assertEqual(self.failureResultOf(self.running, SystemExit).value.code, code)
        self.assertEqual(self.terminal.complaint, f"presencectl: {complaint}\n")
