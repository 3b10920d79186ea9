"""What there can be too much of, and how often there was."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from twisted.internet.interfaces import IReactorTime

from presence.logs import Summary, logger

_log = logger(__name__)


class Limit(StrEnum):
    """A limit, with the option that sets it."""

    ACCEPTS = "--accept-rate"
    CONNECTIONS = "--max-connections"
    ADDRESS = "--max-connections-per-address"
    UNIDENTIFIED = "--max-unidentified"
    SOCKETS = "--max-sockets-per-user"
    REQUESTS = "--request-rate"
    USER_REQUESTS = "--user-request-rate"


class Limits:
    """
    Counts how often limits are exceeded, and says so in the log now and then.

    :ivar exceeded: How often each was.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self.exceeded: Counter[Limit] = Counter()
        self._summaries = {limit: Summary(clock) for limit in Limit}

    def exceed(self, limit: Limit, who: str) -> None:
        """Count it; ``who`` is for the log, where it names an address or a user."""
        self.exceeded[limit] += 1
        if times := self._summaries[limit].add():
            _log.warn(
                "limit {limit} exceeded, last by {who}; times: {times}",
                limit=limit.value,
                who=who,
                times=times,
            )
