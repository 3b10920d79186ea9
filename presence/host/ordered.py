"""Services that start one after the other, and stop in the opposite order."""

from __future__ import annotations

from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred

from presence.logs import logger, without_text

_log = logger(__name__)


class Ordered(MultiService):
    """
    Starts its children in the order in which they came, and stops the last one first.

    A child begins to stop when those after it have stopped, or have failed to: a plain
    ``MultiService`` tells all of them together.
    """

    def __init__(self, *children: Service) -> None:
        super().__init__()
        for child in children:
            child.setServiceParent(self)

    def stopService(self) -> Deferred[None]:
        """Stop them; fires when the first one has stopped."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        children: list[Any] = list(self)
        for child in reversed(children):
            stopped: Deferred[object] = maybeDeferred(child.stopService)
            await stopped.addErrback(self._note, child)

    def _note(self, failure: Any, child: Service) -> None:  # noqa: ANN401 - a Failure of anything
        _log.failure("{service} failed to stop", failure=without_text(failure), service=type(child).__name__)
