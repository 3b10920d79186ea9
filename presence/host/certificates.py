"""The certificates that the daemon serves; they are read again while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL.SSL import Connection, Context
from twisted.application.service import Service
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime
from twisted.internet.ssl import CertificateOptions, DiffieHellmanParameters
from twisted.internet.task import LoopingCall
from twisted.python.filepath import FilePath
from zope.interface import implementer

from presence.logs import logger

_CHECK_SECONDS = 60.0
"""How often the files are looked at."""

_log = logger(__name__)


class CannotRead(ValueError):  # noqa: N818 - what happened
    """
    A file is not there, or may not be read.

    :ivar missing: Whether it is not there.
    """

    def __init__(self, path: Path, problem: OSError) -> None:
        super().__init__(f"cannot read {path}: {problem.strerror}")
        self.missing = isinstance(problem, FileNotFoundError)


@attrs.frozen
class CertificateFiles:
    """
    Where a certificate is, and what goes with it; all of them are PEM files.

    :ivar certificate: The certificate, followed by those between it and its authority.
    :ivar key: Its private key, without a password; may be the same file.
    :ivar chain: More certificates between it and its authority.
    :ivar dh_parameters: For ciphers of TLS 1.2 that need them.
    """

    certificate: Path
    key: Path
    chain: Path | None = None
    dh_parameters: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """All that there are."""
        paths = (self.certificate, self.key, self.chain, self.dh_parameters)
        return [path for path in paths if path is not None]

    def stamp(self) -> list[object]:
        """Return what is different when one of the files was changed or replaced."""
        return [_stamp(path) for path in self.paths]


@implementer(IOpenSSLServerConnectionCreator)
class ServedCertificate:
    """
    A certificate for new connections; those that are open keep the one they began with.

    :ivar not_after: When it expires, in seconds since the epoch.
    :raises ValueError: With one line that says what is wrong with the files.
    """

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._stamp = files.stamp()
        self._context, self.not_after = _load(files)

    @property
    def name(self) -> str:
        """The path of its file."""
        return str(self._files.certificate)

    def serverConnectionForTLS(self, protocol: object) -> Connection:  # noqa: ARG002 - Twisted's
        """Return the TLS side of a new connection."""
        return Connection(self._context)

    def reload(self) -> None:
        """Read the files again; if they are no good the log says why, and the certificate stays."""
        self._stamp = self._files.stamp()  # first: what changes while it is read is read again
        try:
            # A context that is in use must not change, so it is replaced.
            self._context, self.not_after = _load(self._files)
        except ValueError as problem:
            _log.error(
                "{problem}; new connections get the certificate from before, which expires on {expiry}",
                problem=str(problem),
                expiry=self._expiry,
            )
        else:
            _log.info(
                "{certificate}: read again; new connections get a certificate that expires on {expiry}",
                certificate=self.name,
                expiry=self._expiry,
            )

    def reload_if_changed(self) -> None:
        """Read the files again if one of them is not what it was when they were last read."""
        if self._files.stamp() != self._stamp:
            self.reload()

    @property
    def _expiry(self) -> str:
        return f"{datetime.fromtimestamp(self.not_after, UTC):%Y-%m-%d %H:%M} UTC"


class Certificates(Service):
    """Looks each minute whether certificates were renewed."""

    def __init__(self, certificates: Iterable[ServedCertificate], clock: IReactorTime) -> None:
        self._certificates = tuple(certificates)
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    def __iter__(self) -> Iterator[ServedCertificate]:
        return iter(self._certificates)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._looking.start(_CHECK_SECONDS, now=False)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        self._looking.stop()

    def reload(self) -> None:
        """Read all files again, whether they look changed or not."""
        for certificate in self:
            certificate.reload()

    def _look(self) -> None:
        for certificate in self:
            certificate.reload_if_changed()


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_dev, status.st_ino


def _load(files: CertificateFiles) -> tuple[Context, float]:
    """Return a context, and when its certificate expires."""
    pem = {path: _read(path) for path in files.paths}
    chain = [] if files.chain is None else [files.chain]
    # Twisted's types know those of pyOpenSSL alone, which pyOpenSSL deprecates.
    certificates: list[Any]
    try:
        # Not by pyOpenSSL: that asks the terminal for the password of a key that has one.
        key: Any = load_pem_private_key(pem[files.key], password=None)
        certificates = [
            one for path in (files.certificate, *chain) for one in load_pem_x509_certificates(pem[path])
        ]
        options = CertificateOptions(
            privateKey=key,
            certificate=certificates[0],
            extraCertChain=certificates[1:],
            dhParameters=_dh_parameters(files),
            # So clients that come back need no new signature (RFC 8446, section 4.6.1).
            enableSessionTickets=True,
        )
        return options.getContext(), certificates[0].not_valid_after_utc.timestamp()
    except Exception:  # noqa: BLE001 - cryptography and pyOpenSSL have no common class of their errors
        names = ", ".join(dict.fromkeys(map(str, files.paths)))
        raise ValueError(
            f"{names}: no good PEM files (a key must have no password), or they do not belong together"
        ) from None


def _dh_parameters(files: CertificateFiles) -> Any:  # noqa: ANN401 - Twisted's, without types
    path = files.dh_parameters
    return None if path is None else DiffieHellmanParameters.fromFile(FilePath(str(path)))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise CannotRead(path, problem) from None
