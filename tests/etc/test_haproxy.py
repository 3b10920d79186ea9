"""HAProxy in front of the daemon, with the shipped file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.unittest import TestCase
from twisted.web.http import OK, SERVICE_UNAVAILABLE
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from presence.config import Settings
from tests.etc import proxies
from tests.etc.files import adapted, program, read, run
from tests.real.account_api import serve
from tests.real.certificates import Authority
from tests.real.processes import Running, new_path, spawn

SHIPPED = "haproxy/haproxy.cfg"
PRIVILEGED = {
    "    chroot /var/lib/haproxy\n": "",
    "    user haproxy\n": "",
    "    group haproxy\n": "",
    "    stats socket /run/haproxy/admin.sock mode 660 level admin\n": "",
    "maxconn 30000": "maxconn 100",
}
"""What takes root, or more files than a user may have open."""


class FileTests(TestCase):
    def test_accepted(self) -> None:
        """HAProxy takes the file, with the certificate put elsewhere, and has nothing to warn of."""
        pem = Authority(self).write_pem(proxies.NAME)
        path = new_path(self)
        path.write_text(adapted(read(SHIPPED), {"/etc/haproxy/presence.pem": str(pem)}))
        self.assertNotIn("WARNING", run("haproxy", "-c", "-f", path))

    def test_quiet_seconds(self) -> None:
        """It waits longer for a quiet client than the daemon does."""
        settings = Settings()
        (seconds,) = re.findall(r"timeout tunnel (\d+)s\n", read(SHIPPED))
        self.assertGreater(int(seconds), settings.ping_interval + settings.ping_timeout)


class Ready(Resource):
    """The operations endpoint of a daemon, as far as HAProxy sees it."""

    isLeaf = True
    code = OK

    def render_GET(self, request: Request) -> bytes:
        """Say whether the daemon takes clients, to who asks as the daemon wants it."""
        asked = (request.path, request.getHeader("host"))
        request.setResponseCode(self.code if asked == (b"/ready", "localhost") else SERVICE_UNAVAILABLE)
        return b""


class HaproxyTests(proxies.ProxyTests):
    listens = "haproxy:tcp:{port}:interface=127.0.0.1:backlog=4096"
    ready = "Health check for server presence/one succeeded"

    async def prepare(self, daemons: int) -> None:
        """Have an operations endpoint for each daemon."""
        self.sites = [Ready() for _ in range(daemons)]
        served = [await serve(self, Site(site)) for site in self.sites]
        self.checked = [int(one.url.rpartition(":")[2]) for one in served]

    def run_proxy(
        self, port: int, daemons: Sequence[int], pem: Path, timeout_seconds: float | None
    ) -> Running:
        """Start HAProxy behind a balancer of TCP connections."""
        changes = {
            **PRIVILEGED,
            "log /dev/log local0": "log stdout format raw local0",
            "log global": "log global\n    option log-health-checks",
            "bind [::]:443 v4v6": f"bind 127.0.0.1:{port} accept-proxy",
            "/etc/haproxy/presence.pem": str(pem),
            "inter 2s": "inter 100ms",
            "127.0.0.1:8080 port 8081": f"127.0.0.1:{daemons[0]} port {self.checked[0]}",
        }
        for another, checked in zip(daemons[1:], self.checked[1:], strict=True):
            changes["#server two 127.0.0.1:8090 port 8091"] = f"server two 127.0.0.1:{another} port {checked}"
        if timeout_seconds is not None:
            changes["timeout tunnel 60s"] = f"timeout tunnel {timeout_seconds}s"
        path = new_path(self)
        path.write_text(adapted(read(SHIPPED), changes))
        return spawn(self, program("haproxy"), "-V", "-db", "-f", path)

    async def test_draining(self) -> None:
        """A daemon that is not ready gets no new clients and keeps those it has."""
        await self.start(daemons=2)
        stays = [await self.visit() for _ in range(2)]
        self.sites[0].code = SERVICE_UNAVAILABLE
        await self.proxy.prints("presence/one is DOWN")
        replies = [await self.hello(client) for client in stays]
        self.assertEqual(sorted(reply["maxbytes"] for reply in replies), [2000, 2001])
        new = [await self.hello(await self.visit()) for _ in range(3)]
        self.assertEqual([reply["maxbytes"] for reply in new], [2001] * 3)
