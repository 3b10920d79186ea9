"""What came and went on all connections, in numbers."""

from __future__ import annotations

from collections import Counter, deque

import attrs

from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode
from presence.wire.messages import Request

REFUSALS_REMEMBERED = 100

EMPTY_CODE = 1005
"""Stands for a close frame without a code, which is what browsers send (:rfc:`6455`, section 7.1.5)."""

NO_CODE = 1006
"""Stands for an end without a close frame (the same section)."""

OTHER_CODE = 4999
"""Stands for what clients make up, so that they cannot make us count thousands of codes."""

_USUAL = frozenset({*CloseCode, 1000, 1002, EMPTY_CODE, NO_CODE})

CODES_COUNTED = (*sorted(_USUAL), OTHER_CODE)
"""Every code that an end can count for."""


@attrs.frozen
class Refusal:
    """
    A client was told no.

    :ivar at: When, in seconds since the Unix epoch.
    :ivar peer: The address of the client.
    :ivar code: An error code, or the number of a close code.
    """

    at: float
    peer: str
    code: str


@attrs.define
class Traffic:
    """
    Counts since the start.

    :ivar opened: Connections that were accepted.
    :ivar closed: Connections that ended, by the close code that the server sent, or else the client.
    :ivar requests: Requests by type, and by the error they were answered with, if they were.
    :ivar malformed: Messages that were no request.
    :ivar faults: Errors of our own.
    :ivar slow_readers: How many connections read more slowly than they are written to, now.
    :ivar queued_bytes: How much was written to them since they became slow.
    :ivar refusals: The last of them.
    """

    opened: int = 0
    closed: Counter[int] = attrs.Factory(Counter)
    requests: Counter[tuple[type[Request], ErrorCode | None]] = attrs.Factory(Counter)
    malformed: int = 0
    faults: int = 0
    slow_readers: int = 0
    queued_bytes: int = 0
    refusals: deque[Refusal] = attrs.field(factory=lambda: deque(maxlen=REFUSALS_REMEMBERED))

    def count_end(self, code: int | None) -> None:
        """Count a connection that ended with a close code; Autobahn has None for a frame without one."""
        self.closed[EMPTY_CODE if code is None else code if code in _USUAL else OTHER_CODE] += 1
