"""TLS sessions that clients take up again, so that nothing has to be signed for them."""

from __future__ import annotations

from OpenSSL.SSL import OP_NO_TICKET
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.ssl import CertificateOptions


def allow_resumption(endpoint: IStreamServerEndpoint) -> None:
    """
    Give session tickets (:rfc:`8446`, section 4.6.1) to the clients of an ``ssl:`` endpoint.

    ``CertificateOptions`` has a parameter for this, but an endpoint string cannot name it, and
    ``SSL4ServerEndpoint`` keeps to itself what it made of the string. Without these attributes,
    and at other kinds of endpoints, sessions are new each time.
    """
    options = getattr(endpoint, "_sslContextFactory", None)
    if isinstance(options, CertificateOptions) and hasattr(options, "_options"):
        options._options &= ~OP_NO_TICKET  # noqa: SLF001 - as said above
