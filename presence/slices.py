"""Long work in slices, so that messages and new connections do not wait for the end of it."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Cooperator

MOST_SENDS = 256
"""How many frames are sent in one turn of the reactor: some three milliseconds' worth."""


class Slices:
    """Does work up to its first ``yield`` at once, and what is between two of them in a turn each."""

    def __init__(self, clock: IReactorTime) -> None:
        self._cooperator = Cooperator(
            terminationPredicateFactory=lambda: lambda: True,  # a slice of each, and the turn is over
            scheduler=lambda go_on: clock.callLater(0, go_on),
        )

    def run(self, work: Iterator[None]) -> Deferred[Iterator[None]]:
        """Begin the work; fires at its end, at once where it has no ``yield``."""
        try:
            next(work)
        except StopIteration:
            return succeed(work)
        except Exception:  # noqa: BLE001 - as when a later slice fails
            return fail()
        return self._cooperator.coiterate(work)

    def stop(self) -> None:
        """Do no more; what was under way fails with ``SchedulerStopped``."""
        self._cooperator.stop()
