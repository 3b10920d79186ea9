"""On what it was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from benchmarks.suite.workshop import TREE, Workshop

_PACKAGES = ("presence", "Twisted", "autobahn", "msgspec", "websockets", "pyOpenSSL", "cryptography")


def describe(workshop: Workshop) -> dict[str, str]:
    """Return what matters of the machine and of the programs."""
    facts = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "kernel": f"{platform.system()} {platform.release()}",
        "compiler": _first_line([os.environ.get("CC", "gcc"), "--version"]),
        "python": _first_line([str(workshop.python), "--version"]),
        "commit": _first_line(["git", "-C", str(TREE), "describe", "--always", "--dirty"]),
    }
    script = "import importlib.metadata as m, sys; print(*[f'{n} {m.version(n)}' for n in sys.argv[1:]])"
    facts["packages"] = _first_line([str(workshop.python), "-c", script, *_PACKAGES])
    if workshop.node is not None:
        facts["node"] = _first_line([str(workshop.node), "--version"])
        script = (
            "const version = (name) => require(`${name}/package.json`).version;"
            "console.log(...process.argv.slice(1).map((name) => `${name} ${version(name)}`))"
        )
        facts["node packages"] = _first_line(
            [str(workshop.node), "-e", script, "ws", "socket.io"], workshop.scripts
        )
    if workshop.bun is not None:
        facts["bun"] = _first_line([str(workshop.bun), "--version"])
    return facts


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _first_line(command: list[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return (done.stdout.strip().splitlines() or ["unknown"])[0]
