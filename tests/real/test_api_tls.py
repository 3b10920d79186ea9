"""The certificate of the account API is verified, in a daemon that was started by its command line."""

from __future__ import annotations

from twisted.internet.ssl import PrivateCertificate
from twisted.trial.unittest import TestCase

from tests.real.account_api import USER, serve_api
from tests.real.certificates import Authority
from tests.real.processes import PRESENCE, TWISTD, Running, reserve_port, spawn
from tests.real.talker import Frame, talk
from tests.real.test_endpoints import to


class ApiCertificateTests(TestCase):
    timeout = 20

    async def say_hello(self, certificate: PrivateCertificate, trusted: Authority) -> tuple[Frame, Running]:
        """Return the reply to a HELLO with a good token, and the daemon that gave it."""
        api = await serve_api(self, certificate)
        port = reserve_port(self)
        options = ("--api-url", api.url, "--api-ca", trusted.write())
        daemon = spawn(self, *TWISTD, *PRESENCE, *options, "-e", f"tcp:{port}:interface=127.0.0.1")
        await daemon.prints("listening on ")
        client = await talk(self, to(port))
        return await client.hello(USER.id, api.token(USER.id)), daemon

    async def assert_undecided(
        self, certificate: PrivateCertificate, trusted: Authority, reason: str
    ) -> None:
        """Assert that a HELLO is not decided, and that only the log has the reason."""
        reply, daemon = await self.say_hello(certificate, trusted)
        self.assertEqual((reply["code"], reply["temporary"]), ("auth_unavailable", True))
        logged = await daemon.prints(r"token checks undecided: 1 .* because: (.*)\n")
        self.assertRegex(logged[1], reason)
        self.assertEqual(reply["text"], "the account API did not decide whether the token is good")

    async def test_own_authority(self) -> None:
        """An API with a certificate of the authority that was named is asked."""
        authority = Authority(self)
        reply, _ = await self.say_hello(authority.issue("127.0.0.1"), authority)
        self.assertEqual((reply["type"], reply["userid"]), ("OK", USER.id))

    async def test_wrong_host(self) -> None:
        """An API with the certificate of another host decides nothing."""
        authority = Authority(self)
        await self.assert_undecided(authority.issue("api.example.com"), authority, "not for .*127.0.0.1")

    async def test_expired(self) -> None:
        """An API whose certificate has expired decides nothing."""
        authority = Authority(self)
        await self.assert_undecided(authority.issue_expired("127.0.0.1"), authority, "expired.*--api-ca")

    async def test_unknown_authority(self) -> None:
        """An API with a certificate of some other authority decides nothing."""
        certificate = Authority(self).issue("127.0.0.1")
        await self.assert_undecided(certificate, Authority(self), "expired.*--api-ca")
