"""What an attack is, and how a theme collects its own."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred

from tests.attacks.arena import PLAIN, TLS
from tests.attacks.enemy import Enemy


class Run(Protocol):
    """
    What an attacker does.

    It raises when anything but the right thing comes of it.
    """

    __name__: str

    def __call__(self, enemy: Enemy) -> Coroutine[Deferred[Any], Any, None]:
        """Do it."""


@attrs.frozen
class Attack:
    """
    An attack.

    :ivar name: The theme, and the name of the function.
    :ivar run: The function.
    :ivar over: What it can run over.
    :ivar alone: Whether others would suffer beside it, but for the honest clients.
    """

    name: str
    run: Run
    over: frozenset[str]
    alone: bool


@attrs.define
class Theme:
    """
    The attacks of a module: a function that is decorated with it becomes one.

    :ivar over: What they can run over.
    :ivar alone: Whether others would suffer beside them.
    """

    name: str
    over: frozenset[str] = frozenset({PLAIN, TLS})
    alone: bool = False
    attacks: list[Attack] = attrs.Factory(list)

    def __call__(self, run: Run) -> Run:
        """Take an attack in."""
        self.attacks.append(Attack(f"{self.name}.{run.__name__}", run, self.over, self.alone))
        return run
