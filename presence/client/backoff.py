"""How long a client waits before it connects again."""

from __future__ import annotations

from collections.abc import Callable

import attrs

SHORTEST_CEILING_SECONDS = 0.5
LONGEST_CEILING_SECONDS = 20.0


@attrs.define
class Backoff:
    """
    Pauses with full jitter: each is a random part of a ceiling that doubles from 0.5 to 20 s.

    Full jitter keeps the clients of a server that restarts from coming back in waves.
    An instance is a retry policy of ``ClientService``. It counts by itself, because
    ``ClientService`` starts from the beginning with each TCP connection, and a server
    may accept one just to turn it away.

    :param random: Returns a number from 0 up to 1, like :func:`random.random`.
    """

    _random: Callable[[], float]
    _ceiling: float = attrs.field(default=SHORTEST_CEILING_SECONDS, init=False)
    _hint: float = attrs.field(default=0.0, init=False)

    def __call__(self, _attempt: int) -> float:
        """Return the seconds to wait before the next attempt."""
        pause = self._hint + self._random() * self._ceiling
        self._hint = 0.0
        self._ceiling = min(2 * self._ceiling, LONGEST_CEILING_SECONDS)
        return pause

    def reset(self) -> None:
        """Begin again with the shortest ceiling."""
        self._ceiling = SHORTEST_CEILING_SECONDS

    def put_off(self, seconds: float) -> None:
        """Let the next pause take this much longer, because the server asked for it."""
        self._hint = seconds
