"""Transitions that are remembered are those of the machine."""

from __future__ import annotations

from typing import Any, Protocol

from automat import TypeMachineBuilder
from automat._core import NoTransition
from twisted.trial.unittest import SynchronousTestCase

from presence.session import machine
from presence.session.transitions import look_up_transitions


class Inputs(Protocol):
    def press(self) -> str:
        """The button is pressed."""

    def hold(self) -> str:
        """The button is held."""


def make_lamp() -> Any:  # noqa: ANN401 - a machine's type is of its inputs and its core
    """Return the machine of a lamp that a button turns on and off, and that can be held while it is on."""
    builder = TypeMachineBuilder(Inputs, list)
    off, on = builder.state("off"), builder.state("on")
    off.upon(Inputs.press).to(on).returns("on")
    on.upon(Inputs.press).to(off).returns("off")
    on.upon(Inputs.hold).loop().returns("bright")
    return builder.build()


class LookUpTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make two lamps of one machine."""
        self.machine = look_up_transitions(make_lamp())
        self.lamp, self.other = self.machine([]), self.machine([])

    def test_same(self) -> None:
        """A machine that remembers does what it did before, the second time too."""
        for _ in range(2):
            self.assertEqual(
                [self.lamp.press(), self.lamp.hold(), self.lamp.press()], ["on", "bright", "off"]
            )

    def test_instances(self) -> None:
        """What one instance went through does not show in another."""
        self.lamp.press()
        self.assertEqual(self.other.press(), "on")

    def test_not_foreseen(self) -> None:
        """What is not foreseen raises each time, and leaves the state as it was."""
        for _ in range(2):
            self.assertRaises(NoTransition, self.lamp.hold)
        self.assertEqual(self.lamp.press(), "on")

    def test_searched_once(self) -> None:
        """Each transition is searched for once."""
        for _ in range(5):
            self.lamp.press()
        automaton: Any = self.machine.__automat_automaton__
        cache = automaton.outputForInput.cache_info()
        self.assertEqual((cache.misses, cache.hits), (2, 3))

    def test_sessions(self) -> None:
        """The machine of the sessions remembers all of its transitions."""
        automaton: Any = machine._build.__automat_automaton__
        self.assertIsNone(automaton.outputForInput.cache_info().maxsize)

    def test_other_automat(self) -> None:
        """A machine of an Automat that keeps its transitions elsewhere is left as it is."""
        elsewhere: Any = object()
        self.assertIs(look_up_transitions(elsewhere), elsewhere)
