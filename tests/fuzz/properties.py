"""The properties by their names, each a function that tries so many examples from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import given, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.machine import HostileMachine
from tests.fuzz.streams import check_stream, streams

Property = Callable[[settings, int | None], None]
"""Tries examples; of a seed they are always the same, and of None chance or the profile decides."""


def _streams(how: settings, number: int | None) -> None:
    property_ = how(given(streams())(check_stream))
    (property_ if number is None else seed(number)(property_))()


def _sessions(how: settings, number: int | None) -> None:
    machine = type("Machine", (HostileMachine,), {})
    run_state_machine_as_test(machine if number is None else seed(number)(machine), settings=how)


PROPERTIES: Mapping[str, Property] = {"streams": _streams, "sessions": _sessions}
