"""
When the account API is left alone because it is sick; plain logic.

======= ====================================== =========================================
state   event                                  next
======= ====================================== =========================================
closed  half of the calls of late failed       open, for about a second
open    its time is over, and somebody calls   probing: this call is tried, no other
probing the call is answered                   closed
probing the call fails                         open, for about twice the time as before
probing the call is cancelled                  open, with its time over
======= ====================================== =========================================

A call that began in one state says nothing about a later one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import NoReturn

import attrs

from presence.logs import logger
from presence.tokens.verdict import Undecided, spread
from presence.wire.errors import Refused

LATE_SECONDS = 10.0
"""Which calls count: those that ended within this time."""

LEAST_CALLS = 20
"""How many of them it takes to judge."""

SHORTEST_BREAK_SECONDS = 1.0
LONGEST_BREAK_SECONDS = 30.0

_JITTER = (0.8, 1.2)

_log = logger(__name__)


@attrs.define(eq=False)
class _Closed:
    """
    Calls go through.

    :ivar ended: When each call of late ended, and whether it failed.
    :ivar failures: How many of them did.
    """

    ended: deque[tuple[float, bool]] = attrs.Factory(deque)
    failures: int = 0

    def add(self, now: float, *, failed: bool) -> bool:
        """Count a call; return whether half of the calls failed."""
        self.ended.append((now, failed))
        self.failures += failed
        while self.ended[0][0] <= now - LATE_SECONDS:
            self.failures -= self.ended.popleft()[1]
        return len(self.ended) >= LEAST_CALLS and 2 * self.failures >= len(self.ended)


@attrs.define(eq=False)
class _Open:
    """
    No call goes through.

    :ivar reason: Why the last call failed.
    :ivar seconds: How long this is to last, jitter apart.
    :ivar until: When one may be tried.
    """

    reason: str
    seconds: float
    until: float


@attrs.define(eq=False)
class _Probing:
    """One call is tried, after the API was left alone as ``before`` says."""

    before: _Open


class Breaker:
    """
    Watches calls, and stops them while too many fail.

    :param timer: Returns the seconds since any moment; going back is harmless.
    """

    def __init__(self, random: Random, timer: Callable[[], float]) -> None:
        self._random = random
        self._timer = timer
        self._seen = timer()
        self._passed = 0.0
        self._state: _Closed | _Open | _Probing = _Closed()

    @property
    def closed(self) -> bool:
        """Whether a call would go through now, if only to be tried after a break."""
        if isinstance(self._state, _Open):
            return self._now() >= self._state.until
        return isinstance(self._state, _Closed)

    def refuse_if_open(self) -> None:
        """
        Do nothing if a call would go through now.

        :raises Undecided: Otherwise; it says when to come back.
        """
        if isinstance(self._state, _Probing):
            self._refuse(self._state.before)
        if isinstance(self._state, _Open) and self._now() < self._state.until:
            self._refuse(self._state)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """
        Make a call inside of this.

        It failed if it raises an ``Undecided`` that is ``sick``, and was answered if it
        returns or raises another ``Refused``. Whatever else it raises, a cancellation above all,
        says nothing about the API.

        :raises Undecided: Where the call does not go through.
        """
        state = self._enter()
        try:
            yield
        except Undecided as problem:
            if problem.sick:
                self._failed(state, problem)
            else:
                self._answered(state)
            raise
        except Refused:
            self._answered(state)
            raise
        except BaseException:
            self._said_nothing(state)
            raise
        else:
            self._answered(state)

    def _enter(self) -> _Closed | _Probing:
        self.refuse_if_open()
        if isinstance(self._state, _Open):
            self._state = _Probing(self._state)
        return self._state

    def _answered(self, state: _Closed | _Probing) -> None:
        if isinstance(state, _Closed):
            state.add(self._now(), failed=False)
        else:
            self._state = _Closed()
            _log.info("the account API is well again")

    def _failed(self, state: _Closed | _Probing, problem: Undecided) -> None:
        if isinstance(state, _Probing):
            self._open(problem.reason, min(2 * state.before.seconds, LONGEST_BREAK_SECONDS))
        elif state.add(self._now(), failed=True) and state is self._state:
            self._open(problem.reason, SHORTEST_BREAK_SECONDS)
            _log.warn(
                "the account API is left alone: of the last {calls} requests {failures} failed,"
                " the latest because: {reason}",
                calls=len(state.ended),
                failures=state.failures,
                reason=problem.reason,
            )
        if isinstance(self._state, _Open):
            problem.after = max(problem.after or 0.0, self._after(self._state))

    def _said_nothing(self, state: _Closed | _Probing) -> None:
        if isinstance(state, _Probing):  # nobody but its one call ends it
            self._state = state.before

    def _open(self, reason: str, seconds: float) -> None:
        until = self._now() + seconds * self._random.uniform(*_JITTER)
        self._state = _Open(reason, seconds, until)

    def _refuse(self, state: _Open) -> NoReturn:
        raise Undecided(f"not asked; before that: {state.reason}", after=self._after(state))

    def _after(self, state: _Open) -> float:
        return spread(self._random, max(0.0, state.until - self._now()))

    def _now(self) -> float:
        # Only what passes forward counts, or a clock that is set back would keep it open.
        now = self._timer()
        self._passed += max(0.0, now - self._seen)
        self._seen = now
        return self._passed
