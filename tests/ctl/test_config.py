"""``presencectl genconfig`` and ``presencectl checkconfig``."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from presence.options import OPTIONS
from tests.ctl.world import Terminal


class ConfigTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Sit down."""
        self.terminal = Terminal()
        self.path = Path(self.mktemp())

    def done(self, *argv: str, **environ: str) -> list[str]:
        """Run a command that succeeds, and return what it prints."""
        self.successResultOf(self.terminal.run(MemoryReactorClock(), *argv, **environ))
        return self.terminal.lines

    def assert_failed(self, complaint: str, *argv: str, **environ: str) -> None:
        """Check that a command fails, prints nothing and complains in one line."""
        running = self.terminal.run(MemoryReactorClock(), *argv, **environ)
        self.assertEqual(self.failureResultOf(running, SystemExit).value.code, 1)
        self.assertEqual((self.terminal.lines, self.terminal.complaint), ([], f"presencectl: {complaint}\n"))


class GenconfigTests(ConfigTestCase):
    def test_sample(self) -> None:
        """It prints etc/presence.toml."""
        sample = Path(__file__).parents[2] / "etc" / "presence.toml"
        self.assertEqual(self.done("genconfig"), sample.read_text(encoding="utf-8").splitlines())


class CheckconfigTests(ConfigTestCase):
    def test_in_effect(self) -> None:
        """It tells every option with its value and its source."""
        self.path.write_text('api-url = "https://api.example.com"\noffline-delay = 7')
        lines = self.done("checkconfig", str(self.path), PRESENCE_TRUSTED_PROXY="10.0.0.7 ::1")
        self.assertEqual([line.split(" = ")[0] for line in lines], list(OPTIONS))
        for line in (
            'api-url = "https://api.example.com"  # file',
            "offline-delay = 7  # file",
            "settle = 7  # default",
            'trusted-proxy = ["10.0.0.7/32", "::1/128"]  # environment',
            "allow-insecure-api = false  # default",
            "api-ca = (those of the system)  # default",
            "allowed-origin = (pages of all origins, since tokens tell who it is)  # default",
        ):
            self.assertIn(line, lines)

    def test_named_by_the_environment(self) -> None:
        """Without a name it checks the file that the daemon would read."""
        self.path.write_text("demo = true")
        lines = self.done("checkconfig", PRESENCE_CONFIG=str(self.path))
        self.assertIn("demo = true  # file", lines)
        self.assertIn("api-url = (none)  # default", lines)

    def test_ignored(self) -> None:
        """It tells which variables are no options."""
        lines = self.done("checkconfig", PRESENCE_DEMO="true", PRESENCE_CHEESE="1")
        self.assertEqual(
            lines[-1], "# PRESENCE_CHEESE is no option of the daemon, which takes no notice of it"
        )

    def test_wrong(self) -> None:
        """It fails as the daemon would."""
        self.path.write_text("offline_delay = 7")
        problem = f"{self.path}: there is no option 'offline_delay'; did you mean offline-delay?"
        self.assert_failed(problem, "checkconfig", str(self.path))

    def test_nothing(self) -> None:
        """Without a file and variables there is not enough for a daemon."""
        self.assert_failed(
            "give --api-url, the platform's account API, or --demo to try it out", "checkconfig"
        )
