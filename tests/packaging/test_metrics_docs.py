"""docs/metrics.rst says what the daemon tells."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.metrics_core import Metric
from twisted.trial.unittest import SynchronousTestCase

from tests.ops.endpoint import Endpoint

TEXT = (Path(__file__).parents[2] / "docs" / "metrics.rst").read_text(encoding="utf-8")

ROW = re.compile(r"   \* - ``(.+)``\n     - (\w+)\n     -(.*)\n     - (.+(?:\n       .+)*)")

SUFFIXES = {"counter": "_total", "info": "_info"}
"""What a name ends with in the text, by its type."""


def row_of(family: Metric) -> tuple[str, str, set[str], str]:
    """Return how a metric stands in the table; ``le`` is every histogram's."""
    labels = {label for sample in family.samples for label in sample.labels} - {"le"}
    name = family.name + SUFFIXES.get(family.type, "")
    return name, family.type, labels, family.documentation


class MetricsDocsTests(SynchronousTestCase):
    def test_table(self) -> None:
        """The table has every metric of the daemon, in order, with its type, labels and meaning."""
        endpoint = Endpoint()
        endpoint.certificates.append(("a", 1))
        told = [row_of(family) for family in endpoint.metrics.collect() if family.name.startswith("presence")]
        rows = [
            (name, kind, {*re.findall(r"``(\w+)``", labels)}, " ".join(text.split()))
            for name, kind, labels, text in ROW.findall(TEXT)
        ]
        self.assertEqual(rows, told)

    def test_every_row(self) -> None:
        """Every row of the table is among those that the tests read."""
        self.assertEqual(TEXT.count("\n   * - ``"), len(ROW.findall(TEXT)))
