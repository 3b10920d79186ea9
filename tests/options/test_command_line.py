"""The command line of ``twistd presence``."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import attrs
import trustme
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from presence import __version__
from presence.config import Settings
from presence.host.limits import file_limit, most_connections
from presence.options import DEFAULT_ENDPOINT, Options
from tests.canary import SECRET

API = ("--api-url", "https://api.example.com")


class OptionsTestCase(SynchronousTestCase):
    def parse(self, *arguments: str) -> Options:
        """Return the options of a command line."""
        options = Options({})
        options.parseOptions(arguments)
        return options

    def assert_refused(self, hint: str, *arguments: str) -> None:
        """Check that a command line is refused with one line that has the hint in it."""
        with self.assertRaises(UsageError) as caught:
            self.parse(*arguments)
        self.assertIn(hint, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))


class DefaultTests(OptionsTestCase):
    def test_defaults(self) -> None:
        """With nothing but the API's address the settings are the documented defaults."""
        options = self.parse(*API)
        connections = most_connections(file_limit())
        unidentified = min(5000, connections // 2)
        self.assertEqual(
            options.settings, Settings(max_connections=connections, max_unidentified=unidentified)
        )
        self.assertEqual(list(options.endpoints), [DEFAULT_ENDPOINT])

    def test_every_setting(self) -> None:
        """Every setting can be chosen."""
        expected: dict[str, Any] = {
            name: 2000 + number
            for number, (name, field) in enumerate(attrs.fields_dict(Settings).items())
            if field.metadata
        }
        arguments = [f"--{name.replace('_', '-')}={number}" for name, number in expected.items()]
        more = ("--allowed-origin", "https://a.example:443", "--trusted-proxy", "10.0.0.0/8")
        switches = ("--compression=off", "--no-fast-path")
        options = self.parse(*API, *arguments, *more, *switches)
        expected["compression"] = expected["fast_path"] = False
        expected["allowed_origins"] = frozenset({"https://a.example"})
        expected["trusted_proxies"] = (ip_network("10.0.0.0/8"),)
        self.assertEqual(options.settings, Settings(**expected))

    def test_compression(self) -> None:
        """Compression is on or off, and nothing else."""
        for word, on in (("on", True), ("off", False)):
            self.assertIs(self.parse(*API, "--compression", word).settings.compression, on)
        self.assert_refused("give on or off", *API, "--compression", "yes")

    def test_unidentified(self) -> None:
        """Half of the connections may be without a user, if that is not too many."""
        for connections, unidentified in (("1", 1), ("100", 50), ("100000", 5000)):
            settings = self.parse(*API, "--max-connections", connections).settings
            self.assertEqual(settings.max_unidentified, unidentified)

    def test_settle(self) -> None:
        """The list settles as long as users are held, and not at all in the demo."""
        self.assertEqual(self.parse(*API, "--offline-delay", "7").settings.settle, 7)
        self.assertEqual(self.parse("--demo").settings.settle, 0)
        self.assertEqual(self.parse("--demo", "--settle", "2").settings.settle, 2)

    def test_endpoints(self) -> None:
        """Several endpoints can be named, by the long and the short option."""
        options = self.parse(*API, "--endpoint", "tcp:8080", "-e", "unix:/run/presence.sock")
        self.assertEqual(list(options.endpoints), ["tcp:8080", "unix:/run/presence.sock"])

    def test_certificate(self) -> None:
        """A certificate goes over each endpoint that has none, and is listed once."""
        pem, other = self.write_pem(), self.write_pem()
        ends = ("-e", "tcp:1", "-e", "unix:/x", "-e", f"ssl:2:privateKey={other}")
        for more in (("--tls-cert", pem), ("--tls-cert", pem, "--tls-key", pem)):
            options = self.parse(*API, *ends, *more)
            self.assertEqual([one.name for one in options.certificates], [pem, other])
        self.assertEqual(self.parse(*API, "-e", "tcp:1").certificates, [])

    def write_pem(self) -> str:
        """Return the path of a file with a key and its certificate."""
        path: str = self.mktemp()
        trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
        return path

    def test_help(self) -> None:
        """The help names every option with its default, three examples and the docs."""
        text = Options().getUsage()
        entries = re.split(r"\n {2,6}(?:-\w, )?--(?=\S)", text.split("\n\n")[0])[1:]
        without = {entry.split()[0] for entry in entries if "[default:" not in " ".join(entry.split())}
        self.assertEqual(without, {"api-url=", "help", "version"})
        self.assertEqual(text.count("twistd -n --pidfile= presence"), 3)
        self.assertIn("Docs:", text)

    def test_no_help(self) -> None:
        """A mistake is not buried under the help, which would be in the journal at each attempt to start."""
        options = Options({})
        self.assertRaises(UsageError, options.parseOptions, ["--drain", "soon"])
        self.assertEqual(options.getUsage(), "See: twistd presence --help\n")

    def test_version(self) -> None:
        """The version is presence's own."""
        with self.assertRaises(SystemExit) as caught:
            self.parse("--version")
        self.assertEqual(caught.exception.code, 0)
        self.assertRegex(__version__, r"^\d+\.\d+\.\d+$")


class ApiTests(OptionsTestCase):
    def test_required(self) -> None:
        """Without an API and without the demo there is nothing to do."""
        self.assert_refused("--demo")

    def test_not_an_address(self) -> None:
        """Something that is no address of an API is refused."""
        no_hosts = ("api.example.com", "ftp://x", "https://", "https://a b", "http://[::1", "")
        no_ports = ("https://x:y", "https://x:99999", "https://x:0")
        more = ("https://u:p@x", "https://x?y", "https://x#y")
        for url in (*no_hosts, *no_ports, *more):
            self.assert_refused("such as https://", "--api-url", url)

    def test_insecure(self) -> None:
        """An http:// address is for this machine, unless the operator insists."""
        self.assert_refused("in the clear", "--api-url", "http://api.example.com")
        self.parse("--api-url", "http://api.example.com", "--allow-insecure-api")
        for host in ("127.0.0.1:8000", "127.0.0.2", "localhost", "[::1]:8000"):
            self.parse("--api-url", f"http://{host}")

    def write_secret(self, text: str) -> tuple[str, str]:
        """Return the option for a file with a secret in it."""
        path = Path(self.mktemp())
        path.write_text(text)
        return "--webhook-secret-file", str(path)

    def test_webhook(self) -> None:
        """Webhooks go to an address, which may have a query, and are signed with what is in a file."""
        options = self.parse(*API, "--webhook", "https://a.example/?b=c", *self.write_secret(f"{SECRET}\n"))
        self.assertEqual(options.webhook_secret, SECRET)
        self.assertIsNone(self.parse(*API, *self.write_secret("x")).webhook_secret)

    def test_no_webhook(self) -> None:
        """What is no address of a webhook is refused, and not repeated."""
        for url in (
            "a.example",
            "ftp://a.example",
            "https://a.example:x",
            "https://ä.example",
            "https://a/#b",
        ):
            self.assert_refused("--webhook: give an address", *API, "--webhook", url)

    def test_webhook_in_the_clear(self) -> None:
        """A webhook goes in the clear to this machine alone, unless the operator insists."""
        secret = self.write_secret(SECRET)
        self.assert_refused("in the clear", *API, "--webhook", "http://a.example", *secret)
        self.parse(*API, "--webhook", "http://a.example", "--allow-insecure-api", *secret)
        self.parse(*API, "--webhook", "http://localhost:8000/hook", *secret)

    def test_webhook_secret(self) -> None:
        """There is no webhook without a secret."""
        webhook = ("--webhook", "https://a.example")
        self.assert_refused("give --webhook-secret-file too", *API, *webhook)
        self.assert_refused("there has to be a secret in it", *API, *webhook, *self.write_secret("\n"))
        self.assert_refused("letters and digits", *API, *webhook, *self.write_secret("ä"))
        self.assert_refused(
            "--webhook-secret-file: cannot read", *API, *webhook, "--webhook-secret-file=none"
        )

    def test_authority(self) -> None:
        """The API's authority can be one of one's own."""
        path = self.mktemp()
        trustme.CA().cert_pem.write_to_path(path)
        self.assertIsNotNone(self.parse(*API, "--api-ca", path).authority)

    def test_no_authority(self) -> None:
        """A file that holds no authority is refused, and one that would not be used."""
        path = Path(self.mktemp())
        self.assert_refused("cannot read", *API, "--api-ca", str(path))
        path.write_text("nothing")
        self.assert_refused("no certificate", *API, "--api-ca", str(path))
        path.write_text("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----")
        self.assert_refused("cannot be read", *API, "--api-ca", str(path))
        self.assert_refused("https://", "--api-url", "http://localhost", "--api-ca", str(path))

    def test_demo_brings_its_own(self) -> None:
        """The demo takes no other API."""
        self.assert_refused("leave out", "--demo", *API)


class BadValueTests(OptionsTestCase):
    def test_numbers(self) -> None:
        """What is no number in range is refused, naming the option."""
        for text in ("-1", "x", "nan", "inf", "86401", ""):
            self.assert_refused("--offline-delay", *API, "--offline-delay", text)
        self.assert_refused("--ping-interval", *API, "--ping-interval", "0")
        self.assert_refused("--demo-visitors", "--demo", "--demo-visitors", "1.5")

    def test_no_certificate(self) -> None:
        """A certificate that is not there is refused with the remedy, and a key without one too."""
        self.assert_refused("--tls-cert: cannot read /none.pem", *API, "--tls-cert", "/none.pem")
        self.assert_refused("openssl req", *API, "--tls-cert", "/none.pem")
        self.assert_refused("--tls-cert", *API, "--tls-key", "key.pem")

    def test_argument(self) -> None:
        """There are no arguments, only options."""
        self.assert_refused("'demo'", "demo", *API)

    def test_no_preface(self) -> None:
        """The line begins with the option, and not with how Twisted found out."""
        self.assert_refused("--settle x: give a number of seconds from 0 to 86400", *API, "--settle", "x")
        with self.assertRaisesRegex(UsageError, "^--settle"):
            self.parse(*API, "--settle", "x")

    def test_log_level(self) -> None:
        """A log level that there is not is refused, naming those that there are."""
        self.assertEqual(self.parse(*API, "--log-level", "debug")["log-level"], "debug")
        self.assert_refused("debug, info", *API, "--log-level", "verbose")

    def test_proxy(self) -> None:
        """What is neither an address nor a network is refused."""
        for text in ("proxy.example", "10.0.0.1/8", "10.0.0.0/33", ""):
            self.assert_refused(f"--trusted-proxy {text}", *API, "--trusted-proxy", text)

    def test_origin(self) -> None:
        """What is no origin is refused."""
        self.assert_refused("--allowed-origin", *API, "--allowed-origin", "www.example.com")

    def test_endpoint(self) -> None:
        """What is no endpoint is refused, naming the string."""
        for text in ("nonsense:1", "tcp:x", "tcp", "tcp:1:2:3:4:5", "8080", ""):
            self.assert_refused(repr(text), *API, "--endpoint", text)

    def test_demo_is_for_this_machine(self) -> None:
        """The demo listens on no address that others can reach."""
        for option in ("--endpoint", "--demo-endpoint"):
            for text in (
                "tcp:8080",
                "tcp:8080:interface=0.0.0.0",
                "unix:/tmp/x",
                "tcp:8080:interface=x",
                "haproxy:tcp:8080:interface=127.0.0.1",
                "tls:/etc/keys:443:interface=127.0.0.1",
            ):
                self.assert_refused("this machine", "--demo", option, text)
        self.assert_refused("this machine", "--demo", "--demo-endpoint", "ssl:8000:interface=127.0.0.1")
        self.parse(
            "--demo",
            "--endpoint",
            r"tcp:8080:interface=\:\:1",
            "--demo-endpoint",
            "tcp:0:interface=127.0.0.2",
        )
