"""The file, the environment and the command line, and which goes before which."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from presence.options import OPTIONS, Options
from presence.options.option import Option
from presence.options.sources import of_environment, strangers

API = 'api-url = "https://api.example.com"\n'


class SourcesTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Make an empty file and an empty environment."""
        self.path = Path(self.mktemp())
        self.environment: dict[str, str] = {}

    def parse(self, toml: str | bytes, *arguments: str) -> Options:
        """Return the options of a file that has the text, of the environment and of some flags."""
        self.path.write_bytes(toml.encode() if isinstance(toml, str) else toml)
        options = Options(self.environment)
        options.parseOptions(["--config", str(self.path), *arguments])
        return options

    def assert_refused(self, problem: str, toml: str | bytes = API, *arguments: str) -> None:
        """Check that options are refused with this line."""
        refusal = str(self.assertRaises(UsageError, self.parse, toml, *arguments))
        self.assertEqual(refusal.replace(str(self.path), "FILE"), problem)


class OrderTests(SourcesTestCase):
    def test_order(self) -> None:
        """The command line goes before the environment, that before the file, and that before a default."""
        seen = []
        toml = API
        for source in ("default", "file", "environment", "command line"):
            toml += "linger = 3" if source == "file" else ""
            self.environment |= {"PRESENCE_LINGER": "4"} if source == "environment" else {}
            flags = ["--linger=5"] if source == "command line" else []
            options = self.parse(toml, *flags)
            seen.append((options.settings.linger, options.choices["linger"].source == source))
        self.assertEqual(seen, [(2, True), (3, True), (4, True), (5, True)])

    def test_lists_replace(self) -> None:
        """A list of a source replaces the list of those behind it."""
        toml = API + 'endpoint = ["tcp:1", "tcp:2"]'
        self.assertEqual(list(self.parse(toml).endpoints), ["tcp:1", "tcp:2"])
        self.environment["PRESENCE_ENDPOINT"] = "tcp:3  tcp:4"
        self.assertEqual(list(self.parse(toml).endpoints), ["tcp:3", "tcp:4"])
        self.assertEqual(
            list(self.parse(toml, "-e", "tcp:5", "--endpoint=tcp:6").endpoints), ["tcp:5", "tcp:6"]
        )

    def test_flags(self) -> None:
        """What is on or off is true or false elsewhere, and a flag turns it on."""
        self.assertTrue(self.parse("demo = true")["demo"])
        self.environment["PRESENCE_DEMO"] = "false"
        self.assertFalse(self.parse(f"demo = true\n{API}")["demo"])
        self.assertTrue(self.parse("demo = false", "--demo")["demo"])

    def test_values(self) -> None:
        """A value means the same everywhere."""
        lists = 'allowed-origin = ["https://A.example:443"]\ntrusted-proxy = ["10.0.0.0/8"]\n'
        settings = self.parse(API + lists + 'compression = "off"').settings
        self.assertEqual(settings.allowed_origins, {"https://a.example"})
        self.assertEqual(settings.trusted_proxies, (ip_network("10.0.0.0/8"),))
        self.assertFalse(settings.compression)

    def test_last_flag(self) -> None:
        """Of a flag that is no list and is given twice, the last counts."""
        self.assertEqual(self.parse(API, "--linger=7", "--linger=8").settings.linger, 8)

    def test_named_by_the_environment(self) -> None:
        """The environment can name the file; the flag goes before it, and an empty name is none."""
        self.path.write_text("demo = true")
        for environment, arguments, demo in (
            ({"PRESENCE_CONFIG": str(self.path)}, [], True),
            ({"PRESENCE_CONFIG": "/nonexistent"}, ["--config", str(self.path)], True),
            ({"PRESENCE_CONFIG": ""}, ["--api-url=https://api.example.com"], False),
        ):
            options = Options(environment)
            options.parseOptions(arguments)
            self.assertIs(options["demo"], demo)

    def test_read_anew(self) -> None:
        """The same command line, read again, finds what the file says by then."""
        before = self.parse(API + "linger = 3", "--settle=1")
        after = self.parse(API + "linger = 4", "--settle=1")
        changed = {name for name in before.choices if before[name] != after[name]}
        self.assertEqual(changed, {"linger"})


class FileTests(SourcesTestCase):
    def refusal(self, toml: str | bytes) -> str:
        """Return how a file is refused."""
        return str(self.assertRaises(UsageError, self.parse, toml)).replace(str(self.path), "FILE")

    def test_unknown(self) -> None:
        """An option that there is not is named, and one that looks like it; what it says is not told."""
        self.assert_refused(
            "FILE: there is no option 'offline_delay'; did you mean offline-delay?",
            "offline_delay = 5\nendpiont = []\ndome = true",
        )
        self.assert_refused(
            "FILE: there is no option 'xyz'; presencectl genconfig prints all", "[xyz]\na = 1"
        )

    def test_only_flags(self) -> None:
        """What is about the command line alone is no option of a file."""
        for name in ("config", "help", "version"):
            self.assertIn(
                f"no option '{name}'", str(self.assertRaises(UsageError, self.parse, f"{name} = 1"))
            )

    def test_types(self) -> None:
        """A value of another type is refused with what to give."""
        for toml, problem in (
            ("api-url = 5", "5: give a text, in quotes"),
            ('linger = "5"', '"5": give a number, without quotes'),
            ("linger = true", "true: give a number, without quotes"),
            ("demo = 1", "1: give true or false, without quotes"),
            (
                'endpoint = "tcp:1"',
                '"tcp:1": give a list of texts, such as ["tcp:8080:interface=127.0.0.1:backlog=4096"]',
            ),
            ("trusted-proxy = [10]", '[10]: give a list of texts, such as ["10.0.0.0/8"]'),
            ("linger = 2026-01-01", '"2026-01-01": give a number, without quotes'),
        ):
            self.assert_refused(f"FILE: {toml.split()[0]} {problem}", toml)

    def test_values(self) -> None:
        """A bad value is refused in the words that are said of the flag."""
        for toml, problem in (
            ("offline-delay = -1", "-1: give a number of seconds from 0 to 86400"),
            ("accept-rate = 1.5", "1.5: give a number from 1"),
            ("linger = nan", "nan: give a number of seconds from 0.1 to 86400"),
            ('api-url = "x"', "x: give an address such as https://api.example.com/v1"),
            ('log-level = "x\\ny"', "'x\\ny': give one of debug, info, warn, error, critical"),
        ):
            self.assert_refused(f"FILE: {toml.split()[0]} {problem}", toml)

    def test_of_a_list(self) -> None:
        """Of a list the one that is bad is told."""
        toml = 'trusted-proxy = ["10.0.0.1", "proxy"]'
        self.assertIn("FILE: trusted-proxy proxy: give an address", self.refusal(toml))

    def test_late(self) -> None:
        """What is found out later names its place too."""
        for toml, problem in (
            ('api-ca = "/nonexistent"', "FILE: api-ca: cannot read /nonexistent"),
            ('endpoint = ["x:1"]', "FILE: endpoint: endpoint 'x:1'"),
            ('demo-endpoint = "x:1"', "FILE: demo-endpoint: endpoint 'x:1'"),
        ):
            self.assertIn(problem, self.refusal(API + toml))
        self.assertIn("FILE: api-url http://a.example: tokens", self.refusal('api-url = "http://a.example"'))

    def test_no_endpoint(self) -> None:
        """A daemon that listens nowhere is none; other lists may be empty."""
        self.assert_refused("FILE: endpoint: give one at least, or leave it out", f"{API}endpoint = []")
        self.assertEqual(self.parse(f"{API}allowed-origin = []").settings.allowed_origins, frozenset())

    def test_no_toml(self) -> None:
        """What is no TOML is refused with the line."""
        for toml, problem in (
            (f"{API}linger = \n", "(at line 2, column 10)"),
            ("a = 1\na = 2\n", "(at line 2, column 6)"),
            (b"\xff", "byte 0xff in position 0"),
        ):
            refusal = self.refusal(toml)
            self.assertTrue(refusal.startswith("FILE is no TOML: "))
            self.assertIn(problem, refusal)
            self.assertTrue(refusal.endswith("; presencectl genconfig prints a sample"))

    def test_no_file(self) -> None:
        """A file that cannot be read is refused."""
        options = Options({})
        refusal = self.assertRaises(UsageError, options.parseOptions, ["--config", "/nonexistent"])
        self.assertEqual(str(refusal), "cannot read /nonexistent: No such file or directory")


class EnvironmentTests(SourcesTestCase):
    def test_bad(self) -> None:
        """A bad value is refused in the words that are said of the flag."""
        for name, text, problem in (
            ("LINGER", "x", "give a number of seconds from 0.1 to 86400"),
            ("DEMO", "yes", "give true or false"),
            ("LOG_LEVEL", "x", "give one of debug, info, warn, error, critical"),
        ):
            self.environment = {f"PRESENCE_{name}": text}
            self.assert_refused(f"PRESENCE_{name} {text}: {problem}")

    def test_empty(self) -> None:
        """An empty variable is none."""
        self.environment = {"PRESENCE_LINGER": "", "PRESENCE_DEMO": "", "PRESENCE_ENDPOINT": ""}
        self.assertEqual(self.parse(API + "linger = 3").settings.linger, 3)

    def test_typo(self) -> None:
        """A variable that looks like an option is refused."""
        self.environment = {"PRESENCE_OFLINE_DELAY": "5"}
        self.assert_refused(
            "PRESENCE_OFLINE_DELAY: there is no such option; did you mean PRESENCE_OFFLINE_DELAY?"
        )

    def test_strangers(self) -> None:
        """Variables of others are left alone, also where their names begin as ours."""
        others = [
            "PRESENCE_NODE_MODULES",
            "PRESENCE_PORT_8080_TCP",
            "PRESENCE_SERVICE_HOST",
            "PRESENCE_TOKEN",
        ]
        self.environment = {**dict.fromkeys(others, "1"), "PRESENCE_CONFIG": "", "PATH": "/bin"}
        options = self.parse(API)
        self.assertEqual(strangers(self.environment, OPTIONS), others)
        self.assertNotIn("environment", {choice.source for choice in options.choices.values()})

    def test_secret(self) -> None:
        """Where a file can be named for a secret, the variable of the secret itself is no typo."""
        options = {"webhook-secret-file": Option("webhook-secret-file", "A file.")}
        self.assertEqual(of_environment({"PRESENCE_WEBHOOK_SECRET": "x"}, options), {})
        self.assertRaises(ValueError, of_environment, {"PRESENCE_WEBHOOKSECRET": "x"}, options)
