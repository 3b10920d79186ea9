"""An account API in process, which lets in who says so, and can be slow."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import deferLater
from zope.interface import implementer

from presence.interfaces import ITokenChecker
from presence.wire.errors import ErrorCode, Refused
from tests.canary import secret

SLOW_SECONDS = 0.3
"""How long the check of a slow token takes."""

GOOD, SLOW, HANGING, BAD, SICK = map(secret, ("good", "slow", "hanging", "bad", "sick"))
"""The kinds of tokens: three good ones, two of them late or never told; one that is none, and one unsure."""


def token(user: int, kind: str = GOOD) -> str:
    """Return a user's token of some kind."""
    return f"{kind}:{user}"


@implementer(ITokenChecker)
class Accounts:
    """
    Believes good tokens.

    :ivar let_in: Every user whose token was ever found good.
    :ivar undecided: How many checks go on.
    """

    def __init__(self, reactor: Any) -> None:  # noqa: ANN401 - IReactorTime is a zope interface
        self._reactor = reactor
        self.let_in: set[int] = set()
        self.undecided = 0

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:  # noqa: ARG002 - ITokenChecker's
        """Decide by the kind of the token, when its kind says so."""
        kind, _, owner = token.partition(":")
        if kind == SICK:
            return fail(Refused(ErrorCode.AUTH_UNAVAILABLE, "nobody knows"))
        if kind not in {GOOD, SLOW, HANGING}:
            return fail(Refused(ErrorCode.TOKEN_REJECTED, "no such token"))
        decided: Deferred[None]
        if kind == GOOD:
            decided = succeed(None)
        else:
            decided = deferLater(self._reactor, SLOW_SECONDS) if kind == SLOW else Deferred()
        self.undecided += 1
        return decided.addCallback(self._decide, user_id, owner).addBoth(self._decided)

    def _decide(self, _: object, user_id: int, owner: str) -> None:
        if owner != str(user_id):
            raise Refused(ErrorCode.USER_MISMATCH, "another's token")
        self.let_in.add(user_id)

    def _decided(self, result: Any) -> Any:  # noqa: ANN401 - whatever it is
        self.undecided -= 1
        return result
