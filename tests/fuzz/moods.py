"""The account API of the second property, which has moods."""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred

from presence.testing import FakeTokenChecker
from presence.wire.errors import ErrorCode, Refused
from tests.canary import secret


def token_of(user: int) -> str:
    """Return the token of a user."""
    return secret(f"of-{user}")


class Api(FakeTokenChecker):
    """
    An account API with moods.

    :ivar late: Whether it answers only when it is told to.
    :ivar ill: Whether it decides nothing.
    :ivar revoked: The tokens that it does not know any more.
    :ivar accepted: Every user and token that it ever found good.
    """

    def __init__(self) -> None:
        super().__init__()
        self.late = self.ill = False
        self.revoked: set[str] = set()
        self.accepted: set[tuple[int, str]] = set()
        self._undecided: deque[tuple[int, str, Deferred[None]]] = deque()

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:  # noqa: ARG002 - ITokenChecker's
        """Decide, now or later."""
        verdict: Deferred[None] = Deferred()
        if self.late:
            self._undecided.append((user_id, token, verdict))
        else:
            self._decide(user_id, token, verdict)
        return verdict

    @property
    def wanted(self) -> list[int]:
        """The users about whom somebody still waits for an answer."""
        return [user for user, _, verdict in self._undecided if not verdict.called]

    def decide(self) -> None:
        """Answer the oldest question."""
        if self._undecided:
            self._decide(*self._undecided.popleft())

    def _decide(self, user_id: int, token: str, verdict: Deferred[None]) -> None:
        owners = [user for user in range(10) if token_of(user) == token]
        if verdict.called:  # whoever asked has gone
            return
        if self.ill:
            verdict.errback(Refused(ErrorCode.AUTH_UNAVAILABLE, "nobody knows"))
        elif not owners or token in self.revoked:
            verdict.errback(Refused(ErrorCode.TOKEN_REJECTED, "no such token"))
        elif owners != [user_id]:
            verdict.errback(Refused(ErrorCode.USER_MISMATCH, "another's token"))
        else:
            self.accepted.add((user_id, token))
            verdict.callback(None)
