"""How much a connection and a user may ask for."""

from __future__ import annotations

from weakref import WeakValueDictionary

import attrs
from cachetools import LRUCache
from twisted.internet.interfaces import IReactorTime

from presence.admission.limits import Limit, Limits
from presence.config import Settings

MALFORMED_COST = 10
"""How many requests a frame counts for that is none."""

BYTES_OF_A_REQUEST = 16 * 1024
"""How much of a message that came compressed counts for one more request."""

FREE_PING_SECONDS = 5.0
"""How often a connection may send a PING that counts for nothing."""

_MEMORY = 10  # how many times longer a refusal is remembered than a request
_MOST_USERS_REMEMBERED = 65_536


@attrs.define
class TokenBucket:
    """
    Lets ``burst`` requests through at once, and ``rate`` a second in the long run.

    :ivar level: How many would be let through now.
    :ivar refused: How many were not, of late; each is told to come back after the others.
    """

    rate: float
    burst: float
    level: float
    at: float
    refused: float = 0

    def take(self, now: float, cost: float = 1) -> float:
        """Let a request through and return 0, or refuse it and return in how many seconds to ask again."""
        gained = (now - self.at) * self.rate
        self.at = now
        level = self.level
        if gained > 0:  # the clock may have been set back
            level += gained
            if level > self.burst:  # noqa: PLR1730 - min() takes longer, and here every message comes by
                level = self.burst
            if self.refused:
                self.refused = max(0, self.refused - gained / _MEMORY)
        if level >= cost:
            self.level = level - cost
            return 0
        if level >= self.burst:  # it costs more than there ever is
            self.level = 0
            return 0
        self.level = level
        cost = min(cost, self.burst)
        self.refused += cost
        return (self.refused - self.level) / self.rate

    @property
    def ignored(self) -> bool:
        """Whether whoever asks goes on regardless of being refused."""
        return self.refused > self.burst


class Rates:
    """
    Makes the allowances of all connections, and knows the buckets of users.

    :ivar settings: ``request_rate`` and the like, for connections that are still to come.
    """

    def __init__(self, settings: Settings, limits: Limits, clock: IReactorTime) -> None:
        self.settings = settings
        self._limits = limits
        self._clock = clock
        # Those whose user has a socket now, and those of whoever left last.
        self._of_users: WeakValueDictionary[int, TokenBucket] = WeakValueDictionary()
        self._remembered: LRUCache[int, TokenBucket] = LRUCache(_MOST_USERS_REMEMBERED)

    def allowance(self, peer: str) -> Allowance:
        """Return what a new connection may ask for."""
        bucket = self._bucket(self.settings.request_rate, self.settings.request_burst)
        return Allowance(self, self._limits, self._clock, peer, bucket)

    def of_user(self, user_id: int) -> TokenBucket:
        """Return the bucket that all sockets of a user take from."""
        rate, burst = self.settings.user_request_rate, self.settings.user_request_burst
        bucket = self._of_users.get(user_id)
        if bucket is None:
            bucket = self._of_users[user_id] = self._bucket(rate, burst)
        # It outlives its sockets, and so the settings that it was made with.
        bucket.rate, bucket.burst = rate, burst
        return bucket

    def remember(self, user_id: int) -> None:
        """Keep the bucket of a user whose socket ends, so that a new one does not find it filled again."""
        self._remembered[user_id] = self._of_users[user_id]

    def _bucket(self, rate: float, burst: float) -> TokenBucket:
        return TokenBucket(rate, burst, level=burst, at=self._clock.seconds())


class Allowance:
    """What one connection may ask for, by itself and by its user."""

    __slots__ = ("_clock", "_free_ping_at", "_limits", "_of_user", "_own", "_peer", "_rates", "_user_id")

    def __init__(
        self, rates: Rates, limits: Limits, clock: IReactorTime, peer: str, own: TokenBucket
    ) -> None:
        self._rates = rates
        self._limits = limits
        self._clock = clock
        self._peer = peer
        self._own = own
        self._user_id = 0
        self._of_user: TokenBucket | None = None
        self._free_ping_at = clock.seconds()

    def enter(self, user_id: int) -> None:
        """Share from now on with the other sockets of a user."""
        self._user_id = user_id
        self._of_user = self._rates.of_user(user_id)

    def leave(self) -> None:
        """Share no more."""
        self._rates.remember(self._user_id)
        self._of_user = None

    @property
    def ignored(self) -> bool:
        """Whether this connection goes on regardless of being refused."""
        return self._own.ignored

    def take(self, cost: float = 1) -> float:
        """Let a request through and return 0, or refuse it and return in how many seconds to ask again."""
        now = self._clock.seconds()
        wait_seconds = self._own.take(now, cost)
        if wait_seconds:
            self._limits.exceed(Limit.REQUESTS, self._peer)
        elif self._of_user is not None:
            wait_seconds = self._of_user.take(now, cost)
            if wait_seconds:  # it is this connection that was refused, and no other of its user
                self._own.refused += cost
                self._limits.exceed(Limit.USER_REQUESTS, self._peer)
        return wait_seconds

    def take_ping(self) -> float:
        """Do the same for a PING; one of them is free now and then."""
        now = self._clock.seconds()
        if now >= self._free_ping_at:
            self._free_ping_at = now + FREE_PING_SECONDS
            return 0
        return self.take()
