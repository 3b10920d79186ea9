"""The files of ``etc/``, and the programs that they are for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SkipTest

ETC = Path(__file__).parents[2] / "etc"

_SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def read(name: str) -> str:
    """Return the text of a file in ``etc/``."""
    return (ETC / name).read_text(encoding="utf-8")


def program(name: str) -> str:
    """
    Return the path of a program.

    :raises SkipTest: Where there is none.
    """
    path = shutil.which(name, path=_SBIN)
    if path is None:
        raise SkipTest(f"{name} is not installed")
    return path


def run(name: str, *arguments: str | Path) -> str:
    """Return what a program that ends well printed, and fail with it where that does not."""
    done = subprocess.run(  # noqa: S603 - a program of the system on our own files
        [program(name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{name} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def adapted(text: str, changes: Mapping[str, str]) -> str:
    """
    Return a file as an operator would adapt it.

    :param changes: What stands there, and what is to stand there; each has to occur.
    """
    for old, new in changes.items():
        if old not in text:
            raise AssertionError(f"there is no {old!r} in the file")
        text = text.replace(old, new)
    return text


def commented(text: str, first: str) -> str:
    """Return the lines of an indented block in a comment, without the comment, from a first line on."""
    match = re.search(rf"(?m)^#   {re.escape(first)}\n(?:#   .*\n|#\n(?=#   ))*", text)
    if match is None:
        raise AssertionError(f"there is no block that begins with {first!r}")
    return re.sub(r"(?m)^#(   )?", "", match[0])
