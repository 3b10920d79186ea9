"""Figures from what the load generator saw: one for each round, then their median and spread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from benchmarks.suite.rounds import Phase, Run

Metric = Callable[[Phase], float | None]
"""Reads one figure from a phase; None where there is none."""


@dataclass(frozen=True)
class Figure:
    """A median and its spread; ``count`` is of how many rounds."""

    middle: float
    least: float
    most: float
    count: int


@dataclass(frozen=True)
class Source:
    """Where figures come from: a phase of a scenario."""

    scenario: str
    phase: str
    metric: Metric


class Figures:
    """The figures of all runs."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._phases = {
            (run.scenario, phase, run.server, run.round): values
            for run in runs
            for phase, values in run.phases.items()
        }

    def rounds(self, source: Source, server: str) -> dict[int, float]:
        """Return a figure of a server, by round."""
        return {
            number: value
            for (scenario, phase, name, number), values in self._phases.items()
            if (scenario, phase, name) == (source.scenario, source.phase, server)
            and (value := source.metric(values)) is not None
        }

    def figure(self, source: Source, server: str) -> Figure | None:
        """Return the median of a figure; None where there is none."""
        return summary(self.rounds(source, server).values())

    def ratio(self, source: Source, above: str, below: str) -> Figure | None:
        """Return how many times the figure of one server is another's, compared round by round."""
        counters, denominators = self.rounds(source, above), self.rounds(source, below)
        return summary(
            counters[number] / denominators[number] for number in counters if denominators.get(number)
        )

    def curve(self, source: Source, server: str, key: str) -> list[tuple[float, float]]:
        """Return the distribution of a duration over all rounds: percent, and the median of microseconds."""
        seen: dict[float, list[float]] = {}
        for (scenario, phase, name, _), values in self._phases.items():
            if (scenario, phase, name) == (source.scenario, source.phase, server):
                for point, value in values[key].items():
                    if point.startswith("p"):
                        seen.setdefault(float(point[1:]), []).append(value)
        return [(percent, median(values)) for percent, values in sorted(seen.items())]


def summary(values: Iterable[float]) -> Figure | None:
    """Return the median and the spread of some values; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return Figure(median(ordered), ordered[0], ordered[-1], len(ordered))


def per(what: str, count: str) -> Metric:
    """Return a metric: so much for each."""
    return lambda phase: phase[what] / phase[count] if phase.get(count) else None


def duration(key: str, percent: str) -> Metric:
    """Return a metric: a duration in ms that so many percent do not exceed."""
    return lambda phase: phase[key][percent] / 1000 if phase.get(key, {}).get("count") else None


def number(key: str) -> Metric:
    """Return a metric: a number as it is."""
    return lambda phase: phase.get(key)


CPU_PER_DELIVERY = per("server_cpu_us", "deliveries")
CPU_PER_MESSAGE = per("server_cpu_us", "messages")
CPU_PER_CLIENT = per("server_cpu_us", "clients")


def cpu_per_compressed_delivery(phase: Phase) -> float | None:
    """Return what a delivery costs; None where the server compresses nothing."""
    return CPU_PER_DELIVERY(phase) if phase.get("compressed") else None


def bytes_per_client(phase: Phase) -> float | None:
    """Return how much memory a client takes, in kB of 1000 bytes."""
    return phase["rss_growth_bytes"] / phase["clients"] / 1000 if phase.get("clients") else None


def bytes_per_deflating_client(phase: Phase) -> float | None:
    """Return the same; None where the server negotiates no deflate."""
    return bytes_per_client(phase) if phase.get("negotiated") else None


def share_of_core(phase: Phase) -> float | None:
    """Return how much of a core the server took."""
    seconds = phase["seconds"]
    return phase["server_cpu_us"] / 1e6 / seconds if seconds else None


def share_of_load(phase: Phase) -> float:
    """Return how much of its core the load generator took."""
    return phase["load_cpu_us"] / 1e6 / phase["seconds"] if phase["seconds"] else 0.0
