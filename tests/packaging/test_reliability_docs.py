"""docs/reliability.rst says what the code does."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from presence import broadcast, relay, requests, settling
from presence.admission.limits import Limit
from presence.config import Number, Settings
from presence.options import Options
from presence.session import machine
from presence.tokens import places
from presence.websocket import guard, protocol
from presence.wire.closing import CloseCode

TEXT = (Path(__file__).parents[2] / "docs" / "reliability.rst").read_text(encoding="utf-8")

BOUNDS = [
    guard.LARGEST_HANDSHAKE,
    guard.MOST_FRAGMENTS,
    protocol.MOST_BAD_MESSAGES,
    machine.MOST_WAITING,
    machine.MOST_REFRESHES,
    broadcast.MOST_WAITING,
    settling.LONGEST_CROWD_SECONDS,
    protocol.MOST_QUEUED_BYTES,
    requests.MOST_BYTES_PER_PAGE,
    relay.MOST_WAITING,
    places.MOST_AT_ONCE,
    places.MOST_WAITING,
    places.MOST_WAITING_OF_A_PLACE,
]
"""In the order of their table."""


def section(heading: str) -> str:
    """Return the text below a heading."""
    return re.split(r"\n.+\n-{3,}\n", TEXT.partition(f"\n{heading}\n---")[2])[0]


def rows(heading: str) -> dict[str, str]:
    """Return the first and second column of the table below a heading."""
    widths = re.search(r"^(=+) (=+) ", section(heading), re.MULTILINE)
    assert widths, heading
    first, second = (len(ruler) for ruler in widths.groups())
    cells = re.findall(rf"^(\S.{{{first - 1}}}) (\S.{{{second - 1}}}) ", section(heading), re.MULTILINE)
    return {name.strip().strip("`"): value.strip() for name, value in cells if name.strip("=") != ""}


class ReliabilityTests(SynchronousTestCase):
    def test_options(self) -> None:
        """The two tables have every option that is a number, with its default where that is one."""
        options = Options()
        names = [field.name.replace("_", "-") for field in attrs.fields(Settings) if Number in field.metadata]
        defaults = {f"--{name}": options[name] for name in names}
        expected = {name: "see" if value is None else f"{value:g}" for name, value in defaults.items()}
        said = rows("Limits") | rows("Times")
        said.pop("option")
        self.assertEqual(said, expected)

    def test_limits(self) -> None:
        """Everything that is counted when there is too much of it is among them."""
        self.assertLessEqual(set(Limit), set(rows("Limits")))

    def test_bounds(self) -> None:
        """The bounds without an option are those of the code."""
        said = rows("Bounds without an option")
        said.pop("what")
        self.assertEqual(list(said.values()), [str(bound) for bound in BOUNDS])

    def test_close_codes(self) -> None:
        """Every close code of the text is one that exists; 1006 stands for none at all."""
        codes = {
            int(code) for code in re.findall(r"\b(?:1\d|4[45])\d\d\b", section("Limits") + section("Times"))
        }
        self.assertEqual(codes - {int(code) for code in CloseCode} - {1000, 1006}, set())

    def test_commands(self) -> None:
        """Every module that the text says to run is there."""
        modules = re.findall(r"python -m (\S+)", TEXT)
        self.assertEqual([module for module in modules if find_spec(module) is None], [])
        self.assertNotEqual(modules, [])
