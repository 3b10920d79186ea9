"""Two pictures, as SVG: what a delivery costs with so many clients, and how long messages take."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.suite.figures import CPU_PER_DELIVERY, Figures, Source, number
from benchmarks.suite.servers import SERVERS

_WIDTH, _HEIGHT = 760, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 50, 60
_COLORS = ("#c0392b", "#7f8c8d", "#2471a3", "#d68910", "#1e8449", "#7d3c98", "#117a65")
_STYLE = 'font-family="sans-serif" font-size="12" fill="#222"'

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class _Axis:
    """A scale: where a value is along ``pixels``, and what is written beside it."""

    title: str
    ticks: Sequence[tuple[float, str]]
    place: Callable[[float], float]

    def at(self, value: float) -> float:
        """Return where a value is, from 0 to 1."""
        low, high = self.place(self.ticks[0][0]), self.place(self.ticks[-1][0])
        return (self.place(value) - low) / (high - low)


def _powers(values: list[float], title: str) -> _Axis:
    """Return an axis of powers of ten around some values."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    ticks = [(10.0**power, f"{10.0**power:,g}") for power in range(low, max(high, low + 1) + 1)]
    return _Axis(title, ticks, math.log10)


def _from_zero(values: list[float], title: str) -> _Axis:
    step = 10 ** math.floor(math.log10(max(values)))
    step = step / 2 if max(values) / step < 4 else step
    count = math.ceil(max(values) / step)
    return _Axis(title, [(index * step, f"{index * step:g}") for index in range(count + 1)], float)


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"/>'


def _words(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _plot(title: str, across: _Axis, upward: _Axis, series: dict[str, Points]) -> str:
    def x(value: float) -> float:
        return _LEFT + across.at(value) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - upward.at(value) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_STYLE}>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _words(_LEFT, 26, title, 'font-size="16"'),
    ]
    for value, text in across.ticks:
        parts.append(_line(x(value), _TOP, x(value), _HEIGHT - _BOTTOM, "#e5e5e5"))
        parts.append(_words(x(value), _HEIGHT - _BOTTOM + 18, text, 'text-anchor="middle"'))
    for value, text in upward.ticks:
        parts.append(_line(_LEFT, y(value), _WIDTH - _RIGHT, y(value), "#e5e5e5"))
        parts.append(_words(_LEFT - 8, y(value) + 4, text, 'text-anchor="end"'))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(_words(middle, _HEIGHT - 16, across.title, 'text-anchor="middle"'))
    parts.append(_words(16, _TOP - 10, upward.title))
    titles = [server.title for server in SERVERS]
    for index, (name, points) in enumerate(series.items()):
        color = _COLORS[titles.index(name)]
        path = " ".join(f"{x(value):.1f},{y(cost):.1f}" for value, cost in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x(value):.1f}" cy="{y(cost):.1f}" r="3" fill="{color}"/>' for value, cost in points
        ]
        parts.append(_words(_WIDTH - _RIGHT + 16, _TOP + 10 + 20 * index, name, f'style="fill:{color}"'))
    return "\n".join([*parts, "</svg>", ""])


def _cost(figures: Figures) -> str | None:
    series: dict[str, Points] = {}
    for server in SERVERS:
        points = []
        for phase in ("100x1000", "1000x1000", "3000x1000", "10000x1000"):
            clients = figures.figure(Source("fanout", phase, number("receivers")), server.name)
            cost = figures.figure(Source("fanout", phase, CPU_PER_DELIVERY), server.name)
            if clients is not None and cost is not None:
                points.append((clients.middle, cost.middle))
        if points:
            series[server.title] = points
    if not series:
        return None
    everything = [point for points in series.values() for point in points]
    across = _powers([clients for clients, _ in everything], "clients")
    upward = _from_zero([cost for _, cost in everything], "CPU µs for each")
    return _plot("One message of 1 kB to all clients", across, upward, series)


_PERCENTS = ((0, "0"), (50, "50"), (90, "90"), (99, "99"), (99.9, "99.9"), (99.99, "99.99"))


def _latency(figures: Figures) -> str | None:
    source = Source("relay", "2000/s", number("messages"))
    series: dict[str, Points] = {}
    for server in SERVERS:
        curve = figures.curve(source, server.name, "message")
        if curve:
            series[server.title] = [(percent, value / 1000) for percent, value in curve if percent < 100]
    if not series:
        return None
    # Each step to the right is a tenth of what is left: the rare ones are what matters.
    across = _Axis("percent of the messages", _PERCENTS, lambda percent: -math.log10(1 - percent / 100))
    values = [value for points in series.values() for _, value in points]
    return _plot("2000 messages/s from user to user", across, _powers(values, "ms until it arrives"), series)


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Write the pictures of what was measured, and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, picture in (("cost", _cost(figures)), ("latency", _latency(figures))):
        if picture is not None:
            path = folder / f"{name}.svg"
            path.write_text(picture, encoding="utf-8")
            drawn.append(path)
    return drawn
