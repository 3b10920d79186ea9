"""``twistd`` as a daemon, and as root that becomes somebody else."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

from tests import canary
from tests.real.account_api import USER, serve_api
from tests.real.certificates import Authority
from tests.real.processes import NO_FAULT, PRESENCE, TWISTD, new_path, reserve_port, script, spawn
from tests.real.talker import talk
from tests.real.test_endpoints import tls_to, to

NOBODY = 65534


class DaemonTests(TestCase):
    timeout = 20

    async def test_daemon(self) -> None:
        """Without -n it goes to the background, leaves its number in a file, and ends on SIGTERM."""
        api, port = await serve_api(self), reserve_port(self)
        pid_file, log_file = (new_path(self) for _ in range(2))
        twistd = (sys.executable, script("twistd"), "--pidfile", pid_file, "--logfile", log_file)
        options = ("--api-url", api.url, "-e", f"tcp:{port}:interface=127.0.0.1")
        # What is in the background still has this pipe, so it has ended when the pipe is closed.
        starter = spawn(self, *twistd, *PRESENCE, *options, fds={3: "r"})
        self.assertEqual(await starter.exited, 0)
        pid = int(pid_file.read_text())
        self.addCleanup(lambda: os.kill(pid, 9) if starter.alive else None)
        client = await talk(self, to(port))
        self.assertEqual((await client.hello(USER.id, api.token(USER.id)))["type"], "OK")
        os.kill(pid, 15)
        self.assertEqual(await client.ended, 1001)
        await starter.ended
        self.assertFalse(pid_file.exists())
        self.assertRegex(log_file.read_text(), NO_FAULT)
        canary.look_at(log_file.read_text())

    async def test_taken(self) -> None:
        """A taken port ends the shell's wait for the daemon, with an exit code and the endpoint."""
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        pid_file, log_file = (new_path(self) for _ in range(2))
        twistd = (sys.executable, script("twistd"), "--pidfile", pid_file, "--logfile", log_file)
        self.addCleanup(lambda: os.kill(int(pid_file.read_text()), 9) if pid_file.exists() else None)
        starter = spawn(self, *twistd, *PRESENCE, "--api-url", "https://api.example.com", "-e", endpoint)
        self.assertEqual(await starter.ended, 1)
        self.assertIn(endpoint, starter.printed)
        self.assertRegex(log_file.read_text(), NO_FAULT)
        canary.look_at(log_file.read_text())
        self.assertFalse(pid_file.exists())


class RootTests(TestCase):
    timeout = 20

    def setUp(self) -> None:
        """Be root."""
        if os.geteuid() != 0:
            raise SkipTest("only root can become somebody else")

    def status(self, pid: int) -> str:
        """Return what the kernel tells of a process."""
        return Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")

    async def test_drops_root(self) -> None:
        """Root binds a low port, reads a key that is root's alone, and then is nobody."""
        # Not the same port as other runs of the tests on this machine.
        api, authority, port = (
            await serve_api(self),
            Authority(self),
            reserve_port(self, 600 + os.getpid() % 400),
        )
        self.assertLess(port, 1024)
        pem = authority.write_pem("localhost")
        self.assertEqual((pem.stat().st_uid, pem.stat().st_mode & 0o077), (0, 0))
        daemon = spawn(
            self,
            *TWISTD,
            *("--uid", str(NOBODY), "--gid", str(NOBODY), *PRESENCE, "--api-url", api.url),
            *("-e", f"ssl:{port}:privateKey={pem}:certKey={pem}:interface=127.0.0.1"),
        )
        await daemon.prints("listening on ")
        client = await talk(self, tls_to(port, authority))
        reply = await client.hello(USER.id, api.token(USER.id))
        self.assertEqual(reply["type"], "OK", daemon.printed)
        status = self.status(daemon.pid)
        for ids in ("Uid", "Gid"):
            self.assertRegex(status, rf"(?m)^{ids}:(\t{NOBODY}){{4}}$")
