"""What comes first in a check and what comes last: the look of the token, and the log."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.interfaces import ITokenChecker
from presence.logs import Summary, logger
from presence.tokens.verdict import Undecided, check_shape
from presence.wire.errors import Refused

_log = logger(__name__)


@implementer(ITokenChecker)
class FrontTokenChecker:
    """
    Refuses what cannot be a token, asks another checker about the rest, and logs what stays open.

    However many checks are undecided, there is a line now and then that counts them.
    """

    def __init__(self, checker: ITokenChecker, clock: IReactorTime) -> None:
        self._checker = checker
        self._undecided = Summary(clock)

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:
        """Check the token."""
        try:
            check_shape(token)
        except Refused as refusal:
            return fail(refusal)
        return self._checker.check(user_id, token, place).addErrback(self._note)

    def _note(self, failure: Failure) -> Failure:
        if isinstance(failure.value, Undecided) and (count := self._undecided.add()):
            _log.warn(
                "token checks undecided: {count} since the last such line, the latest because: {reason}",
                count=count,
                reason=failure.value.reason,
            )
        return failure
