"""Certificates that are renewed while the daemon runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import attrs
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL.SSL import TLS1_1_VERSION, TLS1_2_VERSION, TLS_METHOD, Connection, Context, Error, WantReadError
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.host.certificates import CannotRead, CertificateFiles, Certificates, ServedCertificate

FIRST = datetime(2100, 1, 1, tzinfo=UTC)
SECOND = datetime(2101, 1, 1, tzinfo=UTC)

# The group ffdhe2048 of RFC 7919, by "openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048".
DH_PARAMETERS = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


class CertificateTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an authority, and a certificate of it that an authority in between has signed."""
        self.authority = trustme.CA()
        self.between = self.authority.create_child_ca()
        folder = Path(self.mktemp())
        folder.mkdir()
        self.files = CertificateFiles(folder / "fullchain.pem", folder / "key.pem")
        self.issue(FIRST)

    def issue(self, expiry: datetime, key_type: trustme.KeyType = trustme.KeyType.ECDSA) -> None:
        """Write a new certificate with its chain, and its key."""
        leaf = self.between.issue_cert("localhost", not_after=expiry, key_type=key_type)
        self.files.key.write_bytes(leaf.private_key_pem.bytes())
        self.files.certificate.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))

    def lines(self, act: Callable[[], object]) -> list[str]:
        """Return the levels of what is logged meanwhile."""
        with capturedLogs() as events:
            act()
        return [event["log_level"].name for event in events]


def connect(certificate: ServedCertificate, context: Context | None = None) -> tuple[Connection, Connection]:
    """Return both sides of a connection, client first, that have shaken hands."""
    server = certificate.serverConnectionForTLS(None)
    server.set_accept_state()
    client = Connection(context or Context(TLS_METHOD))
    client.set_connect_state()
    for _ in range(3):
        for side, other in ((client, server), (server, client)):
            with contextlib.suppress(WantReadError):
                side.do_handshake()
            carry(side, other)
    return client, server


def carry(side: Connection, other: Connection) -> None:
    """Hand over what one side has to send."""
    with contextlib.suppress(WantReadError):
        other.bio_write(side.bio_read(100_000))


def expiry_seen(client: Connection) -> datetime:
    """Return when the certificate expires that a client was shown."""
    certificate = client.get_peer_certificate(as_cryptography=True)
    assert certificate is not None
    return certificate.not_valid_after_utc


class ServedCertificateTests(CertificateTestCase):
    def chain_length(self, files: CertificateFiles) -> int:
        """Return how many certificates a client is sent."""
        client, _ = connect(ServedCertificate(files))
        return len(client.get_peer_cert_chain(as_cryptography=True) or ())

    def test_facts(self) -> None:
        """It tells its path, and when it expires."""
        certificate = ServedCertificate(self.files)
        self.assertEqual(certificate.name, str(self.files.certificate))
        self.assertEqual(certificate.not_after, FIRST.timestamp())

    def test_chain(self) -> None:
        """Clients are sent the certificates in between, from its file and from one of their own."""
        self.assertEqual(self.chain_length(self.files), 2)
        more = self.files.key.with_name("more.pem")
        self.authority.cert_pem.write_to_path(str(more))
        self.assertEqual(self.chain_length(attrs.evolve(self.files, chain=more)), 3)

    def test_one_file(self) -> None:
        """The key may be in the file of the certificate."""
        both = self.files.key.with_name("both.pem")
        both.write_bytes(self.files.certificate.read_bytes() + self.files.key.read_bytes())
        self.assertEqual(self.chain_length(CertificateFiles(both, both)), 2)

    def test_old_tls(self) -> None:
        """Nobody gets in by TLS 1.1."""
        old = Context(TLS_METHOD)
        old.set_max_proto_version(TLS1_1_VERSION)
        old.set_cipher_list(b"ALL:@SECLEVEL=0")  # or it does not even try
        with self.assertRaisesRegex(Error, "unsupported protocol"):
            connect(ServedCertificate(self.files), old)

    def test_dh_parameters(self) -> None:
        """With parameters for it, those get in who know no elliptic curves."""
        self.issue(FIRST, trustme.KeyType.RSA)  # such ciphers go with no other keys
        client = Context(TLS_METHOD)
        client.set_max_proto_version(TLS1_2_VERSION)
        client.set_cipher_list(b"DHE-RSA-AES256-GCM-SHA384")
        parameters = self.files.key.with_name("dh.pem")
        parameters.write_text(DH_PARAMETERS)
        files = attrs.evolve(self.files, dh_parameters=parameters)
        self.assertEqual(expiry_seen(connect(ServedCertificate(files), client)[0]), FIRST)

    def test_bad_dh_parameters(self) -> None:
        """Parameters that cannot be read are refused, and their file is named."""
        parameters = self.files.key.with_name("dh.pem")
        parameters.write_text("half a")
        with self.assertRaisesRegex(ValueError, "dh.pem: no good PEM"):
            ServedCertificate(attrs.evolve(self.files, dh_parameters=parameters))

    def test_no_file(self) -> None:
        """Each file that is not there is named."""
        for field in ("key", "certificate", "chain", "dh_parameters"):
            files = attrs.evolve(self.files, **{field: Path("/nonexistent.pem")})
            with self.assertRaisesRegex(CannotRead, "cannot read /nonexistent.pem: No such file"):
                ServedCertificate(files)

    def test_password(self) -> None:
        """A key with a password is refused, and nobody is asked for it."""
        key = load_pem_private_key(self.files.key.read_bytes(), None)
        locked = BestAvailableEncryption(b"start123")
        self.files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
        with self.assertRaisesRegex(ValueError, "key.pem: .*must have no password"):
            ServedCertificate(self.files)


class ReloadTests(CertificateTestCase):
    def setUp(self) -> None:
        """Serve the certificate."""
        super().setUp()
        self.certificate = ServedCertificate(self.files)
        self.clock = Clock()
        self.certificates = Certificates([self.certificate], self.clock)
        self.certificates.startService()
        self.addCleanup(self.certificates.stopService)

    def expiry(self) -> datetime:
        """Return when the certificate expires that a new client is shown."""
        return expiry_seen(connect(self.certificate)[0])

    def minute(self) -> None:
        """Let a minute pass."""
        self.clock.advance(60)

    def test_told(self) -> None:
        """When told to, it serves and tells the new certificate, and says so in a line with its expiry."""
        self.issue(SECOND)
        with capturedLogs() as events:
            self.certificates.reload()
        self.assertEqual((self.expiry(), self.certificate.not_after), (SECOND, SECOND.timestamp()))
        (event,) = events
        self.assertEqual(event["expiry"], "2101-01-01 00:00 UTC")

    def test_open_connection(self) -> None:
        """A connection that is open goes on."""
        client, server = connect(self.certificate)
        self.issue(SECOND)
        self.certificates.reload()
        server.send(b"hello")
        carry(server, client)
        self.assertEqual(client.recv(100), b"hello")

    def test_changed(self) -> None:
        """Files that were changed are read within a minute."""
        self.issue(SECOND)
        self.clock.advance(59)
        self.assertEqual(self.expiry(), FIRST)
        self.assertEqual(self.lines(lambda: self.clock.advance(1)), ["info"])
        self.assertEqual(self.expiry(), SECOND)

    def test_unchanged(self) -> None:
        """Files that were not changed are not read again."""
        self.issue(SECOND)
        self.minute()
        self.assertEqual(self.lines(self.minute), [])

    def test_replaced(self) -> None:
        """A file that was put in the place of another is seen by that alone."""
        status, new = self.files.key.stat(), self.files.key.with_name("new.pem")
        new.write_bytes(self.files.key.read_bytes())
        os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
        new.replace(self.files.key)
        self.assertEqual(self.lines(self.minute), ["info"])

    def test_broken(self) -> None:
        """Files that do not belong together change nothing, and are complained of once for each change."""
        key = self.files.key.read_bytes()
        self.issue(SECOND)
        self.files.key.write_bytes(key)
        self.assertEqual(self.lines(self.minute), ["error"])
        self.assertEqual(self.lines(self.minute), [])
        self.files.key.unlink()
        self.assertEqual(self.lines(self.minute), ["error"])
        self.assertEqual((self.expiry(), self.certificate.not_after), (FIRST, FIRST.timestamp()))

    def test_repaired(self) -> None:
        """Files that were no good are served once they are."""
        self.files.certificate.write_text("half a")
        self.minute()
        self.issue(SECOND)
        self.minute()
        self.assertEqual(self.expiry(), SECOND)

    def test_names(self) -> None:
        """All certificates can be looked at."""
        self.assertEqual(list(self.certificates), [self.certificate])

    def test_stop(self) -> None:
        """A service that has stopped leaves no timer."""
        certificates = Certificates([], clock := Clock())
        certificates.startService()
        certificates.stopService()
        self.assertEqual(clock.getDelayedCalls(), [])
