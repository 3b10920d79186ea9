"""What became of the checks, in numbers."""

from __future__ import annotations

from collections import Counter

import attrs

from presence.distribution import SECONDS, Distribution
from presence.wire.errors import ErrorCode

ACCEPTED = "accepted"
REMEMBERED = "remembered"
JOINED = "joined"

RESULTS = (
    ACCEPTED,
    REMEMBERED,
    JOINED,
    ErrorCode.TOKEN_REJECTED.value,
    ErrorCode.USER_MISMATCH.value,
    ErrorCode.AUTH_UNAVAILABLE.value,
)
"""Whatever can become of a check."""


@attrs.frozen
class CheckCounts:
    """
    What became of the checks since the start.

    :ivar results: How many were ``accepted``, or refused with which error code, after the account
        API was asked or was to be; and how many cost no request, because the verdict was
        ``remembered`` or they ``joined`` a request that was under way.
    :ivar request_seconds: How long the account API took to answer, or not to.
    """

    results: Counter[str] = attrs.Factory(Counter)
    request_seconds: Distribution = attrs.field(factory=lambda: Distribution(SECONDS))
