"""The ways of time in tests of what has a deadline."""

from __future__ import annotations

from twisted.internet.task import Clock


def pass_time(clock: Clock, seconds: float) -> None:
    """Let time pass as it does for a reactor that has little to do, second by second."""
    while seconds > 0:
        clock.advance(min(seconds, 1.0))
        seconds -= 1.0
