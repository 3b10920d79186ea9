"""Every kind of endpoint serves clients, over real sockets."""

from __future__ import annotations

import socket
import ssl
import sys

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.real.account_api import USER, serve_api
from tests.real.certificates import Authority
from tests.real.processes import PRESENCE, TWISTD, new_path, reserve_port, spawn
from tests.real.talker import talk

# systemd names the process that the sockets are for; so this one becomes the daemon.
AS_SYSTEMD = """
import os, sys
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="presence")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def come_twice(port: int, authority: str) -> list[bool]:
    """Come, and come back; return whether each time a TLS session was resumed."""
    context = ssl.create_default_context(cafile=authority)
    session, resumed = None, []
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as secure,
        ):
            secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            secure.recv(1000)  # tickets come after the handshake
            session = secure.session
            resumed.append(bool(secure.session_reused))
    return resumed


class EndpointTests(TestCase):
    timeout = 20

    async def assert_serves(
        self,
        description: str,
        clients: IStreamClientEndpoint,
        preamble: bytes = b"",
        activated_socket: int | None = None,
    ) -> None:
        """Assert that a daemon with this endpoint accepts the HELLO of a client."""
        api = await serve_api(self)
        words = [*TWISTD, *PRESENCE, "--api-url", api.url, "--endpoint", description]
        if activated_socket is None:
            daemon = spawn(self, *words)
        else:
            words[:1] = [sys.executable, "-c", AS_SYSTEMD]
            daemon = spawn(self, *words, fds={3: activated_socket})
        await daemon.prints("listening on ")
        client = await talk(self, clients, preamble)
        reply = await client.hello(USER.id, api.token(USER.id))
        self.assertEqual((reply["type"], reply["userid"]), ("OK", USER.id))

    async def test_tcp(self) -> None:
        """``tcp:`` serves clients."""
        port = reserve_port(self)
        await self.assert_serves(f"tcp:{port}:interface=127.0.0.1", to(port))

    async def test_ssl(self) -> None:
        """``ssl:`` serves clients with a key and a certificate from files."""
        port, authority = reserve_port(self), Authority(self)
        pem = authority.write_pem("localhost")
        await self.assert_serves(
            f"ssl:{port}:privateKey={pem}:certKey={pem}:interface=127.0.0.1", tls_to(port, authority)
        )

    async def test_resumption(self) -> None:
        """A client that comes back to ``ssl:`` goes on with its TLS session."""
        port, authority = reserve_port(self), Authority(self)
        pem = authority.write_pem("localhost")
        endpoint = f"ssl:{port}:privateKey={pem}:certKey={pem}:interface=127.0.0.1"
        api = await serve_api(self)
        daemon = spawn(self, *TWISTD, *PRESENCE, "--api-url", api.url, "--endpoint", endpoint)
        await daemon.prints("listening on ")
        resumed = await deferToThread(come_twice, port, str(authority.write()))
        self.assertEqual(resumed, [False, True])

    async def test_tls(self) -> None:
        """``tls:`` serves clients with a certificate from a directory."""
        port, authority = reserve_port(self), Authority(self)
        directory = authority.write_pem("localhost").parent
        await self.assert_serves(f"tls:{directory}:{port}:interface=127.0.0.1", tls_to(port, authority))

    async def test_unix(self) -> None:
        """``unix:`` serves clients on a socket in the file system."""
        path = str(new_path(self))
        await self.assert_serves(f"unix:{path}", UNIXClientEndpoint(reactor, path))

    async def test_systemd(self) -> None:
        """``systemd:`` serves clients on a socket that somebody else has opened."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        await self.assert_serves(
            "systemd:domain=INET:index=0",
            to(listening.getsockname()[1]),
            activated_socket=listening.fileno(),
        )

    async def test_haproxy(self) -> None:
        """``haproxy:`` serves clients behind a proxy that tells their address."""
        port = reserve_port(self)
        await self.assert_serves(
            f"haproxy:tcp:{port}:interface=127.0.0.1",
            to(port),
            preamble=b"PROXY TCP4 192.0.2.7 192.0.2.1 49152 443\r\n",
        )


def to(port: int) -> IStreamClientEndpoint:
    """Return the way to a port of this machine."""
    return TCP4ClientEndpoint(reactor, "127.0.0.1", port)


def tls_to(port: int, authority: Authority) -> IStreamClientEndpoint:
    """Return the way to a port of this machine by TLS, for who trusts an authority."""
    # Browsers offer these by ALPN.
    offered = [b"h2", b"http/1.1"]
    return wrapClientTLS(optionsForClientTLS("localhost", authority.certificate, None, offered), to(port))
