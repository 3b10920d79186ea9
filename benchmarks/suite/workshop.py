"""What the benchmark needs, made or installed once into a folder outside of the tree."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.suite.cores import Failed

TREE = Path(__file__).resolve().parents[2]
HERE = TREE / "benchmarks"

_FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wshadow")
_INSTALLED = ("presence", "twisted", "setup.py", "pyproject.toml", "README.rst", "LICENSE")
_PEERS = ("setuptools>=77", "websockets>=13")


@dataclass
class Workshop:
    """
    Where everything is.

    :ivar python: The interpreter that the daemon and the peers in Python run on.
    :ivar node: None when there is none.
    :ivar tls: Whether the load generator can do TLS.
    :ivar api_port: Where the account API listens, while it does.
    :ivar left_out: What cannot be measured here, and why.
    """

    folder: Path
    python: Path
    node: Path | None = None
    bun: Path | None = None
    tls: bool = False
    api_port: int = 0
    left_out: list[str] = field(default_factory=list)

    @property
    def load(self) -> Path:
        """The load generator."""
        return self.folder / "bin/load"

    @property
    def floor(self) -> Path:
        """The peer in C."""
        return self.folder / "bin/floor"

    @property
    def accounts(self) -> Path:
        """The account API."""
        return self.folder / "bin/accounts"

    @property
    def key(self) -> Path:
        """The private key for TLS."""
        return self.folder / "key.pem"

    @property
    def certificate(self) -> Path:
        """Its certificate."""
        return self.folder / "certificate.pem"

    @property
    def scripts(self) -> Path:
        """Where the peers in JavaScript are, beside what they import."""
        return self.folder / "node"


def furnish(folder: Path, python: Path | None, tell: Callable[[str], None]) -> Workshop:
    """
    Make and install what is not there yet.

    :param python: An interpreter that has presence and websockets already; None to install them.
    :raises Failed: When something that is always needed cannot be had.
    """
    for name in ("bin", "logs", "node"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    workshop = Workshop(folder, python or folder / "venv/bin/python")
    tell("compiling the load generator, the floor and the account API")
    _compile(workshop)
    if python is None:
        _install_python(workshop, tell)
    _install_node(workshop, tell)
    return workshop


def _run(command: Iterable[str | Path], folder: Path | None = None) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: {done.stderr.strip()[-2000:]}")


def _compile(workshop: Workshop) -> None:
    compiler = os.environ.get("CC", "gcc")
    _run([compiler, *_FLAGS, HERE / "peers/floor.c", "-o", workshop.floor])
    _run([compiler, *_FLAGS, HERE / "accounts.c", "-o", workshop.accounts])
    load: list[str | Path] = [
        compiler,
        *_FLAGS,
        *sorted((HERE / "load").glob("*.c")),
        "-o",
        workshop.load,
        "-lm",
    ]
    try:
        if not _has_openssl(compiler):
            _install_openssl()
        _run([*load, "-DWITH_TLS", "-lssl", "-lcrypto"])
        _make_certificate(workshop)
        workshop.tls = True
    except (Failed, FileNotFoundError):
        workshop.left_out.append("TLS: it needs the headers of OpenSSL (libssl-dev) and the command openssl")
        _run(load)


def _has_openssl(compiler: str) -> bool:
    command = [compiler, "-E", "-include", "openssl/ssl.h", "-x", "c", "/dev/null"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _install_openssl() -> None:
    if os.geteuid() != 0:
        raise Failed("only root can install libssl-dev")
    _run(["apt-get", "update"])
    _run(["apt-get", "install", "--yes", "libssl-dev", "openssl"])


def _make_certificate(workshop: Workshop) -> None:
    if workshop.certificate.exists():
        return
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650")
    files = ("-keyout", str(workshop.key), "-out", str(workshop.certificate))
    _run(["openssl", "req", "-x509", *kind, "-subj", "/CN=localhost", *files])


def _install_python(workshop: Workshop, tell: Callable[[str], None]) -> None:
    source, environment = workshop.folder / "source", workshop.folder / "venv"
    files = [path for name in _INSTALLED for path in _files(TREE / name)]
    if not _stale(environment / "stamp", files, "".join(_PEERS)):
        return
    tell("installing presence and the peers in Python")
    shutil.rmtree(source, ignore_errors=True)
    for path in files:
        copy = source / path.relative_to(TREE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    if not workshop.python.exists():
        venv.create(environment, with_pip=True)
    pip: list[str | Path] = [
        workshop.python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    _run([*pip, *_PEERS, source])
    # pip takes the same version for the same thing.
    _run([*pip, "--no-deps", "--force-reinstall", "--no-build-isolation", source])
    _stamp(environment / "stamp", files, "".join(_PEERS))


def _install_node(workshop: Workshop, tell: Callable[[str], None]) -> None:
    for path in (HERE / "peers").glob("*.mjs"):
        shutil.copy(path, workshop.scripts)
    wanted, stamp = HERE / "peers/package.json", workshop.scripts / "stamp"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        workshop.left_out.append("node ws, Bun and Socket.IO: there is no node or no npm")
        return
    if _stale(stamp, [wanted]):
        tell("installing the peers in JavaScript")
        shutil.copy(wanted, workshop.scripts)
        _run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error"], workshop.scripts)
        _stamp(stamp, [wanted])
    workshop.node = Path(node)
    # What the package's own script would link, where npm does not run scripts.
    found = [
        *workshop.scripts.glob("node_modules/@oven/*/bin/bun"),
        workshop.scripts / "node_modules/.bin/bun",
    ]
    workshop.bun = next((path for path in found if _runs(path)), None)
    if workshop.bun is None:
        workshop.left_out.append("Bun: its package has nothing that runs on this machine")


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.name != "dropin.cache"
    )


def _digest(files: Iterable[Path], more: str) -> str:
    digest = hashlib.sha256(f"{sys.version} {more}".encode())
    for file in files:
        digest.update(f"{file}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _stale(stamp: Path, files: Iterable[Path], more: str = "") -> bool:
    return not stamp.exists() or stamp.read_text() != _digest(files, more)


def _stamp(stamp: Path, files: Iterable[Path], more: str = "") -> None:
    stamp.write_text(_digest(files, more))
