"""The same attacks as the tests make, with figures: ``python -m tests.attacks``."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from tests.attacks.arena import PLAIN, TLS
from tests.attacks.waves import Outcome, attack_all


def tell(over: str, outcome: Outcome, out: TextIO) -> None:
    """Print what came of the attacks."""
    seconds = ", ".join(f"{one:.1f}" for one in outcome.wave_seconds)
    megabytes = ", ".join(f"{one / 2**20:.0f}" for one in outcome.memory_bytes)
    print(f"{over}: {outcome.attacks} attacks in a wave, seconds of each wave: {seconds}", file=out)
    print(
        f"  honest clients: {outcome.rounds} rounds, the worst {outcome.worst_seconds * 1000:.0f} ms",
        file=out,
    )
    print(f"  memory after each wave, in MiB: {megabytes}", file=out)
    for problem in outcome.problems:
        print(f"  {problem}", file=out)


async def attack_twice(reactor: Any) -> None:  # noqa: ANN401 - a reactor is many interfaces
    """Attack over plain TCP and over TLS."""
    for over in (PLAIN, TLS):
        tell(over, await attack_all(reactor, over), sys.stdout)


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(attack_twice(reactor)))
