"""Tests of ``presencectl send``, and of what the commands have in common that talk to the daemon."""

from __future__ import annotations

from pathlib import Path

from msgspec import Raw

from presence.ctl.visit import EVENT_SECONDS
from presence.wire.messages import Goodbye, Hello, Ok, Request, SendMessageToUser, SendOk
from tests.canary import TOKEN
from tests.client.scripted import ScriptedServer
from tests.ctl.world import HELLO_OK, URL, CtlTestCase


class SendTestCase(CtlTestCase):
    """A daemon that takes messages."""

    sent = SendOk(delivered=2)

    def play(self, server: ScriptedServer, request: Request) -> None:
        """Answer a request."""
        replies: dict[type[Request], Ok] = {Hello: HELLO_OK, SendMessageToUser: self.sent, Goodbye: Ok()}
        server.reply(replies[type(request)], request)

    def let_send(self) -> None:
        """Let the daemon take the message."""
        self.pump = self.complete(greet=False)
        self.server.script = self.play
        self.flush()

    def send(self, *argv: str) -> None:
        """Run the command, for user 2."""
        self.run_command("send", *argv, "--userid", "2", PRESENCE_TOKEN=TOKEN)

    def assert_sent(self, message: bytes) -> None:
        """Check what the daemon took."""
        self.let_send()
        self.assert_done()
        self.assertEqual(self.server.requests[1], SendMessageToUser(ref=2, id=1, message=Raw(message)))


class SendTests(SendTestCase):
    def test_sends(self) -> None:
        """The message goes to the user as it was written."""
        self.send(URL, "1", '{"n": 1.0}')
        self.assert_sent(b'{"n": 1.0}')

    def test_goes_in_an_orderly_way(self) -> None:
        """The sender is not on the list longer than necessary, and asks for no lists."""
        self.send(URL, "1", "1")
        self.assert_sent(b"1")
        hello, _, goodbye = self.server.requests
        self.assertEqual(
            hello, Hello(ref=1, userid=2, accesstoken=TOKEN, broadcast=False, client="presencectl")
        )
        self.assertIsInstance(goodbye, Goodbye)
        self.assertEqual(self.server.closed, (1000, None))

    def test_stdin(self) -> None:
        """The message can come from stdin."""
        self.terminal.type('"hi"\n')
        self.send(URL, "1", "-")
        self.assert_sent(b'"hi"')

    def test_count(self) -> None:
        """How many sockets took it is printed."""
        self.send(URL, "1", "1")
        self.assert_sent(b"1")
        self.assertEqual(self.terminal.lines, ["2 sockets took it"])

    def test_one(self) -> None:
        """One socket is one socket."""
        self.sent = SendOk(delivered=1)
        self.send(URL, "1", "1")
        self.assert_sent(b"1")
        self.assertEqual(self.terminal.lines, ["1 socket took it"])

    def test_uncertain(self) -> None:
        """A count that may be too low is given as such."""
        self.sent = SendOk(delivered=0, uncertain=True)
        self.send(URL, "1", "1")
        self.assert_sent(b"1")
        self.assertEqual(self.terminal.lines, ["at least 0 sockets took it"])

    def test_no_text(self) -> None:
        """Bytes that are no UTF-8, as the shell hands them on, are the caller's mistake too."""
        self.send(URL, "1", '"\udcff"')
        self.assertIn("the message is not JSON: ", self.terminal.complaint)

    def test_no_json(self) -> None:
        """A message that is no JSON is the caller's mistake."""
        self.send(URL, "1", "{]")
        self.assertIn("the message is not JSON: ", self.terminal.complaint)
        self.assertEqual(self.failureResultOf(self.running, SystemExit).value.code, 2)

    def test_one_stdin(self) -> None:
        """Stdin cannot be two things."""
        self.send(URL, "1", "-", "--token-file", "-")
        self.assert_failed(2, "stdin cannot be both the token and the message")


class IdentityTests(SendTestCase):
    def run_send(self, *argv: str, **environ: str) -> None:
        """Run the command without saying who."""
        self.run_command("send", URL, "1", "1", *argv, **environ)

    def assert_said_hello(self, userid: int, token: str) -> None:
        """Check who said HELLO."""
        self.let_send()
        hello = self.server.requests[0]
        assert isinstance(hello, Hello)
        self.assertEqual((hello.userid, hello.accesstoken), (userid, token))

    def test_file(self) -> None:
        """The token can be in a file, with white space around it."""
        file = Path(self.mktemp())
        file.write_text(f"{TOKEN}\n")
        self.run_send("-t", str(file), "--userid", "7")
        self.assert_said_hello(7, TOKEN)

    def test_stdin(self) -> None:
        """The token can come from stdin, and goes before the environment."""
        self.terminal.type(f"{TOKEN}\n")
        self.run_send("--userid", "7", "--token-file", "-", PRESENCE_TOKEN="another")
        self.assert_said_hello(7, TOKEN)

    def test_no_file(self) -> None:
        """A file that is not there is named."""
        self.run_send("--token-file", "nowhere")
        self.assert_failed(2, "cannot read nowhere: No such file or directory")

    def test_broken_token(self) -> None:
        """What cannot be a token is not sent to anybody."""
        self.run_send(PRESENCE_TOKEN="t\udcffken")
        self.assert_failed(2, "an access token has visible ASCII characters only")

    def test_no_token(self) -> None:
        """Without a token nothing is tried."""
        self.run_send()
        self.assert_failed(2, "no access token; give --token-file or set PRESENCE_TOKEN")

    def test_asks_api(self) -> None:
        """Without a user id the account API is asked whose the token is."""
        self.run_send("--api", "http://api.example:8000", PRESENCE_TOKEN=TOKEN)
        self.connect()
        self.assertEqual((self.api.path, self.api.authorization), (b"/users/me", f"Bearer {TOKEN}"))
        self.assert_said_hello(2, TOKEN)

    def test_nested_id(self) -> None:
        """The id may be a string, and stand in ``data``."""
        self.api.body = b'{"data": {"id": "7"}}'
        self.run_send(PRESENCE_TOKEN=TOKEN)
        self.connect()
        self.assert_said_hello(7, TOKEN)

    def test_rejected(self) -> None:
        """An account API that does not say whose the token is is the end."""
        self.api.status = 403
        self.run_send(PRESENCE_TOKEN=TOKEN)
        self.connect()
        self.assert_failed(
            1, "http://127.0.0.1:8000 answered 403 and no user id; give --userid or another token"
        )

    def test_unlike_id(self) -> None:
        """What is no id is not taken for one."""
        self.api.body = b'{"id": 1.5}'
        self.run_send(PRESENCE_TOKEN=TOKEN)
        self.connect()
        self.assertEqual(self.failureResultOf(self.running, SystemExit).value.code, 1)

    def test_api_hangs_up(self) -> None:
        """An account API that hangs up is named, with the reason."""
        self.run_send(PRESENCE_TOKEN=TOKEN)
        pump = self.complete(greet=False)
        pump.serverIO.loseConnection()
        pump.flush()
        why = "Connection was closed cleanly: Connection done."
        self.assert_failed(1, f"cannot ask http://127.0.0.1:8000/users/me: {why}")


class ConnectingTests(SendTestCase):
    def test_refused(self) -> None:
        """A daemon that is not there is named, and not tried again."""
        self.send(URL, "1", "1")
        self.network.failOnce()
        self.reactor.advance(0.3)  # until then the endpoint hopes for another address of the host
        self.assert_failed(1, f"cannot connect to {URL}: Connection was refused by other side.")
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_silent(self) -> None:
        """A daemon that cannot be reached is given up."""
        self.send(URL, "1", "1")
        self.reactor.advance(EVENT_SECONDS)
        self.assert_failed(1, "waited 15 s for the connection")

    def test_no_url(self) -> None:
        """An address that is none is the caller's mistake."""
        self.send("http://presence.example/", "1", "1")
        self.assert_failed(
            2,
            "invalid WebSocket URL: protocol scheme 'http' is not for WebSocket; "
            "an address looks like ws://127.0.0.1:8080/",
        )

    def test_no_authority(self) -> None:
        """A file without a certificate is no authority."""
        file = Path(self.mktemp())
        file.write_text("hello")
        self.send(URL, "1", "1", "--ca", str(file))
        self.assert_failed(2, f"{file} holds no certificate; give a PEM file")

    def test_bad_authority(self) -> None:
        """A file with something broken in the place of a certificate is no authority."""
        file = Path(self.mktemp())
        file.write_text("-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n")
        self.send(URL, "1", "1", "--ca", str(file))
        self.assert_failed(2, f"{file} holds no certificate; give a PEM file")
