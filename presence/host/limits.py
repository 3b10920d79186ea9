"""How many files, and so how many connections, the process may have open."""

from __future__ import annotations

import resource

_KEPT = 128
"""Files for everything that is no client: logs, the account API, the Python that runs."""
_MOST_FILES = 2**20
"""What counts as the limit where there is none."""


def raise_file_limit() -> None:
    """Let the process have as many files open as it is allowed to ask for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def file_limit() -> int:
    """Return how many files the process may have open once it asked for all it may have."""
    hard: int = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _MOST_FILES if hard == resource.RLIM_INFINITY else hard


def most_connections(files: int) -> int:
    """Return how many clients so many files are enough for; a tenth is for those on their way out."""
    return max(1, (files - _KEPT) * 9 // 10)
