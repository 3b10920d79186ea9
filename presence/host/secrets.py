"""Secrets of the operator: from a file, the environment, or a credential of systemd."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from stat import S_IROTH

from presence.logs import logger

_log = logger(__name__)


def read_secret(name: str, file: str | None, environment: Mapping[str, str]) -> str | None:
    """
    Return a secret without the white space around it, or None where none is given.

    The file goes before the variable, and that before systemd's credential of this name
    (``LoadCredential=`` in :manpage:`systemd.exec(5)`). A file that everybody on the machine can
    read is a warning in the log; a group may well read it, as in ``root:presence`` and 0640.

    :param name: Its name, as ``ops-key``; ``PRESENCE_OPS_KEY`` is its variable then.
    :param file: The file that the operator named for it.
    :raises ValueError: With one line, which does not tell the secret, where it cannot be read.
    """
    variable = "PRESENCE_" + name.upper().replace("-", "_")
    if file is not None:
        return _of_file(file, name)
    if environment.get(variable):
        return _text(variable, os.fsencode(environment[variable]))
    if directory := environment.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory, name)
        return _of_file(str(credential), name) if credential.exists() else None
    return None


def _of_file(path: str, name: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content, mode = file.read(), os.fstat(file.fileno()).st_mode
    except OSError as problem:
        raise ValueError(f"cannot read {path}: {problem.strerror}") from None
    if mode & S_IROTH:
        _log.warn(
            "everybody on this machine can read the {secret} in {path}; chmod o-r it", secret=name, path=path
        )
    return _text(path, content)


def _text(place: str, content: bytes) -> str:
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError:  # whose own text has some of the bytes
        raise ValueError(f"{place} is no plain text; give a secret of letters and digits") from None
    if not text:
        raise ValueError(f"{place} is empty; there has to be a secret in it")
    return text
