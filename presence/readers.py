"""What one socket is told of who comes and goes, and how far it knows."""

from __future__ import annotations

import attrs
from twisted.internet.defer import Deferred

from presence.interfaces import IOutlet, Socket
from presence.roster.journal import Change


@attrs.define
class Watch:
    """
    A subscription.

    :ivar users: The chosen users; None for all.
    :ivar previous: The version of the last reply or event that was written for it.
    :ivar known: The version up to which it knows all that concerns it.
    :ivar behind: Whether a change was held back while the socket was paused.
    """

    users: frozenset[int] | None
    previous: int
    known: int
    behind: bool = False


@attrs.define(eq=False)
class Reader:
    """
    What one socket is told.

    :ivar list_due: Whether a list was held back while the socket was paused.
    :ivar listed: The version of the last list that was written for it.
    :ivar unsettled: What waits until the list has settled.
    """

    socket: Socket
    outlet: IOutlet
    watch: Watch | None = None
    list_due: bool = False
    listed: int = 0
    unsettled: list[Deferred[None]] = attrs.Factory(list)


def following(reader: Reader, change: Change) -> Watch | None:
    """Return the subscription of a reader that is to be told now; note for a slow one that it is behind."""
    watch = reader.watch
    if watch is None or watch.known >= change.version:
        return None
    if reader.outlet.paused:
        watch.behind = True
        return None
    return watch
