"""Why users came and went of late, for the people who run the daemon."""

from __future__ import annotations

from collections import Counter, deque
from enum import StrEnum
from itertools import islice

import attrs

TRANSITIONS_REMEMBERED = 10_000


class Cause(StrEnum):
    """
    What made a user go online or offline.

    After a ``lost`` or ``drained`` the user is held for some time, so that the transition comes
    that much later than its cause.
    """

    HELLO = "hello"
    """The first socket said HELLO."""

    GOODBYE = "goodbye"
    """The last socket said GOODBYE."""

    LOST = "lost"
    """The last connection ended otherwise, and none came in its place."""

    REVOKED = "revoked"
    """The token of the last socket was refused when it was checked again."""

    DISCONNECTED = "disconnected"
    """The operator or the platform ended the last connection."""

    DRAINED = "drained"
    """The daemon that had the last connection ended."""

    @property
    def holds(self) -> bool:
        """Whether the user stays online for a while, since who ends in this way mostly comes back."""
        return self in {Cause.LOST, Cause.DRAINED}


KINDS = ((True, Cause.HELLO), *((False, cause) for cause in Cause if cause is not Cause.HELLO))
"""Whether a user goes online, with each cause of it."""


@attrs.frozen
class Transition:
    """
    A user went online or offline.

    :ivar at: When, in seconds since the Unix epoch.
    :ivar version: The version that the truth has since then.
    """

    at: float
    user_id: int
    online: bool
    cause: Cause
    version: int


class History:
    """
    The last transitions, and how many there were of each kind.

    :ivar counts: By whether the user went online, and why.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[bool, Cause]] = Counter()
        self._transitions: deque[Transition] = deque(maxlen=TRANSITIONS_REMEMBERED)

    def record(self, transition: Transition) -> None:
        """Remember a transition; the oldest is forgotten for it."""
        self.counts[transition.online, transition.cause] += 1
        self._transitions.append(transition)

    def of(self, user_id: int) -> list[Transition]:
        """Return what is remembered of a user, the latest first."""
        return [one for one in reversed(self._transitions) if one.user_id == user_id]

    def latest(self, count: int) -> list[Transition]:
        """Return the last transitions, the latest first."""
        return list(islice(reversed(self._transitions), count))
