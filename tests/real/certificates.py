"""Certificates that are made for a test."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import trustme
from twisted.internet.ssl import Certificate, PrivateCertificate
from twisted.trial.unittest import TestCase

from tests.real.processes import new_path

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
LESS_LONG_AGO = datetime(2002, 1, 1, tzinfo=UTC)


class Authority:
    """Somebody who signs certificates."""

    def __init__(self, test: TestCase) -> None:
        self._test = test
        self._authority = trustme.CA()

    @property
    def certificate(self) -> Certificate:
        """What a client has to trust."""
        return Certificate.loadPEM(self._authority.cert_pem.bytes())

    def write(self) -> Path:
        """Return a PEM file of the authority's certificate."""
        path = self._new_file()
        self._authority.cert_pem.write_to_path(str(path))
        return path

    def issue(self, *names: str) -> PrivateCertificate:
        """Return a good certificate for some names, with its key."""
        return _loaded(self._authority.issue_cert(*names))

    def issue_expired(self, *names: str) -> PrivateCertificate:
        """Return a certificate whose time is over."""
        return _loaded(self._authority.issue_cert(*names, not_before=LONG_AGO, not_after=LESS_LONG_AGO))

    def write_pem(self, *names: str) -> Path:
        """Return a PEM file of a key and its certificate, that only its owner can read."""
        path = self._new_file()
        path.touch(mode=0o600)
        self._authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def _new_file(self) -> Path:
        directory = new_path(self._test)
        directory.mkdir()
        return directory / "localhost.pem"


def _loaded(issued: trustme.LeafCert) -> PrivateCertificate:
    pem = issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()
    certificate: PrivateCertificate = PrivateCertificate.loadPEM(pem)
    return certificate
