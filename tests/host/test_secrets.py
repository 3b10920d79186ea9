"""Secrets that an operator gives."""

from __future__ import annotations

from pathlib import Path

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.host.secrets import read_secret
from tests.canary import SECRET, secret

OF_FILE, OF_VARIABLE, OF_CREDENTIAL = (secret(name) for name in ("file", "variable", "credential"))


class SecretTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Give the secret in all three ways."""
        self.credentials = Path(self.mktemp())
        self.credentials.mkdir()
        self.file, self.credential = self.credentials / "mine", self.credentials / "ops-key"
        for path, text in ((self.file, OF_FILE), (self.credential, OF_CREDENTIAL)):
            path.write_text(f" {text}\n")
            path.chmod(0o640)
        self.environment = {"PRESENCE_OPS_KEY": OF_VARIABLE, "CREDENTIALS_DIRECTORY": str(self.credentials)}

    def read(self, file: Path | None = None) -> str | None:
        """Read the secret."""
        return read_secret("ops-key", None if file is None else str(file), self.environment)

    def assert_refused(self, hint: str, file: Path | None = None) -> None:
        """Check that it is refused with one line that does not tell it."""
        problem = str(self.assertRaises(ValueError, self.read, file))
        self.assertIn(hint, problem)
        self.assertNotIn("\n", problem)
        self.assertNotIn(SECRET, problem)

    def test_order(self) -> None:
        """The file goes before the variable, and that before the credential."""
        self.assertEqual(self.read(self.file), OF_FILE)
        self.assertEqual(self.read(), OF_VARIABLE)
        del self.environment["PRESENCE_OPS_KEY"]
        self.assertEqual(self.read(), OF_CREDENTIAL)

    def test_none(self) -> None:
        """Without any of them there is none; an empty variable is like none."""
        self.credential.unlink()
        self.environment["PRESENCE_OPS_KEY"] = ""
        self.assertIsNone(self.read())
        del self.environment["CREDENTIALS_DIRECTORY"]
        self.assertIsNone(self.read())

    def test_stripped(self) -> None:
        """White space around it is no part of it."""
        self.environment["PRESENCE_OPS_KEY"] = f"\t{OF_VARIABLE} \r\n"
        self.assertEqual(self.read(), OF_VARIABLE)

    def test_cannot_be_read(self) -> None:
        """A file that cannot be read is named, a credential too."""
        self.assert_refused(f"cannot read {self.credentials}: Is a directory", self.credentials)
        self.assert_refused("No such file", self.credentials / "none")
        self.environment["CREDENTIALS_DIRECTORY"] = str(self.credentials.parent)
        del self.environment["PRESENCE_OPS_KEY"]
        (self.credentials.parent / "ops-key").mkdir()
        self.addCleanup((self.credentials.parent / "ops-key").rmdir)
        self.assert_refused("ops-key: Is a directory")

    def test_empty(self) -> None:
        """A file with nothing in it is a mistake."""
        self.file.write_text(" \n")
        self.assert_refused("is empty", self.file)

    def test_no_text(self) -> None:
        """Bytes that are no text are refused, wherever they come from."""
        self.file.write_bytes(OF_FILE.encode() + b"\xff")
        self.assert_refused(f"{self.file} is no plain text", self.file)
        self.environment["PRESENCE_OPS_KEY"] = f"{OF_VARIABLE}\udcff"
        self.assert_refused("PRESENCE_OPS_KEY is no plain text")

    def test_everybody_can_read_it(self) -> None:
        """A file that everybody can read is a warning; one for its owner and a group is none."""
        with capturedLogs() as events:
            self.read(self.file)
            self.assertEqual(events, [])
            self.file.chmod(0o644)
            self.read(self.file)
        (event,) = events
        self.assertEqual((event["log_level"].name, event["path"]), ("warn", str(self.file)))
