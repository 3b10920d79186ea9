"""What Prometheus is told to read, and when it raises an alarm."""

from __future__ import annotations

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from tests.etc.files import ETC, read, run
from tests.etc.promql import unknown

FOLDER = ETC / "prometheus"


class Rule(msgspec.Struct):
    """An alert; ``for`` is a word of Python's."""

    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Group(msgspec.Struct):
    """Rules that are looked at together."""

    rules: list[Rule]


class Rules(msgspec.Struct):
    """The file of the rules."""

    groups: list[Group]


class Sample(msgspec.Struct):
    """An alert that is to fire."""

    labels: str


class Expected(msgspec.Struct):
    """What fires at a time."""

    exp_samples: list[Sample]


class Case(msgspec.Struct):
    """A test of promtool's."""

    name: str
    promql_expr_test: list[Expected]


class Cases(msgspec.Struct):
    """The file of promtool's tests."""

    tests: list[Case]


def rules() -> list[Rule]:
    """Return all rules."""
    (group,) = msgspec.yaml.decode(read("prometheus/presence.rules.yml"), type=Rules).groups
    return group.rules


class PromtoolTests(SynchronousTestCase):
    def test_config(self) -> None:
        """Prometheus takes the example, and the rules that it names."""
        self.assertIn("1 rule files found", run("promtool", "check", "config", FOLDER / "prometheus.yml"))

    def test_rules(self) -> None:
        """Prometheus takes the rules, and has nothing to warn of."""
        printed = run("promtool", "check", "rules", FOLDER / "presence.rules.yml")
        self.assertIn(f"SUCCESS: {len(rules())} rules found", printed)

    def test_cases(self) -> None:
        """The rules fire and are silent in the cases that are told with them."""
        run("promtool", "test", "rules", FOLDER / "presence_test.yml")


class RulesTests(SynchronousTestCase):
    def test_names(self) -> None:
        """They use only what daemons tell."""
        self.assertEqual({rule.alert: names for rule in rules() if (names := unknown(rule.expr))}, {})

    def test_words(self) -> None:
        """Each says where and what it is, what to do, and whether it is for now."""
        for rule in rules():
            self.assertEqual(set(rule.annotations), {"summary", "description"}, rule.alert)
            self.assertIn("$labels.instance", rule.annotations["summary"], rule.alert)
            self.assertIn(rule.labels["severity"], {"critical", "warning"}, rule.alert)

    def test_have_cases(self) -> None:
        """Each has a case in which it fires, and one in which nothing does."""
        cases = msgspec.yaml.decode(read("prometheus/presence_test.yml"), type=Cases).tests
        told = set()
        for case in cases:
            (expected,) = case.promql_expr_test
            alert = case.name.partition(":")[0]
            fires = any(f'alertname="{alert}"' in sample.labels for sample in expected.exp_samples)
            told.add((alert, fires or bool(expected.exp_samples)))
        self.assertEqual(told, {(rule.alert, fires) for rule in rules() for fires in (True, False)})
