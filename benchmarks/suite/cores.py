"""Which process runs on which core, and how it is ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 30.0
_STOP_SECONDS = 3.0


class Failed(Exception):  # noqa: N818 - what happened, not what it is
    """A program of the benchmark did not do what it was to do."""


def cores() -> tuple[int, int]:
    """Return the core of the servers and that of the load generator; the same where there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


@contextmanager
def _on(core: int) -> Iterator[None]:
    # A child begins with the affinity of its parent, and so do its threads.
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def free_port() -> int:
    """Return a port of the kernel's choice that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], port: int, core: int, log: Path, environment: Mapping[str, str]
) -> Iterator[int]:
    """
    Run a server as long as the block lasts, which begins when the server listens.

    :returns: The id of its process.
    :raises Failed: When it does not come to listen; the end of its log says why.
    """
    with log.open("wb") as output, _on(core):
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield process.pid
    finally:
        _end(process)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Failed(f"it ended with {process.returncode}: {tail(log)}")
        try:
            with socket.create_connection(("127.0.0.1", port)):
                return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise Failed(f"it did not listen within {_START_SECONDS:g} s: {tail(log)}")


def tail(log: Path) -> str:
    """Return the last words of a log."""
    return " | ".join(log.read_text(errors="replace").splitlines()[-3:])


def run_to_end(command: Sequence[str], core: int, seconds: float) -> str:
    """
    Run a program to its end and return what it printed.

    :raises Failed: When it fails or takes too long.
    """
    with _on(core):
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    try:
        output, problems = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} took longer than {seconds:g} s") from None
    finally:
        _end(process)
    if process.returncode != 0:
        raise Failed(problems.strip() or f"{command[0]} ended with {process.returncode}")
    return output


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    # By its id, and only while it is ours: poll() says whether it has been reaped.
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(_STOP_SECONDS if number == signal.SIGTERM else None)
        except subprocess.TimeoutExpired:
            continue
