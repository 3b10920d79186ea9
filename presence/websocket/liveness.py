"""Whether there is still somebody at the other end of a connection."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

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

    def __init__(
        self,
        drain: Drain,
        interval_seconds: float,
        timeout_seconds: float,
        clock: IReactorTime,
        ping: Callable[[], object],
        drop: Callable[[], object],
    ) -> None:
        self._drain = drain
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._ping = ping
        self._drop = drop
        self._heard_at = self._pinged_at = clock.seconds()
        self._asked_at = 0.0  # when the first ping after the last sign of life was sent
        self._next_look: IDelayedCall = clock.callLater(interval_seconds, self._look)

    def hear(self) -> None:
        """Note that a byte arrived."""
        self._heard_at = self._clock.seconds()

    def stop(self) -> None:
        """Look no longer."""
        if self._next_look.active():
            self._next_look.cancel()

    def _look(self) -> None:
        now = self._clock.seconds()
        self._drain.look()
        waits_for_answer = self._asked_at > self._alive_at()
        if waits_for_answer and now >= self._dead_at():
            # After a stall of ours its bytes may wait to be read, which comes after the timers.
            # And who has a lot to read before the ping gets a moment to be seen doing so.
            grace_seconds = LOOK_SECONDS if self._drain.held_up else 0
            self._next_look = self._clock.callLater(grace_seconds, self._drop_if_silent, self._alive_at())
            return
        if now >= self._pinged_at + self._interval_seconds:
            self._pinged_at = now
            if not waits_for_answer:
                self._asked_at = now
            self._ping()
        next_at = min(self._pinged_at + self._interval_seconds, self._dead_at())
        self._next_look = self._clock.callLater(next_at - now, self._look)

    def _alive_at(self) -> float:
        return max(self._heard_at, self._drain.moved_at)

    def _dead_at(self) -> float:
        return max(
            self._alive_at() + self._interval_seconds + self._timeout_seconds,
            self._asked_at + self._timeout_seconds,
        )

    def _drop_if_silent(self, alive_at: float) -> None:
        self._drain.look()
        if self._alive_at() == alive_at:
            self._drop()
        else:
            self._look()
