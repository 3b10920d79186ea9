"""The dashboard for Grafana."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from tests.etc.files import read, run
from tests.etc.promql import series, unknown


class Square(msgspec.Struct, frozen=True):
    """Where a panel stands."""

    x: int
    y: int
    w: int
    h: int

    def overlaps(self, other: Square) -> bool:
        """Return whether two panels share a place."""
        beside = self.x + self.w <= other.x or other.x + other.w <= self.x
        return not (beside or self.y + self.h <= other.y or other.y + other.h <= self.y)


class Target(msgspec.Struct):
    """What a panel asks Prometheus."""

    expr: str
    legend: str = msgspec.field(name="legendFormat")
    datasource: dict[str, str]


class Panel(msgspec.Struct):
    """A picture, or the title of a row."""

    id: int
    type: str
    title: str
    place: Square = msgspec.field(name="gridPos")
    targets: list[Target] = []


class Dashboard(msgspec.Struct):
    """The file."""

    uid: str
    title: str
    schema: int = msgspec.field(name="schemaVersion")
    panels: list[Panel]
    templating: dict[str, list[dict[str, Any]]]


class DashboardTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Read it."""
        self.dashboard = msgspec.json.decode(read("grafana/presence.json"), type=Dashboard)
        self.targets = [target for panel in self.dashboard.panels for target in panel.targets]

    def test_names(self) -> None:
        """It asks only for what daemons tell."""
        self.assertEqual(
            {target.expr: names for target in self.targets if (names := unknown(target.expr))}, {}
        )

    def test_legends(self) -> None:
        """A legend names only labels that its expression keeps."""
        for target in self.targets:
            grouped = re.findall(r"by \((.*?)\)", target.expr)
            for label in re.findall(r"{{(\w+)}}", target.legend):
                self.assertEqual(unknown(f"sum by ({label}) ({target.expr})"), set(), target.legend)
                self.assertTrue(all(label in group.split(", ") for group in grouped), target.expr)

    def test_complete(self) -> None:
        """All that a daemon tells of itself is shown."""
        asked = " ".join(target.expr for target in self.targets)
        names = {re.sub("_(sum|count|bucket)$", "", name) for name in series()}
        shown = {name for name in names if name.startswith("presence_")}
        self.assertEqual({name for name in shown if not re.search(rf"\b{name}", asked)}, set())

    def test_expressions(self) -> None:
        """Prometheus can read every expression."""
        rules = [
            {"record": f"panel:{number}", "expr": re.sub(r"\$__\w+", "5m", target.expr)}
            for number, target in enumerate(self.targets)
        ]
        path = Path(self.mktemp()).with_suffix(".yml")
        path.write_bytes(msgspec.json.encode({"groups": [{"name": "panels", "rules": rules}]}))
        run("promtool", "check", "rules", path)

    def test_panels(self) -> None:
        """Panels have numbers and places of their own, within the width of a page, and a title."""
        panels = self.dashboard.panels
        self.assertEqual(len({panel.id for panel in panels}), len(panels))
        self.assertTrue(all(panel.title and panel.place.x + panel.place.w <= 24 for panel in panels))
        overlapping = [
            (one.title, two.title) for one, two in combinations(panels, 2) if one.place.overlaps(two.place)
        ]
        self.assertEqual(overlapping, [])

    def test_any_datasource(self) -> None:
        """It works with whatever Prometheus the operator chooses."""
        variables = {variable["name"]: variable["type"] for variable in self.dashboard.templating["list"]}
        self.assertEqual(variables, {"datasource": "datasource", "instance": "query"})
        self.assertEqual({target.datasource["uid"] for target in self.targets}, {"${datasource}"})
