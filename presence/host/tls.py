"""Which authorities vouch for other servers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from twisted.internet.ssl import Certificate, trustRootFromCertificates

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def read_authority(path: str) -> Any:  # noqa: ANN401 - Twisted has no public type for it
    """
    Return the trust root of the authorities in a PEM file.

    :raises ValueError: With one line that says what is wrong with the file.
    """
    try:
        pem = Path(path).read_bytes()
    except OSError as problem:
        raise ValueError(f"cannot read {path}: {problem.strerror}") from None
    certificates = _CERTIFICATE.findall(pem)
    if not certificates:
        raise ValueError(f"{path} has no certificate in PEM format")
    try:
        return trustRootFromCertificates([Certificate.loadPEM(one) for one in certificates])
    except Exception:  # noqa: BLE001 - pyOpenSSL has no common class of its errors
        raise ValueError(f"{path} has a certificate that cannot be read") from None
