"""
The WebSocket close codes of the daemon.

The rule for clients in one line: after 44xx change something first; after any
other code, 1006 included, reconnect with full-jitter backoff.

Codes below 4000 are those of :rfc:`6455`, section 7.4.1; 1012 and 1013 stand in
IANA's registry of WebSocket close codes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class CloseCode(IntEnum):
    """
    A close code, the reason that is sent with it, and what follows from it.

    :ivar reason: The text of the close frame, for people.
    """

    reason: str

    def __new__(cls, code: int, reason: str) -> Self:
        """Make a member that is its number and carries its reason."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = reason
        return member

    @property
    def reconnects(self) -> bool:
        """Whether a client comes back by itself, without changing anything first."""
        return self not in range(4400, 4500)

    GOING_AWAY = 1001, "service ends"
    UNSUPPORTED_DATA = 1003, "only text frames"
    INVALID_PAYLOAD = 1007, "invalid UTF-8"
    POLICY_VIOLATION = 1008, "message took too long"
    MESSAGE_TOO_BIG = 1009, "message too large"
    INTERNAL_ERROR = 1011, "internal error"
    SERVICE_RESTART = 1012, "service restarts"
    TRY_AGAIN_LATER = 1013, "too many connections"
    TOO_MANY_BAD_MESSAGES = 4400, "too many bad messages"
    TOKEN_REVOKED = 4401, "token revoked or expired"
    TOO_MANY_SOCKETS = 4409, "too many sockets of this user"
    DISCONNECTED = 4410, "disconnected by the operator"
    NO_HELLO = 4508, "no HELLO in time"
    TOO_SLOW = 4513, "did not read fast enough"
    TOO_MANY_REQUESTS = 4529, "too many requests"
