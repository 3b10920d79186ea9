"""What is done to the servers: each scenario is a list of phases for the load generator."""

from __future__ import annotations

import resource
from dataclasses import dataclass

PHASE = tuple[str, str]
"""A name for its figures, and the words for the load generator; see ``load/*.c``."""

_EVERY = ("daemon", "floor", "autobahn", "websockets", "ws", "bun", "socketio")
_LIVE_CLIENTS = (100, 1000, 3000, 10_000)


@dataclass(frozen=True)
class Scenario:
    """
    One server process, and the phases that it goes through.

    :ivar mode: ``plain``, ``deflate`` or ``tls``.
    :ivar servers: The names of those that are measured, in their order.
    :ivar seconds: About how long one server takes, for the first estimate.
    """

    name: str
    title: str
    mode: str
    servers: tuple[str, ...]
    phases: tuple[PHASE, ...]
    seconds: float


@dataclass(frozen=True)
class Scale:
    """
    How much is done.

    :ivar times: What all measured times are multiplied with.
    :ivar clients: What all numbers of clients are multiplied with.
    """

    times: float = 1
    clients: float = 1

    def ms(self, milliseconds: int) -> int:
        """Return a measured time."""
        return max(100, round(milliseconds * self.times))

    def seconds(self, seconds: float) -> float:
        """Return how long a scenario takes, of which a part is no measuring."""
        return 2 + (seconds - 2) * self.times

    def count(self, clients: int) -> int:
        """Return a number of clients that the limit of open files is enough for."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        # The daemon keeps a tenth free, and other groups of clients are connected too.
        most = 10_000 if files == resource.RLIM_INFINITY else (files - 128) * 9 // 10 - 4500
        return max(20, min(round(clients * self.clients), most))


FULL = Scale()
QUICK = Scale(times=0.1, clients=0.05)


def _connect(group: int, count: int, first: int, more: str = "") -> PHASE:
    return (f"connect-{group}", f"connect,group={group},count={count},first={first}{more}")


def _to(name: str, group: int, size: int, ms: int, more: str = "") -> PHASE:
    return (name, f"fanout,from=0,to={group},size={size},ms={ms},warm={ms // 5}{more}")


def _fanout(scale: Scale) -> Scenario:
    few, some, more, many = (scale.count(clients) for clients in _LIVE_CLIENTS)
    ms = scale.ms(1000)
    phases = (
        _connect(0, 1, 1),
        _connect(1, some, 2, ",users=1"),
        _to("1000x100", 1, 100, ms),
        _to("1000x60000", 1, 60_000, ms),
        _to("1000x1000", 1, 1000, ms),
        _connect(2, few, 3, ",users=1"),
        _to("100x1000", 2, 1000, ms),
        _connect(3, more, 4, ",users=1"),
        _to("3000x1000", 3, 1000, ms),
        ("drop-3", "drop,group=3"),
        _connect(4, many, 5, ",users=1"),
        _to("10000x1000", 4, 1000, ms),
        _connect(5, 50, 1001, ",near=1"),
        _connect(6, 50, 2001, ",near=1"),
        (
            "during",
            f"mixed,from=0,to=4,size=1000,pairs_from=5,pairs_to=6,rate=500,ms={scale.ms(2000)},warm={scale.ms(300)}",
        ),
    )
    return Scenario("fanout", "fan-out", "plain", _EVERY, phases, scale.seconds(14))


def _fanout_deflate(scale: Scale) -> Scenario:
    some, many = scale.count(1000), scale.count(10_000)
    ms = scale.ms(1000)
    phases = (
        _connect(0, 1, 1),
        _connect(1, some, 2, ",users=1"),
        _to("1000x100", 1, 100, ms),
        # Seconds each, where every connection compresses for itself.
        _to("1000x60000", 1, 60_000, ms, ",least=1"),
        _connect(4, many, 5, ",users=1"),
        _to("10000x1000", 4, 1000, ms, ",least=2"),
    )
    servers = ("daemon", "autobahn", "ws")
    return Scenario(
        "fanout-deflate", "fan-out, deflate negotiated", "deflate", servers, phases, scale.seconds(20)
    )


def _fanout_tls(scale: Scale) -> Scenario:
    some, many = scale.count(1000), scale.count(10_000)
    ms = scale.ms(1000)
    phases = (
        _connect(0, 1, 1),
        _connect(1, some, 2, ",users=1"),
        _to("1000x100", 1, 100, ms),
        _to("1000x60000", 1, 60_000, ms),
        _connect(4, many, 5, ",users=1"),
        _to("10000x1000", 4, 1000, ms),
    )
    servers = ("daemon", "autobahn", "ws")
    return Scenario("fanout-tls", "fan-out over TLS", "tls", servers, phases, scale.seconds(22))


def _relay(scale: Scale) -> Scenario:
    times = f"ms={scale.ms(1500)},warm={scale.ms(500)}"
    phases = (
        _connect(0, 100, 1, ",near=1"),
        _connect(1, 100, 101, ",near=1"),
        ("saturation", f"relay,from=0,to=1,{times}"),
        ("2000/s", f"relay,from=0,to=1,rate=2000,{times}"),
        ("5000/s", f"relay,from=0,to=1,rate=5000,{times}"),
    )
    return Scenario("relay", "relay", "plain", _EVERY, phases, scale.seconds(7))


def _accept(scale: Scale, name: str, mode: str, servers: tuple[str, ...], clients: int) -> Scenario:
    # The first ones warm the server up and stay, so that what follows grows its memory.
    clients = scale.count(clients)
    phases = (
        _connect(0, scale.count(300), 500_001),
        ("new", f"connect,group=1,count={clients},first=1"),
        ("drop", "drop,group=1"),
        ("again", "reconnect,group=1,flight=64"),
        ("storm", "reconnect,group=1"),
    )
    return Scenario(name, f"accept + HELLO, {mode}", mode, servers, phases, scale.seconds(8))


def _churn(scale: Scale, clients: int, servers: tuple[str, ...]) -> Scenario:
    count, ms = scale.count(clients), scale.ms(3000)
    churn = f"churn,listeners=0,churners=1,rate=100,ms={ms}"
    phases = (
        _connect(0, count, 1),
        _connect(1, 200, 100_001),
        _connect(2, 1, 200_001),
        # Not at once: every one of them would be told of each one after it.
        ("listen", "refresh,group=0,lists=1"),
        ("still", f"still,listeners=0,churners=2,count={4 if scale.times >= 1 else 2}"),
        ("list", churn),
        ("unlisten", "refresh,group=0"),
        ("subscribe", "subscribe,group=0"),
        ("status", f"{churn},status=1"),
    )
    title = f"100 changes/s, {clients} clients"
    return Scenario(f"churn-{clients}", title, "plain", servers, phases, scale.seconds(15))


def scenarios(scale: Scale) -> list[Scenario]:
    """Return all scenarios."""
    python = ("daemon", "autobahn", "websockets")
    return [
        _fanout(scale),
        _fanout_deflate(scale),
        _fanout_tls(scale),
        _relay(scale),
        _accept(scale, "accept", "plain", _EVERY, 3000),
        _accept(scale, "accept-deflate", "deflate", (*python, "ws"), 2000),
        _accept(scale, "accept-tls", "tls", (*python, "ws", "bun"), 2000),
        _churn(scale, 1000, ("daemon", "floor", "autobahn", "websockets", "ws", "bun")),
        _churn(scale, 5000, ("daemon", "floor", "autobahn", "ws")),
    ]
