"""Measuring: every scenario in rounds, in each of which all servers have their turn."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.suite.cores import Failed, cores, run_to_end
from benchmarks.suite.scenarios import Scenario
from benchmarks.suite.servers import Server, serving
from benchmarks.suite.workshop import Workshop

_LONGEST_SECONDS = 330.0
_SUSPICIOUS = re.compile(r"traceback|unhandled|limit .* exceeded|internal error", re.IGNORECASE)

Phase = dict[str, Any]


@dataclass
class Run:
    """
    What one server did in one round of a scenario.

    :ivar phases: What the load generator saw, by the name of the phase.
    :ivar problem: Why there is nothing, or what the server's log complains of; empty if all is well.
    """

    scenario: str
    server: str
    round: int
    phases: dict[str, Phase]
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for the file of results."""
        return asdict(self)


def tell(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


def measure(workshop: Workshop, scenario: Scenario, server: Server, number: int) -> Run:
    """Run one server through a scenario; a failure is a result too."""
    flags = [scenario.mode] if scenario.mode != "plain" else []
    flags += ["engineio"] if server.engineio else []
    words = [text for _, text in scenario.phases]
    phases: dict[str, Phase] = {}
    problem = ""
    try:
        with serving(server, workshop, scenario.mode) as (port, pid, log):
            command = [str(workshop.load), str(port), str(pid), *flags, *words]
            output = json.loads(run_to_end(command, cores()[1], _LONGEST_SECONDS))
            names = [name for name, _ in scenario.phases]
            phases = dict(zip(names, output["phases"], strict=True))
            found = _SUSPICIOUS.search(log.read_text(errors="replace"))
            problem = f"its log says: {found[0]}" if found else ""
    except Failed as failed:
        problem = str(failed)
    return Run(scenario.name, server.name, number, phases, problem)


def measure_all(
    workshop: Workshop, chosen: Sequence[Scenario], servers: Sequence[Server], rounds: int
) -> list[Run]:
    """Run all scenarios, and say on the way how far it is; Ctrl-C ends it with what there is."""
    plan = [
        (scenario, number, server)
        for scenario in chosen
        for number in range(1, rounds + 1)
        for server in servers
        if server.name in scenario.servers and server.available(workshop, scenario.mode)
    ]
    took: dict[tuple[str, str], float] = {}
    runs: list[Run] = []
    for done, (scenario, number, server) in enumerate(plan):
        left = sum(_estimate(took, later, other) for later, _, other in plan[done:])
        tell(
            f"[{done + 1}/{len(plan)}] {scenario.title}, round {number} of {rounds}: {server.title};"
            f" about {left / 60:.0f} min left"
        )
        began = time.monotonic()
        try:
            run = measure(workshop, scenario, server, number)
        except KeyboardInterrupt:
            tell("interrupted: what follows is of the runs before")
            break
        took[scenario.name, server.name] = time.monotonic() - began
        if run.problem:
            tell(f"    {run.problem}")
        runs.append(run)
    return runs


def _estimate(took: dict[tuple[str, str], float], scenario: Scenario, server: Server) -> float:
    known = took.get((scenario.name, server.name))
    if known is not None:
        return known
    others = [seconds for (name, _), seconds in took.items() if name == scenario.name]
    return sum(others) / len(others) if others else scenario.seconds
