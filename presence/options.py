"""The command line of ``twistd presence``: strings in, settings and endpoints out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import attrs
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.logger import LogLevel
from twisted.python import usage

from presence import __version__
from presence.admission.origins import normalize_origin
from presence.config import Network, Number, Settings
from presence.host.certificates import CertificateFiles, ServedCertificate
from presence.host.endpoints import SecureEndpoint, is_loopback, read_certificate, server_endpoint
from presence.host.limits import file_limit, most_connections
from presence.host.tls import read_authority

DEFAULT_ENDPOINT = "tcp:8080:interface=127.0.0.1:backlog=4096"
DEFAULT_OPS_ENDPOINT = "tcp:8081:interface=127.0.0.1"
DEFAULT_DEMO_ENDPOINT = "tcp:8000:interface=127.0.0.1"

_DEFAULTS = Settings()
_HOST = re.compile(r"[\w.:-]+")


@attrs.frozen
class _Named:
    """Reads a number for an option, and names the option where it refuses one."""

    option: str
    number: Number

    def __call__(self, text: str) -> float:
        try:
            return self.number(text)
        except ValueError as problem:
            raise ValueError(f"--{self.option} {text}: {problem}") from None


def _parameter(name: str, default: object, number: Number) -> list[object]:
    option = name.replace("_", "-")
    return [option, None, default, number.meaning, _Named(option, number)]


_NUMBERS = {field.name: field for field in attrs.fields(Settings) if Number in field.metadata}
_DEPENDING = {
    "settle": " [default: as --offline-delay; with --demo 0]",
    "drain": f" [default: {_DEFAULTS.drain:g}; with --demo 0]",
    "max_connections": " [default: what the limit of open files allows]",
    "max_unidentified": " [default: half of --max-connections, at most 5000]",
}
"""What depends on something else when it is not given."""


def _setting(name: str) -> list[object]:
    """Return the option of a number in :class:`Settings`."""
    field = _NUMBERS[name]
    number: Number = field.metadata[Number]
    if name in _DEPENDING:
        return _parameter(name, None, attrs.evolve(number, meaning=number.meaning + _DEPENDING[name]))
    return _parameter(name, field.default, number)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _log_level(text: str) -> str:
    names = [level.name for level in LogLevel.iterconstants()]
    if text not in names:
        raise ValueError(f"--log-level {text}: give one of {', '.join(names)}")
    return text


def _on_or_off(text: str) -> str:
    if text not in {"on", "off"}:
        raise ValueError(f"--compression {text}: give on or off")
    return text


_EXAMPLES = """
Examples:
  twistd -n --pidfile= presence --demo
  twistd -n --pidfile= presence --api-url https://api.example.com \\
      --endpoint ssl:443:privateKey=key.pem:certKey=cert.pem

Docs: README.rst, and docs/ in the source.
"""


class Options(usage.Options):
    """
    The options of ``twistd presence``.

    :ivar endpoints: Where clients connect, by the strings that describe it.
    :ivar demo_endpoint: Where the demo's page and account API listen.
    :ivar authority: The trust root for the account API; None for the system's.
    :ivar ops_endpoint: Where operators and the platform ask; None for nowhere.
    :ivar ops_key: The key of the HTTP API, if there is one.
    :ivar ops_hosts: The names of the operations endpoint, beside those of this machine.
    :ivar settings: The rest, as values.
    """

    demo_endpoint: IStreamServerEndpoint

    synopsis = "[options]"
    longdesc = "Tells who is online, and carries messages to them at once, over WebSocket."

    optParameters = [  # noqa: RUF012 - read once by usage.Options
        [
            "api-url",
            None,
            None,
            "The platform's account API; a token is checked at {api-url}/users/me. Required, unless --demo.",
        ],
        [
            "api-ca",
            None,
            None,
            "PEM file of the authority of the API's certificate. [default: those of the system]",
        ],
        [
            "user-id-field",
            None,
            None,
            "Where the API's answer names the user: keys joined by dots. [default: id, else data.id]",
        ],
        [
            "tls-cert",
            None,
            None,
            "PEM file of a certificate, for TLS on each endpoint that has none. [default: no TLS there]",
        ],
        [
            "tls-key",
            None,
            None,
            "PEM file of its key. [default: the file of --tls-cert]",
        ],
        *map(_setting, _NUMBERS),
        [
            "compression",
            None,
            "on",
            "Whether frames of 1 kB and more go compressed to clients that can read it: on or off.",
            _on_or_off,
        ],
        [
            "ops-endpoint",
            None,
            DEFAULT_OPS_ENDPOINT,
            "Where operators and the platform ask: health, metrics, HTTP API; none for nowhere.",
        ],
        [
            "ops-key-file",
            None,
            None,
            "File with the key of the HTTP API, which the platform shows. [default: none, and no API]",
        ],
        ["demo-endpoint", None, DEFAULT_DEMO_ENDPOINT, "Where the demo's page and account API listen."],
        _parameter(
            "demo_visitors",
            5,
            Number("How many simulated users come and go in the demo; 0 for none.", "a number", 0, 1000, int),
        ),
        [
            "log-level",
            None,
            "info",
            "The least level to log: debug, info, warn, error, critical.",
            _log_level,
        ],
    ]
    optFlags = [  # noqa: RUF012 - see optParameters
        [
            "trust-claimed-userid",
            None,
            "Believe HELLO's user id when the API names no user: anybody can be anybody. [default: off]",
        ],
        [
            "allow-insecure-api",
            None,
            "Let tokens travel in the clear to an http:// --api-url elsewhere. [default: off]",
        ],
        [
            "no-fast-path",
            None,
            "Let all bytes go the long way through Autobahn and Twisted, to find a fault. [default: off]",
        ],
        [
            "demo",
            None,
            "Bring an account API, accounts and a page, to try it on this machine. [default: off]",
        ],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.endpoints: dict[str, IStreamServerEndpoint] = {}
        self.authority: object = None
        self.settings = _DEFAULTS
        self.ops_endpoint: IStreamServerEndpoint | None = None
        self.ops_key: str | None = None
        self.ops_hosts: set[str] = set()
        self._descriptions: list[str] = []
        self._origins: set[str] = set()
        self._proxies: list[Network] = []

    @property
    def certificates(self) -> list[ServedCertificate]:
        """The certificates of the endpoints, each once."""
        endpoints = self.endpoints.values()
        return list({one.certificate: None for one in endpoints if isinstance(one, SecureEndpoint)})

    def getUsage(self, width: int | None = None) -> str:
        """Return the help; usage.Options would join the lines of the examples."""
        return f"{super().getUsage(width)}{_EXAMPLES}"

    def opt_endpoint(self, description: str) -> None:
        """Listen there: tcp:, ssl:, tls:, unix:, systemd: or haproxy:, as Twisted writes it. Repeatable.

        [default: tcp:8080:interface=127.0.0.1:backlog=4096]
        """
        self._descriptions.append(description)

    opt_e = opt_endpoint

    def opt_allowed_origin(self, origin: str) -> None:
        """Let pages of this origin connect, as https://www.example.com. Repeatable.

        [default: pages of all origins, since tokens tell who it is]
        """
        try:
            self._origins.add(normalize_origin(origin))
        except ValueError as problem:
            raise usage.UsageError(f"--allowed-origin: {problem}") from None

    def opt_trusted_proxy(self, network: str) -> None:
        """Believe X-Forwarded-For from this address or network, as 10.0.0.0/8. Repeatable.

        [default: from nobody]
        """
        try:
            self._proxies.append(ip_network(network))
        except ValueError:
            raise usage.UsageError(
                f"--trusted-proxy {network}: give an address or a network, such as 10.0.0.7 or 10.0.0.0/8"
            ) from None

    def opt_ops_host(self, name: str) -> None:
        """Answer on the operations endpoint to this name too, as ops.example.com. Repeatable.

        [default: localhost and IP addresses]
        """
        self.ops_hosts.add(name.lower())

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Read the command line.

        :raises usage.UsageError: With one line that says what to do.
        """
        try:
            super().parseOptions(options)
        except usage.UsageError as problem:
            raise usage.UsageError(str(problem).removeprefix("Parameter type enforcement failed: ")) from None

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
        Check what only makes sense together, and make the endpoints.

        :raises usage.UsageError: With one line that says what to do.
        """
        descriptions = self._descriptions or [DEFAULT_ENDPOINT]
        try:
            self._check_api()
            self._check_demo(descriptions)
            self.authority = None if self["api-ca"] is None else read_authority(self["api-ca"])
            certificate = self._read_certificate()
            self.endpoints = {text: _endpoint(text, certificate) for text in descriptions}
            self.demo_endpoint = _endpoint(self["demo-endpoint"])
            if self["ops-endpoint"] != "none":
                self.ops_endpoint = _endpoint(self["ops-endpoint"])
            if self["ops-key-file"] is not None:
                self.ops_key = _read_key(self["ops-key-file"])
        except ValueError as problem:
            raise usage.UsageError(str(problem)) from None
        self.settings = Settings(
            **self._numbers(),
            compression=self["compression"] == "on",
            fast_path=not self["no-fast-path"],
            allowed_origins=frozenset(self._origins),
            trusted_proxies=tuple(self._proxies),
        )

    def _numbers(self) -> dict[str, Any]:
        given = {name: self[name.replace("_", "-")] for name in _NUMBERS}
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
        try:
            parts = urlsplit(url)
            plain = parts.port != 0 and not parts.username and not parts.query and not parts.fragment
        except ValueError:  # from urlsplit and its port
            plain = False
        if not plain or parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.hostname or ""):
            raise ValueError(f"--api-url {url}: give an address such as https://api.example.com/v1")
        if parts.scheme == "https":
            return
        if self["api-ca"] is not None:
            raise ValueError("--api-ca is of use only with an https:// address in --api-url")
        if not _is_this_machine(parts.hostname or "") and not self["allow-insecure-api"]:
            raise ValueError(
                f"--api-url {url}: tokens would travel in the clear; use https:// or say --allow-insecure-api"
            )

    def _read_certificate(self) -> ServedCertificate | None:
        certificate, key = self["tls-cert"], self["tls-key"]
        if certificate is not None:
            try:
                return read_certificate(CertificateFiles(Path(certificate), Path(key or certificate)))
            except ValueError as problem:
                raise ValueError(f"--tls-cert: {problem}") from None
        if key is not None:
            raise ValueError("--tls-key is of use only with a certificate in --tls-cert")
        return None

    def _check_demo(self, descriptions: list[str]) -> None:
        # What the page and its visitors can speak to; the page itself has no key.
        kinds: dict[str, tuple[str, ...]] = dict.fromkeys(descriptions, ("tcp:", "tcp6:", "ssl:"))
        kinds[self["demo-endpoint"]] = ("tcp:", "tcp6:")
        for description, served in kinds.items() if self["demo"] else ():
            if not (description.startswith(served) and is_loopback(description)):
                raise ValueError(
                    f"endpoint {description!r}: the demo is for this machine alone;"
                    " give a tcp: endpoint with interface=127.0.0.1"
                )


def _endpoint(description: str, certificate: ServedCertificate | None = None) -> IStreamServerEndpoint:
    # Endpoints hold the reactor, and a bad string is to be a usage error.
    from twisted.internet import reactor  # noqa: PLC0415 - importing presence installs none

    return server_endpoint(reactor, description, certificate)


def _read_key(path: str) -> str:
    try:
        key = Path(path).read_text("ascii").strip()
    except OSError as problem:
        raise ValueError(f"--ops-key-file: cannot read {path}: {problem.strerror}") from None
    except ValueError:
        key = ""
    if not key:
        raise ValueError(f"--ops-key-file {path}: put a key into it, such as: openssl rand -hex 32")
    return key
