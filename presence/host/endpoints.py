"""Endpoint strings, with errors that say what to do."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import quoteStringArgument, serverFromString, wrapServerTLS
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from zope.interface import implementer

from presence.host.certificates import CannotRead, CertificateFiles, ServedCertificate

EXAMPLES = "tcp:8080, ssl:443:privateKey=key.pem:certKey=cert.pem, unix:/run/presence.sock"

_MAKE_A_KEY = (
    "to make a key and a certificate for trying out: openssl req -x509 -newkey ec"
    " -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost -keyout {key} -out {certificate}"
)
_PROXIED = "haproxy:"
_PROBLEMS = (ValueError, TypeError, OSError, LookupError, AttributeError)
"""What Twisted raises for strings that make no sense to it."""


@implementer(IStreamServerEndpoint)
@attrs.frozen
class SecureEndpoint:
    """
    An endpoint with TLS over it.

    :ivar certificate: What clients are shown.
    """

    certificate: ServedCertificate
    _plain: IStreamServerEndpoint

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen, and begin TLS with those who come."""
        listening: Deferred[IListeningPort] = wrapServerTLS(self.certificate, self._plain).listen(factory)
        return listening


def server_endpoint(
    reactor: Any,  # noqa: ANN401 - whatever the kind of endpoint asks of it
    description: str,
    certificate: ServedCertificate | None = None,
) -> IStreamServerEndpoint:
    """
    Return the endpoint that a string describes, a :class:`SecureEndpoint` where the certificate is ours.

    ``ssl:`` is read here: Twisted's own never reads a certificate again, sends only the first
    one of a file, and resumes no TLS session. On ``haproxy:`` TLS begins after the header of
    the proxy, as proxies have it.

    :param certificate: For an endpoint that has no TLS of its own.
    :raises ValueError: With one line that names the string and the remedy.
    """
    try:
        return _make(reactor, description, certificate)
    except _PROBLEMS as problem:
        reason = str(problem)
        if _parts(description)[0] == "systemd":
            reason = "there is no such socket; is this started by systemd, with a socket unit?"
    raise ValueError(f"endpoint {description!r}: {reason}; examples: {EXAMPLES}")


def read_certificate(files: CertificateFiles) -> ServedCertificate:
    """
    Return the certificate of some files.

    :raises ValueError: With one line that says what is wrong with them, and the remedy for files
        that are not there.
    """
    try:
        return ServedCertificate(files)
    except CannotRead as problem:
        if not problem.missing:  # what is there is no key for trying out, and not to be written over
            raise
        remedy = _MAKE_A_KEY.format(key=files.key, certificate=files.certificate)
        raise ValueError(f"{problem}; {remedy}") from None


def is_loopback(description: str) -> bool:
    """Return whether an endpoint has an address that only this machine reaches."""
    _, _, named = _parts(description)
    try:
        return ip_address(named.get("interface", "")).is_loopback
    except ValueError:
        return False


def _make(reactor: Any, description: str, certificate: ServedCertificate | None) -> IStreamServerEndpoint:  # noqa: ANN401 - see server_endpoint
    kind, unnamed, named = _parts(description)
    if kind == "ssl":
        files, plain = _read_ssl(*unnamed, **named)
        certificate = read_certificate(files)
        description = (_PROXIED if description.startswith(_PROXIED) else "") + plain
    elif kind == "tls":
        certificate = None
        folder = Path(named.get("path", unnamed[0] if unnamed else ""))
        if not any(folder.glob("*.pem")):
            raise ValueError(f"there is no PEM file in the folder {folder}")
    endpoint: IStreamServerEndpoint = serverFromString(reactor, description)
    return endpoint if certificate is None else SecureEndpoint(certificate, endpoint)


def _read_ssl(
    port: str,
    privateKey: str = "server.pem",  # noqa: N803 - the names are those of the string
    certKey: str | None = None,  # noqa: N803
    sslmethod: str | None = None,
    interface: str = "",
    backlog: str = "50",
    extraCertChain: str | None = None,  # noqa: N803
    dhParameters: str | None = None,  # noqa: N803
) -> tuple[CertificateFiles, str]:
    """
    Return the files of an ``ssl:`` string, and the string without TLS.

    Source of the parameters, their order and their defaults: ``_parseSSL`` in ``twisted.internet.endpoints``.
    """
    if sslmethod is not None:
        raise ValueError("leave out sslmethod: all versions of TLS are served that are safe")
    files = CertificateFiles(
        Path(certKey or privateKey),
        Path(privateKey),
        Path(extraCertChain) if extraCertChain else None,
        Path(dhParameters) if dhParameters else None,
    )
    return files, f"tcp:{port}:backlog={backlog}:interface={quoteStringArgument(interface)}"


def _parts(description: str) -> tuple[str, list[str], dict[str, str]]:
    # Twisted's own parser of these strings is private.
    parts = re.split(r"(?<!\\):", description.removeprefix(_PROXIED))
    kind, *arguments = [re.sub(r"\\(.)", r"\1", part) for part in parts]
    unnamed = [argument for argument in arguments if "=" not in argument]
    return kind, unnamed, dict(argument.split("=", 1) for argument in arguments if "=" in argument)
