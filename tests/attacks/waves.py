"""All attacks, many at once, and what is left of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from tests.attacks import (
    closes,
    connections,
    encryption,
    fields,
    floods,
    fragments,
    frames,
    handshakes,
    leaving,
    origins,
    pings,
    requests,
    slowness,
    texts,
    upgrades,
)
from tests.attacks.arena import Arena
from tests.attacks.attack import Attack
from tests.attacks.enemy import Enemy
from tests.attacks.leftovers import count_objects, count_reactor, grown, memory_bytes

THEMES = (
    slowness.attack,
    handshakes.attack,
    upgrades.attack,
    origins.attack,
    encryption.attack,
    encryption.attack_plain,
    frames.attack,
    fragments.attack,
    closes.attack,
    leaving.attack,
    pings.attack,
    texts.attack,
    fields.attack,
    requests.attack,
    floods.attack,
    connections.attack,
    connections.attack_alone,
    pings.attack_alone,
    floods.attack_alone,
)

ATTACKS: tuple[Attack, ...] = tuple(
    # One of each theme after the other, so that like ones do not come all at once.
    attack
    for row in zip_longest(*[theme.attacks for theme in THEMES])
    for attack in row
    if attack is not None
)

AT_ONCE = 80
"""How many attacks go on at the same time."""

APART_SECONDS = 0.01
"""How long after one another attacks begin, at least; those of one moment would hinder each other."""

PATIENCE_SECONDS = 20.0
"""How long an attack may take."""

WAVES = 2
"""How often all attacks are made; what is left then must not be more than after the first time."""


@attrs.define
class Outcome:
    """
    What came of the attacks.

    :ivar attacks: How many there were in a wave.
    :ivar problems: The attacks of which something else came than should, what the honest clients
        noticed, the failures in the log, and what was left: after each wave, when the honest clients
        had left, and when the daemon had stopped.
    :ivar rounds: How often the honest clients talked to each other.
    :ivar worst_seconds: The longest that one of them waited for a reply or a message.
    :ivar wave_seconds: How long the waves took.
    :ivar memory_bytes: How much memory the process had after each.
    """

    attacks: int
    problems: list[str] = attrs.Factory(list)
    rounds: int = 0
    worst_seconds: float = 0.0
    wave_seconds: list[float] = attrs.Factory(list)
    memory_bytes: list[int] = attrs.Factory(list)


@implementer(ILogObserver)
class _Faults:
    """Notes the failures that are logged."""

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems

    def __call__(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self._problems.append(f"{formatEvent(event)}: {event['log_failure'].getErrorMessage()}")


async def attack_all(reactor: Any, over: str) -> Outcome:  # noqa: ANN401 - a reactor is many interfaces
    """Attack a daemon over plain TCP or TLS, in waves, and look what is left each time."""
    chosen = [attack for attack in ATTACKS if over in attack.over]
    outcome = Outcome(len(chosen))
    faults = _Faults(outcome.problems)
    globalLogPublisher.addObserver(faults)
    try:
        await _attack(Arena(reactor), over, chosen, outcome)
    finally:
        globalLogPublisher.removeObserver(faults)
    return outcome


async def _attack(arena: Arena, over: str, chosen: list[Attack], outcome: Outcome) -> None:
    reactor = arena.reactor

    def count_all() -> Counter[str]:
        return count_objects() + count_reactor(reactor)

    async def look(before: Counter[str], count: Callable[[], Counter[str]]) -> None:
        await arena.eventually(lambda: not grown(before, count()))
        if left := grown(before, count()):
            outcome.problems.append(f"left: {left}")

    await deferLater(reactor, 0)  # what the reactor opens when it starts is left by nobody
    at_first = count_reactor(reactor)
    arena.open()
    empty = count_all()
    await arena.welcome()
    calm = count_all()
    for _ in range(WAVES):
        started = reactor.seconds()
        await _wave(arena, over, chosen, outcome)
        outcome.wave_seconds.append(reactor.seconds() - started)
        await arena.eventually(arena.is_quiet)
        if not arena.is_quiet():
            outcome.problems.append("the attackers are still there, or an honest client is not")
        await look(calm, count_all)
        outcome.memory_bytes.append(memory_bytes())
    await arena.dismiss()
    await look(empty, count_all)
    await arena.close()
    await look(at_first, lambda: count_reactor(reactor))
    for honest in arena.honest:
        outcome.rounds += honest.rounds
        outcome.worst_seconds = max(outcome.worst_seconds, honest.worst_seconds)
        outcome.problems += [failure.getErrorMessage() for failure in honest.disturbances]


async def _wave(arena: Arena, over: str, chosen: list[Attack], outcome: Outcome) -> None:
    crowd = DeferredSemaphore(AT_ONCE)

    def run(attack: Attack) -> Deferred[None]:
        enemy = Enemy(arena, over)
        done = Deferred.fromCoroutine(attack.run(enemy)).addTimeout(PATIENCE_SECONDS, arena.reactor)
        done.addErrback(lambda failure: outcome.problems.append(f"{attack.name}: {failure.value!r}"))
        return done.addCallback(lambda _: enemy.leave())

    running = []
    for attack in chosen:
        if not attack.alone:
            running.append(crowd.run(run, attack))
            await deferLater(arena.reactor, APART_SECONDS)
    await gatherResults(running)
    for attack in chosen:
        if attack.alone:
            await run(attack)
