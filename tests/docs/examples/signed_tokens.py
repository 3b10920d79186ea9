"""Tokens that the platform signs with a key it shares with the daemon, so that nobody is asked."""

from __future__ import annotations

import hmac

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from presence.interfaces import ITokenChecker
from presence.wire.errors import ErrorCode, Refused


def sign(key: bytes, user_id: int, expires: int) -> str:
    """Return the token of a user; ``expires`` is in seconds since the Unix epoch."""
    claim = f"{user_id}.{expires}"
    return f"{claim}.{hmac.digest(key, claim.encode(), 'sha256').hex()}"


@implementer(ITokenChecker)
@attrs.frozen
class SignedTokens:
    """Takes tokens that :func:`sign` made and that have not expired."""

    key: bytes = attrs.field(repr=False)
    clock: IReactorTime

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:  # noqa: ARG002 - nobody waits here
        """Decide at once."""
        claimed, _, rest = token.partition(".")
        expires = rest.partition(".")[0]
        if not (claimed.isdecimal() and expires.isdecimal()):
            return fail(Refused(ErrorCode.TOKEN_REJECTED, "this is no token"))
        good = sign(self.key, int(claimed), int(expires))
        if not hmac.compare_digest(good.encode(), token.encode()) or int(expires) < self.clock.seconds():
            return fail(Refused(ErrorCode.TOKEN_REJECTED, "the token is forged or has expired"))
        if int(claimed) != user_id:
            return fail(Refused(ErrorCode.USER_MISMATCH, "the token is another user's"))
        return succeed(None)
