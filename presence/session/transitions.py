"""How the machine of a session finds its transitions."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from automat import TypeMachine

Inputs = TypeVar("Inputs")
Core = TypeVar("Core")


def look_up_transitions(machine: TypeMachine[Inputs, Core]) -> TypeMachine[Inputs, Core]:
    """
    Let a machine remember its transitions by state and input, instead of searching through them.

    ``Automaton.outputForInput`` compares with all of them, one after the other, which with two
    dozen is a fifth of a relayed message in a profile.
    """
    automaton: Any = getattr(machine, "__automat_automaton__", None)
    if hasattr(automaton, "outputForInput"):  # else it searches
        automaton.outputForInput = cache(automaton.outputForInput)
    return machine
