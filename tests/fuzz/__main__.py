"""
Look for what nobody thought of: ``python -m tests.fuzz --seconds 600``.

It tries the properties of the tests with ever new seeds until the time is over, or until one
does not hold. Then it looks, for five minutes at most, for a small example, prints it with the
command that tries it again, and ends with 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from random import SystemRandom

from hypothesis import HealthCheck, settings
from twisted.logger import globalLogBeginner

from tests.fuzz.properties import PROPERTIES, Property

EXAMPLES = 250
"""How many are tried with a seed."""

STEPS = 60
"""How many things happen in an example of sessions, at most."""


def explore(
    properties: Mapping[str, Property],
    seconds: float,
    seed: int,
    clock: Callable[[], float],
    say: Callable[[str], object],
) -> int:
    """
    Try the properties in turn, each once at least; return the exit code.

    :param seed: The first; each round has the next one.
    """
    how = settings(
        settings.get_profile("presence"),
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    began = clock()
    for number, name in enumerate(cycle(properties)):
        passed = clock() - began
        if passed >= seconds and number >= len(properties):
            say(f"{passed:.0f} s, {number * EXAMPLES} examples: all is well")
            return 0
        this = seed + number // len(properties)
        say(f"{passed:.0f} s: {name}, seed {this}")
        try:
            properties[name](how, this)
        except Exception:  # noqa: BLE001 - whatever a property finds
            say(traceback.format_exc())
            say(f"again: python -m tests.fuzz --seconds 0 --seed {this} --only {name}")
            return 1
    raise AssertionError("there is no property")


def main(arguments: Sequence[str]) -> int:
    """Explore as the command line says."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to try (default: 60)")
    parser.add_argument("--seed", type=int, default=None, help="the first seed (default: any)")
    parser.add_argument("--only", choices=PROPERTIES, help="the property to try (default: all in turn)")
    told = parser.parse_args(arguments)
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    names = [told.only] if told.only else list(PROPERTIES)
    seed = SystemRandom().randrange(2**32) if told.seed is None else told.seed
    return explore({name: PROPERTIES[name] for name in names}, told.seconds, seed, time.monotonic, print)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
