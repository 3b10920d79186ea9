"""Whether there is still somebody at the other end of a connection."""

from __future__ import annotations

from collections.abc import Callable

from presence.ticker import Ticker
from presence.websocket.draining import LOOK_SECONDS, Drain


class Liveness:
    """
    Sends a ping each interval, and drops a peer that gave no sign of life.

    That is one that was silent for the timeout after an interval, and had as long to answer
    a ping. Any byte that arrives is a sign of life, and so is any that the peer takes of
    what waits for it, because the ping waits behind it.

    :param ping: Is called to send a ping.
    :param drop: Is called to drop the peer.
    """

    __slots__ = (
        "_asked_at",
        "_doubted",
        "_drain",
        "_drop",
        "_heard_at",
        "_interval_seconds",
        "_next_look",
        "_ping",
        "_pinged_at",
        "_ticker",
        "_timeout_seconds",
    )

    def __init__(
        self,
        drain: Drain,
        interval_seconds: float,
        timeout_seconds: float,
        ticker: Ticker,
        ping: Callable[[], object],
        drop: Callable[[], object],
    ) -> None:
        self._drain = drain
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._ticker = ticker
        self._ping = ping
        self._drop = drop
        self._heard_at = self._pinged_at = ticker.seconds()
        self._asked_at = 0.0  # when the first ping after the last sign of life was sent
        self._doubted = False
        self._next_look = ticker.call_later(interval_seconds, self._look)

    def hear(self) -> None:
        """Note that a byte arrived."""
        self._heard_at = self._ticker.seconds()

    def stop(self) -> None:
        """Look no longer."""
        self._ticker.cancel(self._next_look, self._look)

    def _look(self) -> None:
        now = self._ticker.seconds()
        self._drain.look()
        waits_for_answer = self._asked_at > self._alive_at()
        if waits_for_answer and now >= self._dead_at():
            self._doubt()
            return
        self._doubted = False
        due_at = self._pinged_at + self._interval_seconds
        if now >= due_at:
            # On its beat, so that being a little late does not add up.
            self._pinged_at = due_at if now < due_at + self._interval_seconds else now
            if not waits_for_answer:
                self._asked_at = now
            self._ping()
        next_at = min(self._pinged_at + self._interval_seconds, self._dead_at())
        self._next_look = self._ticker.call_later(next_at - now, self._look)

    def _doubt(self) -> None:
        if self._doubted:
            self._drop()
            return
        self._doubted = True
        # After a stall of ours its bytes may wait to be read, which comes after the timers.
        # And who has a lot to read before the ping gets a moment to be seen doing so.
        grace_seconds = LOOK_SECONDS if self._drain.held_up else 0
        self._next_look = self._ticker.call_later(grace_seconds, self._look)

    def _alive_at(self) -> float:
        return max(self._heard_at, self._drain.moved_at)

    def _dead_at(self) -> float:
        return max(
            self._alive_at() + self._interval_seconds + self._timeout_seconds,
            self._asked_at + self._timeout_seconds,
        )
