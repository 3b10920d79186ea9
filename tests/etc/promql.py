"""The names that an expression of Prometheus uses, and the names that there are."""

from __future__ import annotations

import re

_PLAIN = """
presence_build_info{version,python,twisted,autobahn}
presence_ready
presence_connections
presence_sockets
presence_users_online
presence_connections_opened_total
presence_connections_closed_total{code}
presence_limits_exceeded_total{limit}
presence_transitions_total{to,cause}
presence_requests_total{type,result}
presence_malformed_total
presence_messages_total{origin}
presence_deliveries_total
presence_undelivered_total
presence_publications_total
presence_window_seconds
presence_slow_readers
presence_queue_bytes
presence_faults_total
presence_token_checks_total{result}
presence_breaker_open
presence_account_api_waiting
presence_roster_lag_seconds
presence_certificate_expiry_timestamp_seconds{certificate}
presence_webhook_requests_total{result}
presence_webhook_behind_seconds
presence_event_streams
process_cpu_seconds_total
process_max_fds
process_open_fds
process_resident_memory_bytes
process_start_time_seconds
process_virtual_memory_bytes
python_gc_collections_total{generation}
python_gc_objects_collected_total{generation}
python_gc_objects_uncollectable_total{generation}
up
"""
_HISTOGRAMS = """
presence_fanout_seconds
presence_fanout_sockets
presence_token_check_seconds
presence_event_loop_lag_seconds
"""

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


def series() -> dict[str, set[str]]:
    """Return what a daemon tells, each with its labels."""
    found = {}
    for name, labels in re.findall(rf"({_NAME})(?:\{{(.*?)\}})?", _PLAIN):
        found[name] = set(labels.split(",")) - {""}
    for name in _HISTOGRAMS.split():
        found |= {f"{name}_bucket": {"le"}, f"{name}_sum": set(), f"{name}_count": set()}
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
