"""Certificates that are exchanged under a running daemon."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.real.account_api import USER, serve_api
from tests.real.certificates import Authority
from tests.real.processes import NO_FAULT, PRESENCE, TWISTD, Running, reserve_port, spawn
from tests.real.talker import talk
from tests.real.test_endpoints import tls_to

HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.1 49152 443\r\n"


def shown_behind_proxy(port: int) -> str:
    """Return the certificate for who says first for whom it connects."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(HEADER)
        with context.wrap_socket(plain) as secure:
            assert secure.selected_alpn_protocol() == "http/1.1"
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"")


class RenewalTests(TestCase):
    timeout = 20

    def setUp(self) -> None:
        """Have a certificate and a port for it."""
        self.authority, self.port = Authority(self), reserve_port(self)
        self.pem = self.authority.write_pem("localhost")

    async def start(self, *options: str) -> Running:
        """Start a daemon."""
        self.api = await serve_api(self)
        daemon = spawn(self, *TWISTD, *PRESENCE, "--api-url", self.api.url, *options)
        await daemon.prints("listening on ")
        return daemon

    def assert_shown(self, file: Path) -> Deferred[None]:
        """Assert that new clients are shown the certificate of a file."""
        shown = deferToThread(ssl.get_server_certificate, ("127.0.0.1", self.port))
        return shown.addCallback(self.assertIn, file.read_text())

    async def test_renewal(self) -> None:
        """After SIGHUP new clients see the new certificate, or the last good one; old ones go on."""
        files = f"privateKey={self.pem}:certKey={self.pem}"
        daemon = await self.start("-e", f"ssl:{self.port}:{files}:interface=127.0.0.1")
        client = await talk(self, tls_to(self.port, self.authority))
        await client.hello(USER.id, self.api.token(USER.id))
        await self.assert_shown(self.pem)
        good = self.authority.write_pem("localhost")
        self.pem.write_bytes(good.read_bytes())
        daemon.signal("HUP")
        await daemon.prints("read again; new connections get a certificate that expires on ")
        await self.assert_shown(good)
        self.pem.write_text("half a")
        daemon.signal("HUP")
        await daemon.prints("no good PEM files.* certificate from before")
        await self.assert_shown(good)
        self.assertEqual((await client.ask("PING"))["type"], "OK")
        self.assertRegex(daemon.printed, NO_FAULT)

    async def test_over_tcp(self) -> None:
        """``--tls-cert`` puts TLS over a plain endpoint."""
        await self.start("-e", f"tcp:{self.port}:interface=127.0.0.1", "--tls-cert", str(self.pem))
        client = await talk(self, tls_to(self.port, self.authority))
        reply = await client.hello(USER.id, self.api.token(USER.id))
        self.assertEqual(reply["type"], "OK")
        await self.assert_shown(self.pem)

    async def test_behind_proxy(self) -> None:
        """Behind ``haproxy:`` TLS begins after the header, and browsers agree on HTTP/1.1 by ALPN."""
        endpoint = f"haproxy:ssl:{self.port}:privateKey={self.pem}:interface=127.0.0.1"
        await self.start("-e", endpoint)
        shown = await deferToThread(shown_behind_proxy, self.port)
        self.assertIn(shown, self.pem.read_text())
