"""
The published list of who is online, and its history.

The *truth* moves with every transition; the *published list* is what clients are
told, and moves only when :meth:`Journal.publish` is called. Between two publications
every snapshot is the same.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Sequence

import attrs

from presence.wire.messages import Position

PUBLICATIONS_REMEMBERED = 1000


@attrs.frozen
class Change:
    """
    Who came and who went between two versions; both ascending.

    :ivar previous: The version before the change.
    :ivar version: The version after it.
    """

    previous: int
    version: int
    came: Sequence[int]
    went: Sequence[int]

    def __bool__(self) -> bool:
        """Whether anybody came or went."""
        return bool(self.came or self.went)

    def among(self, users: frozenset[int]) -> Change:
        """Return what of the change concerns these users."""
        return attrs.evolve(
            self,
            came=[user for user in self.came if user in users],
            went=[user for user in self.went if user in users],
        )


class Journal:
    """
    The published list and what is remembered of its changes.

    :ivar epoch: Names this history; versions of two epochs cannot be compared.
    :ivar version: The version of the published list.
    :ivar online: The users of the published list, ascending; not to be changed.
    """

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.version = 0
        self.online: list[int] = []
        self._users: set[int] = set()
        self._latest_version = 0
        self._unpublished: dict[int, bool] = {}
        self._published: deque[Change] = deque([Change(0, 0, (), ())], maxlen=PUBLICATIONS_REMEMBERED)

    def __contains__(self, user_id: int) -> bool:
        """Whether the published list has this user."""
        return user_id in self._users

    @property
    def unpublished(self) -> int:
        """How many users came or went, on balance, since the last publication."""
        return len(self._unpublished)

    def record(self, version: int, user_id: int, *, online: bool) -> None:
        """Note a transition of the truth, to be published later."""
        self._latest_version = version
        if online == (user_id in self._users):
            self._unpublished.pop(user_id, None)
        else:
            self._unpublished[user_id] = online

    def publish(self) -> Change | None:
        """Let the published list follow the truth; None when nothing changed on balance."""
        if not self._unpublished:
            return None
        came = sorted(user for user, online in self._unpublished.items() if online)
        went = sorted(user for user, online in self._unpublished.items() if not online)
        self._unpublished = {}
        for user in went:
            del self.online[bisect_left(self.online, user)]
        for user in came:
            insort(self.online, user)
        self._users.difference_update(went)
        self._users.update(came)
        change = Change(self.version, self._latest_version, came, went)
        self.version = self._latest_version
        self._published.append(change)
        return change

    def since(self, position: Position) -> Change | None:
        """Return the net change since a position, or None when it is not remembered."""
        if position.epoch != self.epoch:
            return None
        later: list[Change] = []
        for change in reversed(self._published):
            if change.version == position.version:
                return self._net(position.version, reversed(later))
            later.append(change)
        return None

    def among(self, users: Iterable[int]) -> list[int]:
        """Return those of the users who are on the published list, ascending."""
        return sorted(self._users.intersection(users))

    def page(self, after: int, limit: int) -> tuple[list[int], bool]:
        """Return up to ``limit`` users above ``after``, and whether there are more."""
        start = bisect_right(self.online, after)
        end = start + limit
        return self.online[start:end], end < len(self.online)

    def _net(self, previous: int, changes: Iterable[Change]) -> Change:
        # A user who comes must have been away, and the other way round: so two
        # changes of the same user cancel each other.
        net: dict[int, bool] = {}
        for change in changes:
            for online, users in ((False, change.went), (True, change.came)):
                for user in users:
                    if net.pop(user, None) is None:
                        net[user] = online
        came = sorted(user for user, online in net.items() if online)
        went = sorted(user for user, online in net.items() if not online)
        return Change(previous, self.version, came, went)
