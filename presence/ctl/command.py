"""What every command of ``presencectl`` stands on: what is around it, and the account API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from getopt import GetoptError, gnu_getopt
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TextIO
from urllib.parse import urlsplit

import attrs
import msgspec
from OpenSSL import SSL, crypto
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.python import usage
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, RequestTransmissionFailed, ResponseFailed

from presence import __version__

DEFAULT_API = "http://127.0.0.1:8000"
API_SECONDS = 10.0

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Failed(Exception):  # noqa: N818 - what is said of a command
    """A command could not do its job; the text is the line that says why."""


@attrs.frozen
class Shell:
    """What is around a command."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    ask_password: Callable[[str], str]
    reactor: Any  # IReactorTCP, IReactorTime and the name resolver in one

    def say(self, line: str) -> None:
        """Print a line, at once."""
        print(line, file=self.stdout, flush=True)

    def read_secret(self, file: str | None, variable: str) -> str:
        """Return what is in a file (- is stdin), or else in a variable; empty where there is nothing."""
        if file is None:
            text = self.environ.get(variable, "")
        else:
            text = self.stdin.read() if file == "-" else read_file(file).decode(errors="replace")
        return text.strip()

    def complain(self, line: str) -> None:
        """Print a line on stderr."""
        print(f"presencectl: {line}", file=self.stderr, flush=True)


class Command(usage.Options):
    """A command of ``presencectl``."""

    synopsis: str
    examples: ClassVar[Sequence[str]] = ()

    def getSynopsis(self) -> str:
        """Name the program, which may have been started by another path."""
        return f"Usage: presencectl {self.synopsis}"

    def getUsage(self, width: int | None = None) -> str:
        """Add the examples, which Twisted would wrap."""
        examples = "".join(f"  presencectl {example}\n" for example in self.examples)
        return f"{super().getUsage(width)}\nExamples:\n{examples}"

    def opt_version(self) -> NoReturn:
        """Print the version of presence, and exit."""
        print(f"presence {__version__}")  # noqa: T201 - what is asked for
        raise SystemExit(0)

    async def run(self, shell: Shell) -> None:
        """Do the job; a mere collection of commands has none."""

    def trust_root(self) -> Any:  # noqa: ANN401 - Twisted keeps the type to itself
        """Return the own authority, or None for those of the platform."""
        if self["ca"] is None:
            return None
        found = _PEM.findall(read_file(self["ca"]))
        with suppress(crypto.Error):
            if found:
                return trustRootFromCertificates([Certificate.loadPEM(pem) for pem in found])
        raise usage.UsageError(f"{self['ca']} holds no certificate; give a PEM file")

    async def ask_api(self, shell: Shell, method: str, path: str, **options: Any) -> tuple[int, Any]:  # noqa: ANN401 - treq's options and any JSON
        """Return the status and the body of an answer of the account API."""
        return await self.ask(shell, method, self["api"], path, "the account API", **options)

    async def ask(
        self,
        shell: Shell,
        method: str,
        base: str,
        path: str,
        who: str,
        **options: Any,  # noqa: ANN401 - treq's
    ) -> tuple[int, Any]:
        """
        Return the status and the JSON of an answer.

        :param base: The address before the path, with a slash at its end or without.
        :param who: Who should answer, for the line that says that somebody else does.
        :raises Failed: Where there is none.
        """
        agent = Agent(shell.reactor, BrowserLikePolicyForHTTPS(self.trust_root()))
        url = base.rstrip("/") + path

        async def ask() -> tuple[int, bytes]:
            response = await HTTPClient(agent).request(method, url, allow_redirects=False, **options)
            return response.code, await response.content()

        def give_up(_result: object, seconds: float) -> NoReturn:
            # Cancelling fails in many ways, by how far the request had come.
            raise Failed(f"{url} did not answer in {seconds:g} s")

        asking = Deferred.fromCoroutine(ask())
        try:
            status, body = await asking.addTimeout(API_SECONDS, shell.reactor, give_up)
            return status, msgspec.json.decode(body)
        except (RequestTransmissionFailed, ResponseFailed) as problem:
            raise Failed(f"cannot ask {url}: {_why(problem.reasons[0])}") from None
        except (ConnectError, DNSLookupError) as problem:
            raise Failed(f"cannot ask {url}: {problem}") from None
        except msgspec.DecodeError:
            raise Failed(f"{url} answered {status} without JSON; is this {who}?") from None


class Verb(Command):
    """A command that does something itself."""

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Take options behind the arguments too, where Twisted stops to look for them."""
        try:
            found, arguments = gnu_getopt(options or [], self.shortOpt, self.longOpt)
        except GetoptError as problem:
            raise usage.UsageError(str(problem)) from None
        in_front: list[str] = []
        for name, value in found:
            bare = name.lstrip("-")
            valued = f"{bare}=" in self.longOpt or f"{bare}:" in self.shortOpt
            in_front += [name, value] if valued else [name]
        super().parseOptions([*in_front, *arguments])


def with_remedy(reason: str) -> str:
    """Return why a connection failed, and what helps if it is the authority of a certificate."""
    distrusted = "certificate verify failed" in reason
    return f"{reason}; if its authority is your own, name the file with --ca" if distrusted else reason


def _why(failure: Failure) -> str:
    if isinstance(failure.value, SSL.Error):
        return with_remedy("; ".join(text for _library, _function, text in failure.value.args[0]))
    return failure.getErrorMessage()


def _api_url(text: str) -> str:
    return http_url(text, f"of an API; {DEFAULT_API}")


def http_url(text: str, example: str) -> str:
    """
    Read an address of the command line.

    :param example: What it is an address of, and one of those.
    :raises ValueError: Where it is none.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError(f"{text} is no address {example} is one")
    return text


def user_id(text: str) -> int:
    """Read a user id of the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text} is no user id; give an integer from 1")
    return int(text)


def read_file(name: str) -> bytes:
    """Read a file that was named on the command line."""
    try:
        return Path(name).read_bytes()
    except OSError as problem:
        raise usage.UsageError(f"cannot read {name}: {problem.strerror}") from None


API = ["api", None, DEFAULT_API, "The account API.", _api_url]
CA = ["ca", None, None, "PEM file of an own authority, for wss:// and https://."]
