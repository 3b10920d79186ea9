"""The systemd unit that an operator copies."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import trustme
from twisted.scripts.twistd import ServerOptions  # type: ignore[attr-defined] # picked by platform
from twisted.trial.unittest import SkipTest, SynchronousTestCase

UNIT = Path(__file__).parents[2] / "etc" / "systemd" / "presence.service"


def settings() -> list[tuple[str, str]]:
    """Return the settings of the unit in their order, with lines that go on joined."""
    text = UNIT.read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


class UnitFileTests(SynchronousTestCase):
    def command(self) -> list[str]:
        """Return the words that the unit runs, once systemd has filled in the credentials."""
        credentials = Path(self.mktemp())
        credentials.mkdir()
        authority = trustme.CA()
        certificate = authority.issue_cert("presence.example.com")
        certificate.private_key_pem.write_to_path(credentials / "key.pem")
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(credentials / "fullchain.pem", append=True)
        return shlex.split(dict(settings())["ExecStart"].replace("%d", str(credentials.absolute())))

    def test_command_line(self) -> None:
        """It runs twistd in the foreground, without a pid file, on port 443 with TLS."""
        program, *words = self.command()
        self.assertEqual(Path(program).name, "twistd")
        self.assertEqual(words[:4], ["-n", "--pidfile=", "presence", "--endpoint"])
        self.assertTrue(words[4].startswith("ssl:443:privateKey="))
        self.assertEqual(words[5:], ["--api-url", "https://accounts.example.com/"])

    def test_options_are_understood(self) -> None:
        """The daemon takes the options of the unit."""
        options = ServerOptions()
        options.parseOptions(self.command()[1:])
        self.assertEqual(options.subCommand, "presence")
        self.assertEqual(options["pidfile"], "")
        self.assertTrue(options["nodaemon"])

    def test_credentials_are_loaded(self) -> None:
        """Every file that the command line names comes from a credential."""
        loaded = {value.partition(":")[0] for name, value in settings() if name == "LoadCredential"}
        named = {
            part.partition("%d/")[2] for part in dict(settings())["ExecStart"].split(":") if "%d/" in part
        }
        self.assertEqual({name.split()[0] for name in named}, loaded)

    def test_notifies(self) -> None:
        """It tells systemd that it is ready and alive, and reads its certificates again when told to."""
        found = dict(settings())
        self.assertEqual((found["Type"], found["WatchdogSec"]), ("notify", "30s"))
        self.assertEqual(found["ExecReload"], "/bin/kill -HUP $MAINPID")

    def test_runs_as_its_own_user(self) -> None:
        """It is never root, and may do nothing beyond binding the port."""
        found = dict(settings())
        self.assertEqual(found["User"], "presence")
        self.assertEqual(found["AmbientCapabilities"], "CAP_NET_BIND_SERVICE")
        self.assertEqual(found["CapabilityBoundingSet"], "CAP_NET_BIND_SERVICE")
        self.assertEqual(found["NoNewPrivileges"], "yes")

    def test_systemd_accepts_it(self) -> None:
        """Every setting is one that systemd knows; only the program is put where there is one."""
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            raise SkipTest("systemd-analyze is not installed")
        copy = Path(self.mktemp()).with_name(UNIT.name)
        copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/presence/bin/twistd", "/bin/true"))
        run = subprocess.run(  # noqa: S603 - systemd's own program on our own file
            [analyze, "verify", "--man=no", copy.absolute()], capture_output=True, text=True, check=False
        )
        self.assertEqual((run.returncode, run.stderr), (0, ""))
