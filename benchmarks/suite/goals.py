"""What is to be reached, as data, and whether it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.suite.figures import (
    CPU_PER_CLIENT,
    CPU_PER_DELIVERY,
    Figure,
    Figures,
    Source,
    bytes_per_client,
    bytes_per_deflating_client,
    cpu_per_compressed_delivery,
    duration,
    number,
    share_of_core,
)

DAEMON = "daemon"


@dataclass(frozen=True)
class Goal:
    """
    A figure, what it must be and what it should be.

    :ivar read: Returns the figure; None where it was not measured.
    :ivar unit: What stands behind the numbers.
    :ivar low: Whether less is better.
    """

    title: str
    read: Callable[[Figures], Figure | None]
    least: float
    aim: float
    unit: str = "x"
    low: bool = False

    def holds(self, figure: Figure, wanted: float) -> bool:
        """Whether the median is as good as wanted."""
        return figure.middle <= wanted if self.low else figure.middle >= wanted


def _costs(phase: str) -> Source:
    return Source("fanout", phase, CPU_PER_DELIVERY)


def _of_the_floor(phase: str) -> Callable[[Figures], Figure | None]:
    return lambda figures: figures.ratio(_costs(phase), DAEMON, "floor")


def _cheaper(source: Source) -> Callable[[Figures], Figure | None]:
    return lambda figures: figures.ratio(source, "autobahn", DAEMON)


def _faster(peer: str) -> Callable[[Figures], Figure | None]:
    source = Source("relay", "saturation", number("messages_per_second"))
    return lambda figures: figures.ratio(source, DAEMON, peer)


def _own(source: Source) -> Callable[[Figures], Figure | None]:
    return lambda figures: figures.figure(source, DAEMON)


GOALS = (
    Goal("10,000 sockets x 1 kB, CPU of the C loop's", _of_the_floor("10000x1000"), 1.5, 1.25, low=True),
    Goal("1000 sockets x 60 kB, CPU of the C loop's", _of_the_floor("1000x60000"), 1.4, 1.15, low=True),
    Goal("1000 x 100 B, cheaper than sendPreparedMessage", _cheaper(_costs("1000x100")), 2, 3),
    Goal("1000 x 60 kB, cheaper than sendPreparedMessage", _cheaper(_costs("1000x60000")), 2, 3),
    Goal("10,000 x 1 kB, cheaper than sendPreparedMessage", _cheaper(_costs("10000x1000")), 2, 3),
    Goal(
        "60 kB with deflate, cheaper than compressing for each",
        _cheaper(Source("fanout-deflate", "1000x60000", cpu_per_compressed_delivery)),
        50,
        200,
    ),
    Goal("relay, messages/s of Autobahn's as it comes", _faster("autobahn"), 3, 4.5),
    Goal("relay, messages/s of node ws'", _faster("ws"), 1, 1.4),
    Goal("relay, messages/s of websockets'", _faster("websockets"), 2, 2.7),
    Goal("relay, messages/s of Socket.IO's", _faster("socketio"), 2, 3),
    Goal("relay, messages/s of Bun's", _faster("bun"), 0.4, 0.7),
    Goal(
        "accept + HELLO, cheaper than Autobahn as it comes",
        _cheaper(Source("accept", "again", CPU_PER_CLIENT)),
        1.8,
        2.5,
    ),
    Goal("memory of an idle client", _own(Source("accept", "new", bytes_per_client)), 8, 5.5, "kB", low=True),
    Goal(
        "memory of an idle client with deflate",
        _own(Source("accept-deflate", "new", bytes_per_deflating_client)),
        12,
        7,
        "kB",
        low=True,
    ),
    Goal(
        "memory of an idle client over TLS",
        _own(Source("accept-tls", "new", bytes_per_client)),
        36,
        32,
        "kB",
        low=True,
    ),
    Goal(
        "100 changes/s to 1000 clients, the whole list",
        _own(Source("churn-1000", "list", share_of_core)),
        0.5,
        0.25,
        "cores",
        low=True,
    ),
    # There is no least for it: what must hold is the share of a core above.
    Goal(
        "a change after a quiet time, until 99 % of 1000 know",
        _own(Source("churn-1000", "still", duration("staleness", "p99"))),
        50,
        50,
        "ms",
        low=True,
    ),
    Goal(
        "a message during fan-outs to 10,000, p99",
        _own(Source("fanout", "during", duration("message", "p99"))),
        100,
        5,
        "ms",
        low=True,
    ),
)
