"""nginx in front of the daemon, with the shipped file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.unittest import TestCase

from presence.config import Settings
from tests.etc import proxies
from tests.etc.files import adapted, program, read, run
from tests.real.certificates import Authority
from tests.real.processes import Running, new_path, spawn

SHIPPED = "nginx/presence.conf"
CERTIFICATES = "/etc/letsencrypt/live/presence.example.com"

TEMPORARY = """
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
"""
"""What makes nginx write into its own folder, where anybody may."""

AROUND = """
daemon off;
master_process off;  # so that nothing is left when it is killed
pid nginx.pid;
error_log stderr notice;
events {{ worker_connections 100; }}
http {{
    error_log stderr crit;  # others have the URL in them
    {text}
}}
"""
"""What an nginx.conf has to have for anybody to run it, in a folder of its own."""


def write(folder: Path, text: str) -> tuple[str, ...]:
    """Write all that nginx needs; return the arguments by which it finds that."""
    folder.mkdir()
    (folder / "nginx.conf").write_text(AROUND.format(text=text + TEMPORARY))
    return ("-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr")


class FileTests(TestCase):
    def test_accepted(self) -> None:
        """Nginx takes the file, with the certificate put elsewhere and a port that anybody may bind."""
        pem = Authority(self).write_pem(proxies.NAME)
        run("nginx", "-t", *write(new_path(self), anybodys(pem)))

    def test_whole(self) -> None:
        """Nginx takes the nginx.conf too, with the file in it."""
        pem, folder = Authority(self).write_pem(proxies.NAME), new_path(self)
        (folder / "conf.d").mkdir(parents=True)
        (folder / "conf.d" / "presence.conf").write_text(anybodys(pem) + TEMPORARY)
        changes = {"/etc/nginx/conf.d": f"{folder}/conf.d", "/run/nginx.pid": f"{folder}/pid"}
        (folder / "nginx.conf").write_text(adapted(read("nginx/nginx.conf"), changes))
        run("nginx", "-t", "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr")

    def test_quiet_seconds(self) -> None:
        """It waits longer for a quiet client than the daemon does."""
        settings = Settings()
        (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", read(SHIPPED))
        self.assertGreater(int(seconds), settings.ping_interval + settings.ping_timeout)

    def test_connections_of_an_address(self) -> None:
        """It allows one address as many connections as the daemon does."""
        most = Settings().max_connections_per_address
        self.assertIn(f"limit_conn presence_connections {most};", read(SHIPPED))


def certified(pem: Path) -> str:
    """Return the shipped file with another certificate."""
    files = {f"{CERTIFICATES}/{name}.pem": str(pem) for name in ("fullchain", "privkey")}
    return adapted(read(SHIPPED), files)


def anybodys(pem: Path) -> str:
    """Return the same, with a port that anybody may bind."""
    return adapted(certified(pem), {":443 ": ":8443 ", " 443 ": " 8443 "})


class NginxTests(proxies.ProxyTests):
    listens = "tcp:{port}:interface=127.0.0.1:backlog=4096"
    options = ("--trusted-proxy", "127.0.0.1")
    ready = "getrlimit"

    def run_proxy(
        self, port: int, daemons: Sequence[int], pem: Path, timeout_seconds: float | None
    ) -> Running:
        """Start nginx behind a balancer of TCP connections, as the comments of the file say."""
        first, *more = daemons
        changes = {
            "    listen 443 ssl backlog=4096;\n": "",
            "    listen [::]:443 ssl backlog=4096;\n": "",
            "#listen 443": f"listen 127.0.0.1:{port}",
            "#set_real_ip_from 10.0.0.0/8": "set_real_ip_from 127.0.0.1",
            "#real_ip_header": "real_ip_header",
            "127.0.0.1:8080;": f"127.0.0.1:{first};",
        }
        for another in more:
            changes["#server 127.0.0.1:8090"] = f"server 127.0.0.1:{another}"
        if timeout_seconds is not None:
            changes["proxy_read_timeout 60s"] = f"proxy_read_timeout {timeout_seconds}s"
        words = write(new_path(self), adapted(certified(pem), changes))
        return spawn(self, program("nginx"), *words)
