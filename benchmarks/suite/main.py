"""The command line of ``benchmarks/run``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.suite.cores import Failed, cores
from benchmarks.suite.figures import Figures
from benchmarks.suite.machine import describe
from benchmarks.suite.plots import draw
from benchmarks.suite.rounds import Run, measure_all, tell
from benchmarks.suite.scenarios import FULL, QUICK, Scenario, scenarios
from benchmarks.suite.servers import SERVERS, Server, account_api
from benchmarks.suite.tables import all_tables, table_of_goals
from benchmarks.suite.workshop import HERE, furnish

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "presence-benchmarks"
_QUICK_ROUNDS = 1
_ROUNDS = 5


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/run",
        description="Measures the daemon beside other servers; see benchmarks/README.rst.",
    )
    parser.add_argument(
        "--rounds", type=int, help=f"turns of each server (default {_ROUNDS}, quick {_QUICK_ROUNDS})"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a look at whether all runs; no figures to rely on"
    )
    parser.add_argument("--only", default="", help="scenarios, by how their names begin: fanout,relay")
    parser.add_argument("--servers", default="", help="servers, by name: daemon,floor,autobahn")
    parser.add_argument(
        "--results", type=Path, help="where the JSON goes (default benchmarks/results/DATE.json)"
    )
    parser.add_argument("--plots", type=Path, help="a folder for two pictures, as SVG")
    parser.add_argument("--again", type=Path, help="measure nothing: tables and pictures of such a JSON")
    parser.add_argument("--cache", type=Path, default=_CACHE, help=f"where it builds and installs ({_CACHE})")
    parser.add_argument(
        "--python", type=Path, help="a Python that has presence and websockets; installs none"
    )
    return parser.parse_args(arguments)


def _chosen(names: str, everything: Sequence[Scenario]) -> list[Scenario]:
    wanted = tuple(filter(None, names.split(",")))
    found = [scenario for scenario in everything if not wanted or scenario.name.startswith(wanted)]
    if not found:
        raise Failed(f"there is no scenario {names}; there are {', '.join(one.name for one in everything)}")
    return found


def _chosen_servers(names: str) -> list[Server]:
    wanted = set(filter(None, names.split(",")))
    unknown = wanted - {server.name for server in SERVERS}
    if unknown:
        raise Failed(f"there is no server {', '.join(sorted(unknown))}; see --help")
    return [server for server in SERVERS if not wanted or server.name in wanted]


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    chosen = _chosen(options.only, scenarios(QUICK if options.quick else FULL))
    servers = _chosen_servers(options.servers)
    rounds = options.rounds or (_QUICK_ROUNDS if options.quick else _ROUNDS)
    began = time.time()
    workshop = furnish(options.cache.resolve(), options.python, tell)
    for what in workshop.left_out:
        tell(f"left out: {what}")
    if cores()[0] == cores()[1]:
        tell("there is one core only: servers and load generator share it, and rates say little")
    with account_api(workshop):
        runs = measure_all(workshop, chosen, servers, rounds)
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "minutes": round((time.time() - began) / 60, 1),
        "quick": options.quick,
        "rounds": max((run.round for run in runs), default=0),
        "machine": describe(workshop),
        "left_out": workshop.left_out,
        "runs": [run.as_json() for run in runs],
    }


def _report(results: dict[str, Any], plots: Path | None) -> None:
    runs = [Run(**run) for run in results["runs"]]
    figures = Figures(runs)
    print("\n".join(f"{name}: {fact}" for name, fact in results["machine"].items()))
    print(f"rounds: {results['rounds']}, in {results['minutes']:g} minutes")
    print("each figure is the median of the rounds (least-most)\n")
    print(all_tables(figures))
    print(table_of_goals(figures))
    for what in results["left_out"]:
        print(f"left out: {what}")
    for run in runs:
        if run.problem:
            print(f"problem: {run.scenario}, {run.server}, round {run.round}: {run.problem}")
    if results["quick"]:
        print("This was a quick run, with few and short measurements of fewer clients: it decides nothing.")
    if plots is not None:
        for path in draw(figures, plots):
            print(f"drawn: {path}")


def main(arguments: Sequence[str]) -> int:
    """Measure and report; returns the exit code."""
    options = _options(arguments)
    # What was started is to be ended too when we are told to end.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.again is not None:
            results = json.loads(options.again.read_text())
        else:
            results = _measure(options)
            path = options.results or HERE / time.strftime("results/%Y%m%d-%H%M%S.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(results, indent=1) + "\n")
            tell(f"results: {path}")
        _report(results, options.plots)
    except Failed as failed:
        print(f"benchmarks/run: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
