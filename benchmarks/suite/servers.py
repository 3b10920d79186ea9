"""The daemon and its peers: how each is started, and what it can do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.suite.cores import cores, free_port, running
from benchmarks.suite.workshop import TREE, Workshop

ALL_MODES = frozenset({"plain", "deflate", "tls"})

Command = Callable[[Workshop, str, int], list[str]]


@dataclass(frozen=True)
class Server:
    """
    A server to measure.

    :ivar title: How tables name it.
    :ivar command: Returns what starts it in a mode on a port.
    :ivar engineio: Whether it is spoken to in the way of Socket.IO.
    """

    name: str
    title: str
    command: Command
    modes: frozenset[str] = ALL_MODES
    engineio: bool = False

    def available(self, workshop: Workshop, mode: str) -> bool:
        """Whether it can be measured here in a mode."""
        program = {"bun": workshop.bun, "ws": workshop.node, "socketio": workshop.node}
        here = program.get(self.name, workshop.python) is not None
        return here and mode in self.modes and (mode != "tls" or workshop.tls)


# What the options of the daemon have to allow: all clients come from one machine at
# once, many of them as one user, and they ask as fast as they are answered.
_MANY = "1000000"
_ROOM = {
    "max-unidentified": "20000",
    "max-sockets-per-user": "20000",
    "accept-rate": _MANY,
    "request-rate": _MANY,
    "request-burst": _MANY,
    "user-request-rate": _MANY,
    "user-request-burst": _MANY,
    # Nothing is to settle: no client was there before.
    "settle": "0",
    # Two daemons may run at a time, and nobody waits for the end of one.
    "ops-endpoint": "tcp:0:interface=127.0.0.1",
    "drain": "0",
}


def _daemon(workshop: Workshop, mode: str, port: int) -> list[str]:
    endpoint = f"tcp:{port}:interface=127.0.0.1:backlog=4096"
    if mode == "tls":
        files = f"privateKey={workshop.key}:certKey={workshop.certificate}"
        endpoint = f"ssl:{port}:interface=127.0.0.1:backlog=4096:{files}"
    options = [word for name, value in _ROOM.items() for word in (f"--{name}", value)]
    api = f"http://127.0.0.1:{workshop.api_port}"
    twistd = str(workshop.python.parent / "twistd")
    return [twistd, "-n", "--pidfile=", "presence", "--api-url", api, "--endpoint", endpoint, *options]


def _arguments(workshop: Workshop, mode: str, port: int) -> list[str]:
    files = [str(workshop.key), str(workshop.certificate)] if mode == "tls" else []
    return [mode, str(port), *files]


def _floor(workshop: Workshop, mode: str, port: int) -> list[str]:
    return [str(workshop.floor), *_arguments(workshop, mode, port)]


def _python(module: str, workshop: Workshop, mode: str, port: int) -> list[str]:
    return [str(workshop.python), "-m", f"benchmarks.peers.{module}", *_arguments(workshop, mode, port)]


def _node(script: str, workshop: Workshop, mode: str, port: int) -> list[str]:
    return [str(workshop.node), str(workshop.scripts / script), *_arguments(workshop, mode, port)]


def _bun(workshop: Workshop, mode: str, port: int) -> list[str]:
    return [str(workshop.bun), str(workshop.scripts / "bun.mjs"), *_arguments(workshop, mode, port)]


SERVERS = (
    Server("daemon", "presence", _daemon),
    Server("floor", "C loop", _floor, frozenset({"plain"})),
    Server("autobahn", "Autobahn as it comes", partial(_python, "autobahn_server")),
    Server("websockets", "websockets", partial(_python, "websockets_server")),
    Server("ws", "node ws", partial(_node, "ws.mjs")),
    Server("bun", "Bun", _bun),
    Server("socketio", "Socket.IO", partial(_node, "socketio.mjs"), frozenset({"plain"}), engineio=True),
)


@contextmanager
def account_api(workshop: Workshop) -> Iterator[None]:
    """Serve the account API for the daemon, as long as the block lasts."""
    port = free_port()
    log = workshop.folder / "logs/accounts.log"
    with running([str(workshop.accounts), str(port)], port, cores()[1], log, os.environ):
        workshop.api_port = port
        yield


@contextmanager
def serving(server: Server, workshop: Workshop, mode: str) -> Iterator[tuple[int, int, Path]]:
    """Run a server as long as the block lasts; gives its port, its process and its log."""
    port = free_port()
    log = workshop.folder / f"logs/{server.name}-{mode}.log"
    environment = dict(os.environ)
    if server.name != "daemon":  # which is installed; the peers in Python are not
        environment["PYTHONPATH"] = str(TREE)
    with running(server.command(workshop, mode, port), port, cores()[0], log, environment) as pid:
        yield port, pid, log
