"""Endpoint strings."""

from __future__ import annotations

from pathlib import Path

import trustme
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from presence.host.certificates import CertificateFiles, ServedCertificate
from presence.host.endpoints import SecureEndpoint, is_loopback, read_certificate, server_endpoint


class ServerEndpointTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a key and a certificate."""
        self.reactor = MemoryReactorClock()
        self.key, self.certificate = Path(self.mktemp()), Path(self.mktemp())
        leaf = trustme.CA().issue_cert("localhost")
        leaf.private_key_pem.write_to_path(self.key)
        leaf.cert_chain_pems[0].write_to_path(self.certificate)

    def given(self) -> ServedCertificate:
        """Return a certificate that is not the one of the files."""
        leaf, path = trustme.CA().issue_cert("localhost"), Path(self.mktemp())
        leaf.private_key_and_cert_chain_pem.write_to_path(path)
        return read_certificate(CertificateFiles(path, path))

    def certificate_of(self, endpoint: IStreamServerEndpoint) -> str | None:
        """Return the name of the certificate that an endpoint shows."""
        return endpoint.certificate.name if isinstance(endpoint, SecureEndpoint) else None

    def assert_refused(self, hint: str, description: str) -> None:
        """Check that a string is refused with one line that has the hint in it."""
        with self.assertRaises(ValueError) as caught:
            server_endpoint(self.reactor, description)
        self.assertIn(hint, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def test_kinds(self) -> None:
        """Twisted's kinds of endpoints work, TLS with a key and a certificate."""
        for description in (
            "tcp:8080",
            "unix:/run/presence.sock",
            f"ssl:443:privateKey={self.key}:certKey={self.certificate}",
            "haproxy:tcp:8080",
        ):
            verifyObject(IStreamServerEndpoint, server_endpoint(self.reactor, description))

    def test_no_key(self) -> None:
        """A TLS endpoint without a key says which file is missing and how to make one."""
        self.assert_refused("cannot read server.pem", "ssl:443")
        self.assert_refused("openssl req", "ssl:443")
        self.assert_refused("privateKey=", "haproxy:ssl:443")

    def test_unreadable_key(self) -> None:
        """Nobody is told to write over a key that is there."""
        with self.assertRaises(ValueError) as caught:
            server_endpoint(self.reactor, f"ssl:443:privateKey={self.key.parent}")
        self.assertNotIn("openssl", str(caught.exception))

    def test_no_certificate(self) -> None:
        """A TLS endpoint without a certificate names that file."""
        self.assert_refused("certKey=", f"ssl:443:privateKey={self.key}:certKey=/nonexistent.pem")

    def test_bad_certificate(self) -> None:
        """A file that is no certificate is named as such."""
        self.certificate.write_text("nothing")
        self.assert_refused("PEM", f"ssl:443:privateKey={self.key}:certKey={self.certificate}")

    def test_another_key(self) -> None:
        """A key that does not belong to the certificate is refused."""
        trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(self.key)
        self.assert_refused("belong together", f"ssl:443:privateKey={self.key}:certKey={self.certificate}")

    def test_no_folder(self) -> None:
        """A TLS folder without a certificate in it is refused, as it would serve nobody."""
        empty = Path(self.mktemp())
        empty.mkdir()
        for description in (f"tls:{empty}:443", "tls:/nonexistent:443", f"tls:path={empty}:port=443"):
            self.assert_refused("no PEM file", description)
        (empty / "localhost.pem").write_bytes(self.key.read_bytes() + self.certificate.read_bytes())
        verifyObject(IStreamServerEndpoint, server_endpoint(self.reactor, f"tls:{empty}:443"))

    def test_method(self) -> None:
        """The version of TLS cannot be chosen."""
        ssl = f"ssl:443:privateKey={self.key}:certKey={self.certificate}"
        self.assert_refused("leave out sslmethod", f"{ssl}:sslmethod=TLSv1_METHOD")
        self.assert_refused("nonsense", f"{ssl}:nonsense=1")

    def test_not_from_systemd(self) -> None:
        """A systemd socket that there is not says where it should come from."""
        self.assert_refused("socket unit", "systemd:domain=INET:index=9")
        self.assert_refused("socket unit", "systemd:domain=INET:name=none")

    def test_secure(self) -> None:
        """An ``ssl:`` endpoint listens where it says, and has TLS with its own certificate."""
        files = f"privateKey={self.key}:certKey={self.certificate}"
        text = rf"ssl:443:{files}:interface=\:\:1:backlog=7:extraCertChain={self.certificate}"
        for description in (text, f"haproxy:{text}"):
            endpoint = server_endpoint(self.reactor, description, self.given())
            self.assertEqual(self.certificate_of(endpoint), str(self.certificate))
            endpoint.listen(Factory())
            port, _, backlog, interface = self.reactor.tcpServers.pop()
            self.assertEqual((port, backlog, interface), (443, 7, "::1"))

    def test_by_position(self) -> None:
        """The parameters of ``ssl:`` may be given without their names."""
        endpoint = server_endpoint(self.reactor, f"ssl:443:{self.key}:{self.certificate}")
        self.assertEqual(self.certificate_of(endpoint), str(self.certificate))

    def test_given(self) -> None:
        """A certificate that is given goes over whatever has no TLS of its own."""
        given, folder = self.given(), self.certificate.parent / "folder"
        folder.mkdir()
        (folder / "localhost.pem").write_bytes(self.key.read_bytes() + self.certificate.read_bytes())
        for description in ("tcp:443", "unix:/run/presence.sock", "haproxy:tcp:443"):
            endpoint = server_endpoint(self.reactor, description, given)
            self.assertEqual(self.certificate_of(endpoint), given.name)
        for description, certificate in ((f"tls:{folder}:443", given), ("tcp:443", None)):
            endpoint = server_endpoint(self.reactor, description, certificate)
            self.assertIsNone(self.certificate_of(endpoint))

    def test_loopback(self) -> None:
        """An address is loopback when only this machine reaches it."""
        for description in (
            "tcp:1:interface=127.0.0.1",
            r"tcp6:1:interface=\:\:1",
            "haproxy:tcp:1:interface=127.1.2.3",
        ):
            self.assertTrue(is_loopback(description), description)
        for description in ("tcp:1", "tcp:1:interface=192.0.2.1", "tcp:1:interface=localhost", "unix:/x"):
            self.assertFalse(is_loopback(description), description)
