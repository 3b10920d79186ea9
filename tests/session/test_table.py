"""Tests that hold the table at the head of ``presence.session.machine`` against the machine."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from presence.session import machine

# Automat has no public way to list the transitions of a built machine.
MACHINE: Any = machine._build.__automat_automaton__

IMPOSSIBLE = {
    ("waiting", "accepted"),  # a check that was cancelled is never accepted any more
    ("checking", "overdue"),  # the deadline stands
    ("online", "accepted"),
    ("online", "refused"),
    ("online", "overdue"),  # the deadline stands
}


def table() -> list[tuple[str, str, str]]:
    """Return state, input and next state of each row."""
    border = re.compile(r"^=+( =+)+$", re.MULTILINE)
    top, middle, bottom = border.finditer(machine.__doc__ or "")
    edges = [match.span() for match in re.finditer("=+", top.group())][:3]
    rows = (machine.__doc__ or "")[middle.end() + 1 : bottom.start()].splitlines()
    cells = [tuple(row[start:end].strip() for start, end in edges) for row in rows]
    return [(state, name, target) for state, name, target in cells if state]


def transitions() -> set[tuple[str, str, str]]:
    """Return state, input and next state of each transition of the machine."""
    return {(state.name, name, target.name) for state, name, target, _ in MACHINE.allTransitions()}


class TableTests(SynchronousTestCase):
    def test_transitions(self) -> None:
        """The table has the transitions of the machine, each once, and no other."""
        rows = []
        for state, name, target in table():
            names = MACHINE.inputAlphabet() if name == "every one" else {name}
            rows += [(state, each, target) for each in names]
        self.assertEqual(sorted(rows), sorted(transitions()))

    def test_every_input_in_every_state(self) -> None:
        """What can happen is foreseen in every state, but for what cannot happen there."""
        foreseen = {(state, name) for state, name, _ in transitions()}
        states = {state.name for state in MACHINE.states()}
        missing = set(product(states, MACHINE.inputAlphabet())) - foreseen
        self.assertEqual(missing, IMPOSSIBLE)

    def test_inputs(self) -> None:
        """Each documented input is one of the machine, and the other way round."""
        documented = {
            name for name, value in vars(machine._Inputs).items() if getattr(value, "__doc__", None)
        }
        public = {name for name in documented if not name.startswith("_")}
        self.assertEqual(public, MACHINE.inputAlphabet())
