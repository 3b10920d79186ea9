"""What every command of ``presencectl`` stands on: what is around it, and the account API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, TextIO

import attrs
import msgspec
from treq.client import HTTPClient
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's name
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.python import usage
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseFailed

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

    def complain(self, line: str) -> None:
        """Print a line on stderr."""
        print(f"presencectl: {line}", file=self.stderr, flush=True)


class Command(usage.Options):
    """A command of ``presencectl``."""

    examples: ClassVar[Sequence[str]] = ()

    def getUsage(self, width: int | None = None) -> str:
        """Add the examples, which Twisted would wrap."""
        examples = "".join(f"  presencectl {example}\n" for example in self.examples)
        return f"{super().getUsage(width)}\nExamples:\n{examples}"

    def opt_version(self) -> NoReturn:
        """Print the version of presence, and exit."""
        print(f"presence {__version__}")  # noqa: T201 - what is asked for
        raise SystemExit(0)

    async def run(self, shell: Shell) -> None:
        """Do the job."""
        raise NotImplementedError

    def trust_root(self) -> Any:  # noqa: ANN401 - Twisted keeps the type to itself
        """Return the own authority, or None for those of the platform."""
        if self["ca"] is None:
            return None
        found = _PEM.findall(read_file(self["ca"]))
        if not found:
            raise usage.UsageError(f"{self['ca']} holds no certificate; give a PEM file")
        return trustRootFromCertificates([Certificate.loadPEM(pem) for pem in found])

    async def ask_api(self, shell: Shell, method: str, path: str, **options: Any) -> tuple[int, Any]:  # noqa: ANN401 - treq's options and any JSON
        """Return the status and the body of an answer of the account API."""
        agent = Agent(shell.reactor, BrowserLikePolicyForHTTPS(self.trust_root()))
        url = self["api"].rstrip("/") + path

        async def ask() -> tuple[int, bytes]:
            response = await HTTPClient(agent).request(method, url, allow_redirects=False, **options)
            return response.code, await response.content()

        try:
            status, body = await Deferred.fromCoroutine(ask()).addTimeout(API_SECONDS, shell.reactor)
            return status, msgspec.json.decode(body)
        except TimeoutError:
            raise Failed(f"{url} did not answer in {API_SECONDS:g} s") from None
        except ResponseFailed as problem:
            raise Failed(f"cannot ask {url}: {problem.reasons[0].getErrorMessage()}") from None
        except (ConnectError, DNSLookupError) as problem:
            raise Failed(f"cannot ask {url}: {problem}") from None
        except msgspec.DecodeError:
            raise Failed(f"{url} answered {status} without JSON; is this the account API?") from None


def _api_url(text: str) -> str:
    if not re.match("https?://.", text):
        raise ValueError(f"{text} is no address of an API; {DEFAULT_API} is one")
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
