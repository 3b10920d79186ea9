"""The systemd units that an operator copies."""

from __future__ import annotations

import re
import shlex
import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

from presence.config import Settings
from presence.options import Options
from tests.docs.pages import pages
from tests.etc.files import adapted, commented, read, run
from tests.real.account_api import USER, serve_api
from tests.real.processes import TWISTD, new_path, spawn
from tests.real.talker import talk
from tests.real.test_endpoints import AS_SYSTEMD, to

SERVICE, SOCKET = "systemd/presence.service", "systemd/presence.socket"
PROGRAM = "/opt/presence/bin/twistd"
CONFIG = ["--config", "/etc/presence/presence.toml"]
BY_ITSELF = {
    "AmbientCapabilities": ["CAP_NET_BIND_SERVICE"],
    "CapabilityBoundingSet": ["CAP_NET_BIND_SERVICE"],
    "PrivateUsers": ["no"],
}


def settings(text: str) -> dict[str, list[str]]:
    """Return the settings of a unit, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in text.replace("\\\n", "").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def command(text: str) -> list[str]:
    """Return the words of the last command line of a unit."""
    return shlex.split(settings(text)["ExecStart"][-1])


def drop_in() -> str:
    """Return what the service says is needed without the socket unit."""
    return commented(read(SERVICE), "[Service]")


class CommandTests(SynchronousTestCase):
    def test_with_a_socket(self) -> None:
        """It runs twistd in the foreground, without a pid file, on the socket of the socket unit."""
        endpoint = "systemd:domain=INET6:name=presence"
        presence = ["presence", *CONFIG, "--endpoint", endpoint]
        self.assertEqual(command(read(SERVICE)), [PROGRAM, "-n", "--pidfile=", *presence])
        self.assertEqual(settings(read(SOCKET))["FileDescriptorName"], ["presence"])

    def test_without_a_socket(self) -> None:
        """The drop-in changes the endpoint alone, to one that the daemon understands."""
        words = command(drop_in())
        self.assertEqual(words[:-1], command(read(SERVICE))[:-1])
        options = Options()
        options.parseOptions(["--api-url", "https://api.example.com", "--endpoint", words[-1]])
        self.assertEqual(list(options.endpoints), ["tcp6:443:backlog=4096"])

    def test_behind_nginx(self) -> None:
        """The how-to changes the socket as the unit says, and of the command the kind of socket alone."""
        page = " ".join(pages()["docs/howto/proxy.rst"].replace("\\\n", "").split())
        command = settings(read(SERVICE))["ExecStart"][-1].replace("INET6", "INET")
        service = f"[Service] ExecStart= ExecStart={command}"
        for block in (commented(read(SOCKET), "[Socket]"), service):
            self.assertIn(" ".join(block.split()), page)

    def test_one_capability_without_a_socket(self) -> None:
        """Only the drop-in lets the daemon bind a port, and nothing beyond that."""
        found = settings(drop_in())
        self.assertEqual({name: found[name] for name in BY_ITSELF}, BY_ITSELF)
        service = settings(read(SERVICE))
        self.assertEqual(service["CapabilityBoundingSet"], [""])
        self.assertNotIn("AmbientCapabilities", service)


class LifeCycleTests(SynchronousTestCase):
    def test_notifies(self) -> None:
        """The daemon says when it has started and that it lives, and takes SIGHUP as "read again"."""
        found = settings(read(SERVICE))
        self.assertEqual(
            (found["Type"], found["WatchdogSec"], found["ExecReload"]),
            (["notify"], ["30s"], ["kill -HUP $MAINPID"]),
        )

    def test_time_to_stop(self) -> None:
        """Systemd waits longer than draining and closing take."""
        (seconds,) = settings(read(SERVICE))["TimeoutStopSec"]
        drain_seconds, closing_seconds = 5, 5 + Settings().linger
        self.assertGreater(int(seconds.removesuffix("s")), drain_seconds + closing_seconds)

    def test_secrets(self) -> None:
        """Secrets come as credentials, by the names that the daemon looks for."""
        lines = re.findall(r"(?m)^#?LoadCredential=(.*)$", read(SERVICE))
        self.assertEqual(
            lines, ["ops-key:/etc/presence/ops-key", "webhook-secret:/etc/presence/webhook-secret"]
        )


class SystemdTests(SynchronousTestCase):
    """Only the program is put where there is one."""

    def setUp(self) -> None:
        """Have both units in a folder."""
        self.units = Path(self.mktemp())
        self.units.mkdir()
        self.service = self.units / "presence.service"
        self.service.write_text(adapted(read(SERVICE), {PROGRAM: "/bin/true"}))
        (self.units / "presence.socket").write_text(read(SOCKET))

    def verify(self) -> str:
        """Return what systemd has against the units."""
        return run("systemd-analyze", "verify", "--man=no", *sorted(self.units.glob("presence.*[et]")))

    def test_accepted(self) -> None:
        """Every setting is one that systemd knows."""
        self.assertEqual(self.verify(), "")

    def test_accepted_without_a_socket(self) -> None:
        """The drop-in is one that systemd knows what to do with."""
        folder = self.units / "presence.service.d"
        folder.mkdir()
        (folder / "override.conf").write_text(adapted(drop_in(), {PROGRAM: "/bin/true"}))
        self.assertEqual(self.verify(), "")

    def test_behind_a_proxy(self) -> None:
        """The change of the socket for a proxy is one that systemd knows what to do with."""
        folder = self.units / "presence.socket.d"
        folder.mkdir()
        (folder / "override.conf").write_text(commented(read(SOCKET), "[Socket]"))
        self.assertEqual(self.verify(), "")

    def test_exposure(self) -> None:
        """Of all that a service could do to its machine, it can do little: 2.0 of 10."""
        run("systemd-analyze", "security", "--offline=true", "--threshold=20", self.service)

    def test_queue(self) -> None:
        """As many wait to be accepted as with the daemon's own endpoint."""
        self.assertEqual(settings(read(SOCKET))["Backlog"], ["4096"])


class ActivatedTests(TestCase):
    timeout = 20

    async def test_serves(self) -> None:
        """The daemon of the service unit serves IPv4 on a socket such as the socket unit has."""
        listening = socket.socket(socket.AF_INET6)
        self.addCleanup(listening.close)
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(("::ffff:127.0.0.1", 0))
        listening.listen()
        api, config = await serve_api(self), new_path(self)
        config.write_text(f'api-url = "{api.url}"\nops-endpoint = "none"\ndrain = 0\n')
        words = shlex.join(command(read(SERVICE))[1:]).replace(CONFIG[1], str(config))
        daemon = spawn(
            self,
            *(TWISTD[0], "-c", AS_SYSTEMD, TWISTD[1], *shlex.split(words)),
            fds={3: listening.fileno()},
        )
        await daemon.prints("listening on ")
        client = await talk(self, to(listening.getsockname()[1]))
        reply = await client.hello(USER.id, api.token(USER.id))
        self.assertEqual(reply["type"], "OK")
