"""The errors a client can be told, each with a stable code."""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, UnsetType

Ref = str | int


class ErrorCode(StrEnum):
    """
    The stable ``code`` of an ``ERROR``; its text is for people and may change.

    :ivar temporary: Whether the same request can succeed later.
    """

    BAD_JSON = "bad_json"
    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    NOT_IDENTIFIED = "not_identified"
    ALREADY_IDENTIFIED = "already_identified"
    CANCELLED = "cancelled"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - the name of an error, no secret
    USER_MISMATCH = "user_mismatch"
    AUTH_UNAVAILABLE = "auth_unavailable"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    DRAINING = "draining"
    INTERNAL = "internal"

    @property
    def temporary(self) -> bool:
        """Whether the same request can succeed later, unless the error says otherwise."""
        return self in _TEMPORARY


_TEMPORARY = frozenset(
    {
        ErrorCode.CANCELLED,
        ErrorCode.AUTH_UNAVAILABLE,
        ErrorCode.RATE_LIMITED,
        ErrorCode.UNAVAILABLE,
        ErrorCode.DRAINING,
        ErrorCode.INTERNAL,
    }
)


class Refused(Exception):  # noqa: N818 - an answer to a request, not a fault of the program
    """
    A request was refused; the client gets an ``ERROR`` and nothing changed.

    :ivar code: The stable code.
    :ivar text: What went wrong and what to do, for people; sent to the client.
    :ivar temporary: Whether the same request can succeed later.
    :ivar after: Seconds after which trying again helps, where that is known.
    :ivar path: A JSON path to the place that is wrong, where that is known.
    """

    def __init__(
        self,
        code: ErrorCode,
        text: str,
        *,
        temporary: bool | None = None,
        after: float | UnsetType = UNSET,
        path: str | UnsetType = UNSET,
    ) -> None:
        """Refuse with a code and a text."""
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.temporary = code.temporary if temporary is None else temporary
        self.after = after
        self.path = path


class BadMessage(Refused):
    """
    A frame is no request: ``bad_json``, ``unknown_type`` or ``bad_message``.

    :ivar re: The type of the frame, where it could be read.
    :ivar ref: Its ref, where it could be read and is a good one.
    """

    def __init__(
        self,
        code: ErrorCode,
        text: str,
        *,
        re: str | UnsetType = UNSET,
        ref: Ref | UnsetType = UNSET,
        path: str | UnsetType = UNSET,
    ) -> None:
        """Refuse a frame, naming what could be read of it."""
        super().__init__(code, text, path=path)
        self.re = re
        self.ref = ref
