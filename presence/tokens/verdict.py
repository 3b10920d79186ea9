"""
What an answer of the account API means; plain logic.

A token is good only when the API says so *and* names the user who was claimed: else any
user could be any other. Only 401 and 403 reject a token for good; whatever else went
wrong decides nothing, and the client may try again.
"""

from __future__ import annotations

import re
from random import Random
from typing import NoReturn

import attrs
import msgspec
from msgspec import UNSET, UnsetType

from presence.wire.errors import ErrorCode, Refused

LONGEST_TOKEN = 8192

LONGEST_RETRY_AFTER_SECONDS = 60.0
"""How far a ``Retry-After`` is believed."""

_SHAPE = re.compile(f"[!-~]{{1,{LONGEST_TOKEN}}}")
_SPREAD_SECONDS = (1.0, 10.0)
_REJECTED = frozenset({401, 403})
_OVERLOADED = frozenset({408, 429})
_HINTING = frozenset({429, 503})


class Undecided(Refused):
    """
    The account API did not say whether the token is good.

    Clients are told no more than that.

    :ivar reason: Why, for the log; never holds anything of the token.
    :ivar temporary: Whether asking again later can help.
    :ivar sick: Whether it is a sign that the API is sick; another one is what it makes of
        the token that it was asked about, or of how the daemon was set up.
    """

    def __init__(
        self, reason: str, *, temporary: bool = True, sick: bool = True, after: float | UnsetType = UNSET
    ) -> None:
        text = "the account API did not decide whether the token is good"
        super().__init__(ErrorCode.AUTH_UNAVAILABLE, text, temporary=temporary, after=after)
        self.reason = reason
        self.sick = sick


def spread(random: Random, least_seconds: float = 0.0) -> float:
    """Return when a client is to come back: not before, and not with all the others at once."""
    return round(least_seconds + random.uniform(*_SPREAD_SECONDS), 2)


def check_shape(token: str) -> None:
    """
    Refuse what cannot be a token: 1 to 8192 visible ASCII characters (:rfc:`6750`, 2.1).

    So no token can smuggle another header into the request to the API.
    """
    if not _SHAPE.fullmatch(token):
        _reject("an access token is 1 to 8192 visible ASCII characters")


@attrs.frozen
class Judge:
    """
    Reads the answers of an account API.

    :ivar user_id_field: Where a 200 names the user: keys joined by dots; empty for the
        usual places, ``id`` and then ``data.id``.
    :ivar trust_claimed_userid: Whether a 200 that names nobody is enough.
    """

    user_id_field: str = ""
    trust_claimed_userid: bool = False

    def judge(self, status: int, body: bytes, claimed: int, retry_after: bytes = b"") -> None:
        """
        Return when the answer says that the token is the claimed user's.

        :param retry_after: The header of that name; empty where there is none.
        :raises Refused: ``token_rejected`` or ``user_mismatch``.
        :raises Undecided: For every other answer.
        """
        if status in _REJECTED:
            _reject("the account API rejected the token")
        if status != 200:
            hint = _read_hint(retry_after) if status in _HINTING else UNSET
            # A 400 to a token that it cannot read must not keep it from being asked about others.
            sick = status not in range(400, 500) or status in _OVERLOADED
            raise Undecided(f"the account API answered {status}", sick=sick, after=hint)
        named = self._named(body)
        if named is None and not self.trust_claimed_userid:
            raise Undecided("the account API names no user; see --user-id-field", temporary=False, sick=False)
        if named not in (None, claimed):
            raise Refused(ErrorCode.USER_MISMATCH, "the token is another user's")

    def _named(self, body: bytes) -> int | None:
        try:
            account = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Undecided("the account API answered 200 with a body that is not JSON") from None
        places = [self.user_id_field] if self.user_id_field else ["id", "data.id"]
        found = (_read_id(_at(account, place)) for place in places)
        return next((user_id for user_id in found if user_id is not None), None)


def _at(value: object, path: str) -> object:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _read_id(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_hint(retry_after: bytes) -> float | UnsetType:
    # A date is allowed too; it would be worth as much as the two clocks agree.
    if not retry_after.isdigit():
        return UNSET
    return min(float(retry_after), LONGEST_RETRY_AFTER_SECONDS) or UNSET


def _reject(text: str) -> NoReturn:
    raise Refused(ErrorCode.TOKEN_REJECTED, text)
