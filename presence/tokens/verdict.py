"""
What an answer of the account API means; plain logic.

A token is good only when the API says so *and* names the user who was claimed: else any
user could be any other. Only 401 and 403 reject a token for good; whatever else went
wrong decides nothing, and the client may try again.
"""

from __future__ import annotations

from typing import NoReturn

import attrs
import msgspec

from presence.wire.errors import ErrorCode, Refused

LONGEST_TOKEN = 8192

_REJECTED = frozenset({401, 403})


class Undecided(Exception):  # noqa: N818 - nothing is known, which is no fault of ours
    """
    The account API did not say whether the token is good.

    The reason is for the log; clients are only told that it is so.

    :ivar temporary: Whether asking again later can help.
    """

    def __init__(self, reason: str, *, temporary: bool = True) -> None:
        super().__init__(reason)
        self.temporary = temporary


def check_shape(token: str) -> None:
    """
    Refuse what cannot be a token: 1 to 8192 visible ASCII characters (:rfc:`6750`, 2.1).

    So no token can smuggle another header into the request to the API.
    """
    if not (0 < len(token) <= LONGEST_TOKEN and all("!" <= letter <= "~" for letter in token)):
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

    def judge(self, status: int, body: bytes, claimed: int) -> None:
        """
        Return when the answer says that the token is the claimed user's.

        :raises Refused: ``token_rejected`` or ``user_mismatch``.
        :raises Undecided: For every other answer.
        """
        if status in _REJECTED:
            _reject("the account API rejected the token")
        if status != 200:
            raise Undecided(f"the account API answered {status}")
        named = self._named(body)
        if named is None and not self.trust_claimed_userid:
            raise Undecided("the account API names no user; see --user-id-field", temporary=False)
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


def _reject(text: str) -> NoReturn:
    raise Refused(ErrorCode.TOKEN_REJECTED, text)
