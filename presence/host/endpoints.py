"""Endpoint strings, with errors that say what to do."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import OpenSSL
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import VerifyError
from twisted.internet.interfaces import IStreamServerEndpoint

from presence.host.resumption import allow_resumption

EXAMPLES = "tcp:8080, ssl:443:privateKey=key.pem:certKey=cert.pem, unix:/run/presence.sock"

_MAKE_A_KEY = (
    "to make a key and a certificate for trying out: openssl req -x509 -newkey ec"
    " -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost -keyout {key} -out {certificate}"
)


def server_endpoint(reactor: Any, description: str) -> IStreamServerEndpoint:  # noqa: ANN401 - whatever the kind of endpoint asks of it
    """
    Return the endpoint that a string describes.

    :raises ValueError: With one line that names the string and the remedy.
    """
    _check_files(description)
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, description)
    except (OpenSSL.SSL.Error, OpenSSL.crypto.Error, VerifyError):
        reason = "its key or certificate is no good PEM file, or they do not belong together"
    except (ValueError, TypeError, OSError, LookupError, AttributeError) as problem:
        reason = str(problem)
        if description.startswith("systemd:"):
            reason = "there is no such socket; is this started by systemd, with a socket unit?"
    else:
        allow_resumption(endpoint)
        return endpoint
    raise ValueError(f"endpoint {description!r}: {reason}; examples: {EXAMPLES}")


def is_loopback(description: str) -> bool:
    """Return whether an endpoint has an address that only this machine reaches."""
    _, _, named = _parts(description)
    try:
        return ip_address(named.get("interface", "")).is_loopback
    except ValueError:
        return False


def _check_files(description: str) -> None:
    kind, unnamed, named = _parts(description)
    if kind == "tls":
        folder = Path(named.get("path", unnamed[0] if unnamed else ""))
        if not any(folder.glob("*.pem")):
            raise ValueError(f"endpoint {description!r}: there is no PEM file in the folder {folder}")
    if kind != "ssl":
        return
    key = Path(named.get("privateKey", "server.pem"))
    certificate = Path(named.get("certKey", key))
    for path, argument in ((key, "privateKey"), (certificate, "certKey")):
        try:
            path.read_bytes()
        except OSError as problem:
            remedy = _MAKE_A_KEY.format(key=key, certificate=certificate)
            raise ValueError(
                f"endpoint {description!r}: cannot read {path}: {problem.strerror};"
                f" name a PEM file with {argument}=, or {remedy}"
            ) from None


def _parts(description: str) -> tuple[str, list[str], dict[str, str]]:
    # Twisted's own parser of these strings is private.
    parts = re.split(r"(?<!\\):", description.removeprefix("haproxy:"))
    kind, *arguments = [re.sub(r"\\(.)", r"\1", part) for part in parts]
    unnamed = [argument for argument in arguments if "=" not in argument]
    return kind, unnamed, dict(argument.split("=", 1) for argument in arguments if "=" in argument)
