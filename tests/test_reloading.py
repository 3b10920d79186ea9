"""SIGHUP: which options take effect, and which do not."""

from __future__ import annotations

from pathlib import Path

import attrs
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.logs import set_level
from presence.ops.places import Access
from presence.options import OPTIONS, Options
from presence.reloading import Reloading
from tests.canary import secret
from tests.ops.endpoint import Endpoint

START = 'api-url = "https://api.example.com"\n'


class ReloadingTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a daemon that was started with a file."""
        self.addCleanup(set_level, "info")
        self.key, self.file = Path(self.mktemp()), Path(self.mktemp())
        self.write(self.key, secret("first"))
        self.write(self.file, START)
        options = Options({"PRESENCE_OPS_KEY_FILE": str(self.key)})
        options.parseOptions(["--config", str(self.file)])
        self.settings: list[Settings] = []
        parts = attrs.evolve(Endpoint().parts, reconfigure=self.settings.append)
        self.access = Access(options.ops_key)
        self.reloading = Reloading(options, parts, self.access)

    def write(self, path: Path, text: str) -> None:
        """Write a file that is nobody else's."""
        path.write_text(text)
        path.chmod(0o600)

    def reload(self, text: str = "") -> list[tuple[LogLevel, object]]:
        """Change the file, and have it read; return what the log says."""
        self.write(self.file, START + text)
        with capturedLogs() as events:
            self.reloading.reload()
        return [
            (event["log_level"], event.get("changed") or event.get("fixed") or event.get("problem"))
            for event in events
        ]

    def test_taken(self) -> None:
        """A limit takes effect, and the log names it."""
        said = self.reload("max-sockets-per-user = 3\noffline-delay = 9\n")
        self.assertEqual(said, [(LogLevel.info, "offline-delay, max-sockets-per-user")])
        self.assertEqual((self.settings[0].max_sockets_per_user, self.settings[0].offline_delay), (3, 9))

    def test_fixed(self) -> None:
        """An option that matters at the start is named each time, until it is as it was."""
        for _ in range(2):
            said = self.reload('endpoint = ["tcp:1"]\n')
            self.assertEqual(said, [(LogLevel.info, "nothing"), (LogLevel.warn, "endpoint")])
        self.assertEqual(self.reload(), [(LogLevel.info, "nothing")])

    def test_mistake(self) -> None:
        """A mistake anywhere changes nothing, and the log says where it is."""
        ((level, problem),) = self.reload("max-sockets-per-user = 3\nlinger = 'x'\n")
        self.assertEqual((level, self.settings), (LogLevel.error, []))
        self.assertIn(f"{self.file}: linger", str(problem))

    def test_gone(self) -> None:
        """A file that is gone changes nothing."""
        self.file.unlink()
        with capturedLogs() as events:
            self.reloading.reload()
        self.assertEqual(([event["log_level"] for event in events], self.settings), ([LogLevel.error], []))

    def test_key(self) -> None:
        """A new key holds from now on, and the old one no more; so do the names of the endpoint."""
        self.write(self.key, secret("second"))
        said = self.reload('ops-host = ["Ops.example"]\n')
        self.assertEqual(said, [(LogLevel.info, "ops-host, the key of the HTTP API")])
        self.assertEqual((self.access.key, self.access.hosts), (secret("second"), {"ops.example"}))
        self.assertEqual(self.reload('ops-host = ["ops.example"]\n'), [(LogLevel.info, "nothing")])

    def test_log_level(self) -> None:
        """The level of the log changes."""
        self.reload('log-level = "error"\n')
        self.assertEqual(
            self.reload("max-sockets-per-user = 3\n"), [(LogLevel.info, "max-sockets-per-user, log-level")]
        )

    def test_settings_are_taken(self) -> None:
        """Every number but those of the start can change while the daemon runs."""
        fixed = {name for name, option in OPTIONS.items() if option.fixed}
        numbers = {field.name.replace("_", "-") for field in attrs.fields(Settings)}
        self.assertEqual(fixed & numbers, {"accept-rate", "settle"})
