"""The names that an expression of Prometheus uses, and the names that there are."""

from __future__ import annotations

import re
from functools import cache

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.ops.endpoint import Endpoint

SCRAPED = {"job", "instance"}
"""The labels that Prometheus gives to all that it reads."""

_NAME = r"[a-zA-Z_:][\w:]*"
_STRING = re.compile("\"[^\"]*\"|'[^']*'")
_RANGE = re.compile(r"\[[^\]]*\]")
_NUMBER = re.compile(r"\b\d[\w.]*")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(rf"({_NAME})?\s*\{{([^}}]*)\}}")
_METRIC = re.compile(rf"({_NAME})(?!\s*\(|[\w:])")
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without"}


@cache
def series() -> dict[str, set[str]]:
    """Return what a daemon tells, each with its labels, and what Prometheus adds."""
    endpoint = Endpoint()
    endpoint.certificates.append(("fullchain.pem", 0.0))
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(generate_latest(endpoint.metrics).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def unknown(expression: str) -> set[str]:
    """Return the metrics and labels in an expression that no daemon tells."""
    known = series()
    bare = _NUMBER.sub("", _RANGE.sub("", _STRING.sub("", expression)))
    wrong = set()
    for name, matchers in _SELECTOR.findall(bare):
        wrong |= set(re.findall(_NAME, matchers)) - known.get(name, set()) - SCRAPED
    groups = {label.strip() for group in _GROUPING.findall(bare) for label in group.split(",")} - {""}
    used = set(_METRIC.findall(_SELECTOR.sub(r"\1", _GROUPING.sub("", bare)))) - _WORDS
    wrong |= groups.difference(SCRAPED, *(known.get(name, set()) for name in used))
    return wrong | (used - set(known))
