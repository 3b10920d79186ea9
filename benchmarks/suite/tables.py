"""Figures as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.suite.figures import (
    CPU_PER_CLIENT,
    CPU_PER_DELIVERY,
    CPU_PER_MESSAGE,
    Figure,
    Figures,
    Metric,
    Source,
    bytes_per_client,
    duration,
    number,
    per,
    share_of_core,
    share_of_load,
)
from benchmarks.suite.goals import DAEMON, GOALS
from benchmarks.suite.servers import SERVERS

_LOAD = ("load core", share_of_load)
"""How busy the load generator was: near 1, a rate says more of it than of the server."""


@dataclass(frozen=True)
class Table:
    """
    A table of one phase, with a line for each server.

    :ivar columns: Their heads, and what stands in them; the first is compared with the daemon's.
    """

    title: str
    scenario: str
    phase: str
    columns: Sequence[tuple[str, Metric]] = field(repr=False)


def _deliveries_per_second(phase: dict[str, float]) -> float | None:
    return phase.get("deliveries_per_second")


_FANOUT: tuple[tuple[str, Metric], ...] = (
    ("CPU µs/delivery", CPU_PER_DELIVERY),
    ("deliveries/s", _deliveries_per_second),
    ("to the last, ms p50", duration("whole", "p50")),
    ("p99", duration("whole", "p99")),
    ("max", duration("whole", "p100")),
    ("bytes each", number("bytes_per_delivery")),
    _LOAD,
)
_RELAY: tuple[tuple[str, Metric], ...] = (
    ("CPU µs/message", CPU_PER_MESSAGE),
    ("messages/s", number("messages_per_second")),
    ("message, ms p50", duration("message", "p50")),
    ("p99", duration("message", "p99")),
    ("max", duration("message", "p100")),
    ("reply p99", duration("reply", "p99")),
    _LOAD,
)
_DURING: tuple[tuple[str, Metric], ...] = (
    ("message, ms p99", duration("message", "p99")),
    ("p50", duration("message", "p50")),
    ("max", duration("message", "p100")),
    ("fan-out, ms p50", duration("whole", "p50")),
    _LOAD,
)
_ACCEPT: tuple[tuple[str, Metric], ...] = (
    ("CPU µs/client", CPU_PER_CLIENT),
    ("clients/s", number("clients_per_second")),
    ("until OK, ms p50", duration("until_ready", "p50")),
    ("p99", duration("until_ready", "p99")),
    ("max", duration("until_ready", "p100")),
    _LOAD,
)
_RESUMED: tuple[tuple[str, Metric], ...] = (("resumed", per("resumed", "clients")),)
_MEMORY: tuple[tuple[str, Metric], ...] = (
    ("kB/client", bytes_per_client),
    ("negotiated", per("negotiated", "clients")),
)
_CHURN: tuple[tuple[str, Metric], ...] = (
    ("cores", share_of_core),
    ("changes/s", number("changes_per_second")),
    ("events/s each", number("told_per_second")),
    ("bytes/s", number("bytes_per_second")),
    ("until told, ms p50", duration("staleness", "p50")),
    ("p99", duration("staleness", "p99")),
    ("max", duration("staleness", "p100")),
    ("join p99", duration("joining", "p99")),
    _LOAD,
)
_STILL: tuple[tuple[str, Metric], ...] = (
    ("until told, ms p50", duration("staleness", "p50")),
    ("p99", duration("staleness", "p99")),
    ("max", duration("staleness", "p100")),
)


def _tables() -> Iterator[Table]:
    sizes = (("1000x100", "1000 x 100 B"), ("1000x60000", "1000 x 60 kB"), ("10000x1000", "10,000 x 1 kB"))
    for mode in ("", "-deflate", "-tls"):
        for phase, title in sizes:
            yield Table(f"Fan-out{mode.replace('-', ', ')}: {title}", f"fanout{mode}", phase, _FANOUT)
    for phase in ("100x1000", "1000x1000", "3000x1000"):
        yield Table(f"Fan-out: {phase.split('x')[0]} x 1 kB", "fanout", phase, _FANOUT)
    yield Table("A message while a fan-out to 10,000 runs", "fanout", "during", _DURING)
    for phase in ("saturation", "2000/s", "5000/s"):
        yield Table(f"Relay: {phase}", "relay", phase, _RELAY)
    kinds = (
        ("new", "token not remembered"),
        ("again", "token remembered"),
        ("storm", "all at once again"),
    )
    for mode in ("", "-deflate", "-tls"):
        for phase, title in kinds:
            columns = _ACCEPT + (_RESUMED if mode == "-tls" else ())
            yield Table(f"Accept + HELLO{mode.replace('-', ', ')}: {title}", f"accept{mode}", phase, columns)
        yield Table(f"Idle client{mode.replace('-', ', ')}", f"accept{mode}", "new", _MEMORY)
    for clients in (1000, 5000):
        for phase, title in (("list", "the whole list"), ("status", "a subscription")):
            yield Table(f"100 changes/s, {clients} clients: {title}", f"churn-{clients}", phase, _CHURN)
        yield Table(f"One change, {clients} clients: the whole list", f"churn-{clients}", "still", _STILL)


def rounded(value: float) -> str:
    """Return a number with three digits that matter."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(figure: Figure | None) -> str:
    """Return a median with its spread."""
    if figure is None:
        return "-"
    middle = rounded(figure.middle)
    return middle if figure.count == 1 else f"{middle} ({rounded(figure.least)}-{rounded(figure.most)})"


def _rows(table: Table, figures: Figures) -> list[list[str]]:
    first = Source(table.scenario, table.phase, table.columns[0][1])
    rows = []
    for server in SERVERS:
        found = [
            figures.figure(Source(table.scenario, table.phase, metric), server.name)
            for _, metric in table.columns
        ]
        if found[0] is not None:
            ratio = figures.ratio(first, server.name, DAEMON)
            times = "-" if ratio is None else f"{rounded(ratio.middle)}"
            rows.append([server.title, spread(found[0]), times, *map(spread, found[1:])])
    return rows


def _text(title: str, heads: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        return "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([title, line(heads), rule, *map(line, rows), ""])


def all_tables(figures: Figures) -> str:
    """Return every table of which something was measured."""
    texts = []
    for table in _tables():
        rows = _rows(table, figures)
        if rows:
            heads = [head for head, _ in table.columns]
            texts.append(_text(table.title, ["", heads[0], "x presence", *heads[1:]], rows))
    return "\n".join(texts)


def table_of_goals(figures: Figures) -> str:
    """Return every goal, with its figure and whether it holds."""
    rows = []
    for goal in GOALS:
        figure = goal.read(figures)
        verdicts = ["-", "-"]
        if figure is not None:
            verdicts = ["yes" if goal.holds(figure, wanted) else "NO" for wanted in (goal.least, goal.aim)]
        sign, unit = "≤" if goal.low else "≥", goal.unit
        rows.append(
            [
                goal.title,
                "not measured" if figure is None else f"{spread(figure)} {unit}",
                f"{sign} {goal.least:g} {unit}",
                verdicts[0],
                f"{sign} {goal.aim:g} {unit}",
                verdicts[1],
            ]
        )
    return _text("Goals", ["", "median (least-most)", "at least", "holds", "aim", "reached"], rows)
