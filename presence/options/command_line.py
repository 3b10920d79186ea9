"""The command line of ``twistd presence``: strings in, settings and endpoints out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast
from urllib.parse import urlsplit

from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.python import usage

from presence import __version__
from presence.config import Settings
from presence.host.certificates import CertificateFiles, ServedCertificate
from presence.host.endpoints import SecureEndpoint, is_loopback, read_certificate, server_endpoint
from presence.host.limits import file_limit, most_connections
from presence.host.secrets import read_secret
from presence.host.tls import read_authority
from presence.options import sources
from presence.options.option import Flag, Option
from presence.options.sources import CONFIG_VARIABLE
from presence.options.table import NUMBERS, OPTIONS, split_address

T = TypeVar("T")

_DEFAULTS = Settings()

_VISIBLE = re.compile(r"[!-~]+")

_EXAMPLES = """
Examples:
  twistd -n --pidfile= presence --demo
  twistd -n --pidfile= presence --config /etc/presence/presence.toml
  twistd -n --pidfile= presence --api-url https://api.example.com \\
      --endpoint ssl:443:privateKey=key.pem:certKey=cert.pem

All options but --config, --help and --version may also stand in the file
(offline-delay = 5) and in the environment (PRESENCE_OFFLINE_DELAY=5); a flag
goes before the environment, and that before the file.

Docs: README.rst, and docs/ in the source.
"""


class Options(usage.Options):
    """
    The options of ``twistd presence``, from all their sources; ``presence.options.table`` has them.

    Reading them changes nothing but this object, so the same command line can be read anew, by
    a new one, while the daemon runs.

    :param environment: The environment, looked at when the command line is parsed.

    :ivar choices: What holds for each option, by its name, and where that comes from.
    :ivar endpoints: Where clients connect, by the strings that describe it.
    :ivar demo_endpoint: Where the demo's page and account API listen.
    :ivar authority: The trust root for the account API; None for the system's.
    :ivar ops_endpoint: Where operators and the platform ask; None for nowhere.
    :ivar ops_key: The key of the HTTP API, if there is one.
    :ivar webhook_secret: Signs the webhooks, if there are any.
    :ivar settings: The rest, as values.
    """

    demo_endpoint: IStreamServerEndpoint

    synopsis = "[options]"
    longdesc = "Tells who is online, and carries messages to them at once, over WebSocket."

    optParameters = [  # noqa: RUF012 - read once by usage.Options
        [
            "config",
            None,
            None,
            f"Read options from this TOML file. [default: what {CONFIG_VARIABLE} names, else none]",
        ],
    ]

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        super().__init__()
        self.environment = environment
        self.choices = sources.defaults(OPTIONS)
        self.endpoints: dict[str, IStreamServerEndpoint] = {}
        self.ops_endpoint: IStreamServerEndpoint | None = None
        self.ops_key: str | None = None
        self.webhook_secret: str | None = None
        self.authority: object = None
        self.settings = _DEFAULTS
        self._arguments: Sequence[str] | None = None
        self._refused = False
        self._given: dict[str, list[str]] = {}
        self._take_values()

    @property
    def certificates(self) -> list[ServedCertificate]:
        """The certificates of the endpoints, each once."""
        endpoints: list[object] = [*self.endpoints.values(), self.ops_endpoint]
        return list({one.certificate: None for one in endpoints if isinstance(one, SecureEndpoint)})

    def getUsage(self, width: int | None = None) -> str:
        """Return the help, or where it is, since twistd prints this before it says what is wrong."""
        if self._refused:
            return "See: twistd presence --help\n"
        # usage.Options would join the lines of the examples.
        return f"{super().getUsage(width)}{_EXAMPLES}"

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Read the command line, and all that goes with it.

        :raises usage.UsageError: With one line that says what to do.
        """
        self._arguments = options
        try:
            super().parseOptions(options)
        except usage.UsageError:
            self._refused = True
            raise

    def anew(self) -> Options:
        """
        Read everything again, with the same command line and environment.

        :raises usage.UsageError: With one line that says what to do.
        """
        anew = Options(self.environment)
        anew.parseOptions(self._arguments)
        return anew

    def parseArgs(self, *arguments: str) -> None:
        """Refuse arguments."""
        if arguments:
            raise usage.UsageError(f"{arguments[0]!r}: there are options only; see --help")

    def opt_version(self) -> NoReturn:
        """Print presence's version and exit."""
        print(f"presence {__version__}")  # noqa: T201 - what the option is for
        raise SystemExit(0)

    def postOptions(self) -> None:
        """
        Read all sources, check what only makes sense together, and make the endpoints.

        :raises usage.UsageError: With one line that says what to do.
        """
        try:
            self._choose()
            self._check_api()
            self._check_demo()
            if self["api-ca"] is not None:
                self.authority = self._of("api-ca", read_authority, self["api-ca"])
            self._make_endpoints()
            self.ops_key = self._read_secret("ops-key")
            self._check_webhook()
        except ValueError as problem:
            raise usage.UsageError(str(problem)) from None
        numbers = self._numbers()
        self.opts.update({NUMBERS[name].name: number for name, number in numbers.items()})
        self.settings = Settings(
            **numbers,
            compression=self["compression"] == "on",
            fast_path=not self["no-fast-path"],
            allowed_origins=frozenset(self["allowed-origin"]),
            trusted_proxies=self["trusted-proxy"],
        )

    def _choose(self) -> None:
        named = self.environment.get(CONFIG_VARIABLE) or None
        path = named if self["config"] is None else self["config"]
        if path is not None:
            self.choices |= sources.of_file(path, OPTIONS)
        self.choices |= sources.of_environment(self.environment, OPTIONS)
        self.choices |= sources.of_command_line(self._given, OPTIONS)
        self._take_values()

    def _take_values(self) -> None:
        self.opts.update({name: choice.value for name, choice in self.choices.items()})

    def _make_endpoints(self) -> None:
        if not self["endpoint"]:
            raise ValueError(f"{self.choices['endpoint'].place}: give one at least, or leave it out")
        make = partial(_endpoint, certificate=self._read_certificate())
        self.endpoints = {text: self._of("endpoint", make, text) for text in self["endpoint"]}
        self.demo_endpoint = self._of("demo-endpoint", _endpoint, self["demo-endpoint"])
        if self["ops-endpoint"] != "none":
            self.ops_endpoint = self._of("ops-endpoint", _endpoint, self["ops-endpoint"])

    def _read_certificate(self) -> ServedCertificate | None:
        certificate, key = self["tls-cert"], self["tls-key"]
        if certificate is not None:
            files = CertificateFiles(Path(certificate), Path(key or certificate))
            return cast("ServedCertificate", self._of("tls-cert", read_certificate, files))
        if key is not None:
            raise ValueError("--tls-key is of use only with a certificate in --tls-cert")
        return None

    def _of(self, name: str, make: Callable[[T], Any], given: T) -> Any:  # noqa: ANN401 - whatever is made
        try:
            return make(given)
        except ValueError as problem:
            raise ValueError(f"{self.choices[name].place}: {problem}") from None

    def _numbers(self) -> dict[str, Any]:
        given = {name: self[option.name] for name, option in NUMBERS.items()}
        connections = given["max_connections"] or most_connections(file_limit())
        depending = {
            "settle": 0 if self["demo"] else given["offline_delay"],
            "drain": 0 if self["demo"] else _DEFAULTS.drain,
            "max_connections": connections,
            "max_unidentified": min(_DEFAULTS.max_unidentified, max(1, connections // 2)),
        }
        return given | {name: value for name, value in depending.items() if given[name] is None}

    def _check_api(self) -> None:
        url = self["api-url"]
        if self["demo"]:
            if url is not None:
                raise ValueError("--demo brings its own account API: leave out --demo or --api-url")
            return
        if url is None:
            raise ValueError("give --api-url, the platform's account API, or --demo to try it out")
        parts = urlsplit(url)
        if parts.scheme == "https":
            return
        if self["api-ca"] is not None:
            raise ValueError("--api-ca is of use only with an https:// address in --api-url")
        if not _is_this_machine(parts.hostname or "") and not self["allow-insecure-api"]:
            raise ValueError(
                f"{self.choices['api-url'].place} {url}: tokens would travel in the clear;"
                " use https:// or say --allow-insecure-api"
            )

    def _check_webhook(self) -> None:
        if self["webhook"] is None:
            return
        # The address is not repeated: it may be known to the receiver alone.
        place, parts = self.choices["webhook"].place, split_address(self["webhook"])
        if parts is None or not _VISIBLE.fullmatch(self["webhook"]):
            raise ValueError(f"{place}: give an address such as https://www.example.com/presence")
        if parts.scheme == "http" and not (
            _is_this_machine(parts.hostname or "") or self["allow-insecure-api"]
        ):
            raise ValueError(
                f"{place}: who is online would travel in the clear; use https:// or say --allow-insecure-api"
            )
        self.webhook_secret = self._read_secret("webhook-secret")
        if self.webhook_secret is None:
            raise ValueError(f"{place}: give --webhook-secret-file too, which signs what is sent")

    def _read_secret(self, name: str) -> str | None:
        file = self[f"{name}-file"]
        try:
            return read_secret(name, file, self.environment)
        except ValueError as problem:
            raise ValueError(
                f"{self.choices[f'{name}-file'].place}: {problem}" if file else str(problem)
            ) from None

    def _check_demo(self) -> None:
        # What the page and its visitors can speak to; the page itself has no key.
        served = {"endpoint": ("tcp:", "tcp6:", "ssl:"), "demo-endpoint": ("tcp:", "tcp6:")}
        texts = [("endpoint", text) for text in self["endpoint"]]
        for name, text in [*texts, ("demo-endpoint", self["demo-endpoint"])] if self["demo"] else []:
            if not (text.startswith(served[name]) and is_loopback(text)):
                raise ValueError(
                    f"{self.choices[name].place} {text}: the demo is for this machine alone;"
                    " give a tcp: endpoint with interface=127.0.0.1"
                )


def _flag(option: Option) -> Callable[..., None]:
    # usage.Options tells by the number of its arguments whether a flag takes a value.
    def note(self: Options, text: str) -> None:
        self._given.setdefault(option.name, []).append(text)

    def turn_on(self: Options) -> None:
        note(self, "")

    method = turn_on if isinstance(option, Flag) else note
    method.__doc__ = option.help
    return method


def _add_flags() -> None:
    for option in OPTIONS.values():
        method = _flag(option)
        for name in filter(None, (option.name, option.short)):
            setattr(Options, f"opt_{name.replace('-', '_')}", method)


_add_flags()


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _endpoint(description: str, certificate: ServedCertificate | None = None) -> IStreamServerEndpoint:
    # Endpoints hold the reactor, and a bad string is to be a usage error.
    from twisted.internet import reactor  # noqa: PLC0415 - importing presence installs none

    return server_endpoint(reactor, description, certificate)
