"""Tokens that the platform signs with a key that the daemon has too."""

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
    return f"{claim}.{_signature(key, claim)}"


def _signature(key: bytes, claim: str) -> str:
    return hmac.digest(key, claim.encode(), "sha256").hex()


@implementer(ITokenChecker)
@attrs.frozen
class SignedTokens:
    """Takes tokens that :func:`sign` made and that have not expired."""

    key: bytes = attrs.field(repr=False)
    clock: IReactorTime

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:
        """Decide at once."""
        del place  # places are for those who have to wait
        claim, _, signature = token.rpartition(".")
        # Nothing of the claim is read before it is known who wrote it.
        good = _signature(self.key, claim)
        if not hmac.compare_digest(good.encode(), signature.encode()):
            return fail(Refused(ErrorCode.TOKEN_REJECTED, "the token is forged"))
        owner, expires = map(int, claim.split("."))
        if expires < self.clock.seconds():
            return fail(Refused(ErrorCode.TOKEN_REJECTED, "the token has expired"))
        if owner != user_id:
            return fail(Refused(ErrorCode.USER_MISMATCH, "the token is another user's"))
        return succeed(None)
