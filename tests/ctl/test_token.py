"""Tests of ``presencectl token``."""

from __future__ import annotations

from typing import Any

import msgspec
import trustme
from twisted.internet import reactor
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.ssl import PrivateCertificate
from twisted.trial.unittest import TestCase
from twisted.web.server import Site

from presence.ctl.command import API_SECONDS
from tests import canary
from tests.ctl.world import Api, Connections, CtlTestCase, Terminal

LOOPBACK = "127.0.0.1"
TOKEN = ("token", "--user", "user@volunteer-vision.com")


class TokenTests(TestCase):
    timeout = 10

    def setUp(self) -> None:
        """Make a terminal and an account API."""
        self.terminal = Terminal()
        self.api = Api()

    async def serve(self, endpoint: IStreamServerEndpoint) -> str:
        """Run the account API for one question; return its address without the scheme."""
        factory = Connections(Site(self.api, reactor=reactor))
        port = await endpoint.listen(factory)
        self.addCleanup(lambda: factory.gone)
        self.addCleanup(port.stopListening)
        address: Any = port.getHost()
        return f"{address.host}:{address.port}"

    async def token(self, *argv: str, **environ: str) -> int:
        """Ask for a token, and return the exit code."""
        address = await self.serve(TCP4ServerEndpoint(reactor, 0, interface=LOOPBACK))
        return await self.exit_code(*TOKEN, "--api", f"http://{address}/", *argv, **environ)

    async def exit_code(self, *argv: str, **environ: str) -> int:
        """Run a command, and return its exit code."""
        try:
            await self.terminal.run(reactor, *argv, **environ)
        except SystemExit as end:
            return int(str(end.code))
        return 0

    def sent(self, name: str) -> object:
        """Return a field of what the API was asked."""
        return msgspec.json.decode(self.api.sent)[name]

    async def test_prints_token(self) -> None:
        """The access token, and nothing else, is printed."""
        self.assertEqual(await self.token(), 0)
        self.assertEqual(
            (self.terminal.stdout.getvalue(), self.terminal.complaint), (f"{canary.TOKEN}\n", "")
        )

    async def test_grant(self) -> None:
        """What is asked for is a password grant, with the sample platform's client by default."""
        await self.token()
        self.assertEqual(self.api.path, b"/oauth/token")
        self.assertEqual(
            msgspec.json.decode(self.api.sent),
            {
                "grant_type": "password",
                "client_id": "1",
                "client_secret": "non-secret",
                "username": "user@volunteer-vision.com",
                "password": canary.PASSWORD,
            },
        )

    async def test_prompt(self) -> None:
        """The password is asked for, by the name of the user."""
        await self.token()
        self.assertEqual(self.sent("password"), canary.PASSWORD)
        self.assertEqual(self.terminal.prompts, ["Password of user@volunteer-vision.com: "])

    async def test_stdin(self) -> None:
        """The password can be the first line of stdin."""
        self.terminal.type(" of stdin \r\nmore")
        await self.token("--password-stdin", PRESENCE_PASSWORD="of the environment")
        self.assertEqual((self.sent("password"), self.terminal.prompts), (" of stdin ", []))

    async def test_environment(self) -> None:
        """The password can be in the environment."""
        await self.token(PRESENCE_PASSWORD="of the environment")
        self.assertEqual((self.sent("password"), self.terminal.prompts), ("of the environment", []))

    async def test_not_granted(self) -> None:
        """What the API says against it is said."""
        self.api.status = 400
        self.api.body = b'{"error":"invalid_grant","error_description":"wrong password"}'
        self.assertEqual(await self.token(), 1)
        self.assertEqual(self.terminal.complaint, "presencectl: no token: invalid_grant; wrong password\n")

    async def test_not_described(self) -> None:
        """An error that the API does not describe comes with the status."""
        self.api.status, self.api.body = 401, b'{"error":"invalid_client"}'
        self.assertEqual(await self.token(), 1)
        self.assertEqual(self.terminal.complaint, "presencectl: no token: invalid_client; status 401\n")

    async def test_redirect(self) -> None:
        """A password is not carried elsewhere: an answer that is not 200 is no token, whatever it holds."""
        self.api.status = 302
        self.assertEqual(await self.token(), 1)
        self.assertRegex(self.terminal.complaint, "no token: http.* answered 302 without one\n$")

    async def test_no_json(self) -> None:
        """Something that is no account API is not taken for one."""
        self.api.body = b"<html>"
        self.assertEqual(await self.token(), 1)
        self.assertRegex(self.terminal.complaint, "answered 200 without JSON; is this the account API\\?\n$")

    async def serve_tls(self) -> tuple[str, trustme.CA]:
        """Run the account API over TLS; return its address and its authority."""
        authority = trustme.CA()
        issued = authority.issue_cert(LOOPBACK)
        key, certificate = issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes()
        options = PrivateCertificate.loadPEM(key + certificate).options()
        address = await self.serve(SSL4ServerEndpoint(reactor, 0, options, interface=LOOPBACK))
        return f"https://{address}", authority

    async def test_own_authority(self) -> None:
        """An API over TLS is trusted by any authority of the file that --ca names."""
        url, authority = await self.serve_tls()
        file = self.mktemp()
        trustme.CA().cert_pem.write_to_path(file)
        authority.cert_pem.write_to_path(file, append=True)
        self.assertEqual(await self.exit_code(*TOKEN, "--api", url, "--ca", file), 0)

    async def test_unknown_authority(self) -> None:
        """An API over TLS whose authority is not known gets no password."""
        url, _ = await self.serve_tls()
        self.assertEqual(await self.exit_code(*TOKEN, "--api", url), 1)
        self.assertRegex(self.terminal.complaint, "cannot ask https.* certificate verify failed; .*--ca\n$")
        self.assertEqual(self.api.sent, b"")


class NoAnswerTests(CtlTestCase):
    def test_refused(self) -> None:
        """An API that is not there is named."""
        self.run_command(*TOKEN)
        self.network.failOnce()
        self.reactor.advance(0.3)  # until then the endpoint hopes for another address of the host
        self.assert_failed(
            1, "cannot ask http://127.0.0.1:8000/oauth/token: Connection was refused by other side."
        )

    def test_silent(self) -> None:
        """An API that does not answer is given up."""
        self.run_command(*TOKEN)
        self.reactor.advance(API_SECONDS)
        self.assert_failed(1, "http://127.0.0.1:8000/oauth/token did not answer in 10 s")

    def test_no_password(self) -> None:
        """A prompt that nobody answers is the end."""
        self.terminal.password = None
        self.run_command(*TOKEN)
        self.assert_failed(1, "no password was given")
