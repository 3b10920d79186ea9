"""A session's token is checked again from time to time."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from presence.interfaces import ITokenChecker, Socket
from presence.ticker import Ticker
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import TokenRequired

RENEWAL_SECONDS = 60.0
"""How long a client whose token was refused may take to come with a new one."""

_SPREAD = 0.2


class Recheck:
    """
    Checks the token of one socket again and again, until it is refused or told to stop.

    Only a refusal counts. An account API that is ill says nothing about the token, nor
    does one that names another user than it did when the token was accepted.

    :param interval_seconds: The time between two checks, give or take a fifth; 0 for never.
    """

    __slots__ = (
        "_interval_seconds",
        "_random",
        "_socket",
        "_ticker",
        "_timer",
        "_token",
        "_tokens",
        "_verdict",
    )

    def __init__(
        self,
        socket: Socket,
        tokens: ITokenChecker,
        ticker: Ticker,
        random: Random,
        interval_seconds: float,
    ) -> None:
        self._socket = socket
        self._tokens = tokens
        self._ticker = ticker
        self._random = random
        self._interval_seconds = interval_seconds
        self._token = ""
        self._timer: tuple[int, Callable[[], None]] | None = None
        self._verdict: Deferred[None] | None = None

    def begin(self, token: str) -> None:
        """Look after this token from now on, and after no other."""
        self.stop()
        self._token = token
        if self._interval_seconds:
            spread = self._random.uniform(1 - _SPREAD, 1 + _SPREAD)
            self._call_later(self._interval_seconds * spread, self._check)

    def stop(self) -> None:
        """Look after no token any more."""
        timer, self._timer = self._timer, None
        if timer is not None:
            self._ticker.cancel(*timer)
        verdict, self._verdict = self._verdict, None
        if verdict is not None:
            verdict.cancel()

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timer = self._ticker.call_later(seconds, call), call

    def _check(self) -> None:
        self._timer = None
        socket = self._socket
        verdict = self._verdict = self._tokens.check(socket.user_id, self._token, socket.connection.place)
        verdict.addCallbacks(self._accepted, self._refused)
        verdict.addErrback(socket.connection.fail)

    def _accepted(self, _: None) -> None:
        self._verdict = None
        self.begin(self._token)

    def _refused(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        self._verdict = None
        problem = failure.value
        if not isinstance(problem, Refused):
            failure.raiseException()
        if problem.code is not ErrorCode.TOKEN_REJECTED:
            self.begin(self._token)
            return
        self._socket.connection.tell(TokenRequired(after=RENEWAL_SECONDS))
        self._call_later(RENEWAL_SECONDS, self._expired)

    def _expired(self) -> None:
        self._timer = None
        self._socket.connection.close(CloseCode.TOKEN_REVOKED)
