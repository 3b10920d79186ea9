"""The page about the HTTP API names each problem there is."""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import presence
from presence.ops import door

ROOT = Path(presence.__file__).parent
PAGE = (ROOT.parent / "docs" / "http-api.rst").read_text(encoding="utf-8")


def problems() -> set[tuple[str, str]]:
    """Return the problems of the code, each with its status and its code."""
    found = {(str(int(status)), str(code)) for code, status in door._STATUSES.items()}
    for path in (*(ROOT / "ops").glob("*.py"), ROOT / "host" / "serving.py"):
        for name, code in re.findall(r'HTTPStatus\.(\w+),\s+"(\w+)"', path.read_text(encoding="utf-8")):
            found.add((str(int(HTTPStatus[name])), code))
    return found


class PageTests(SynchronousTestCase):
    def test_table_of_problems(self) -> None:
        """The table of problems has a row for each, with its status, and no other."""
        _, _, table = PAGE.partition("\nProblems\n--------\n")
        rows = re.findall(r"^(\d{3}) +(\w+) ", table, re.MULTILINE)
        self.assertEqual(sorted(rows), sorted(problems()))
