"""How what is sent to a connection goes out, and when it has stood still for too long."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.tcp import Connection

from presence.websocket.internals import Waiting, find_socket, look_at

LOOK_SECONDS = 1.0
"""How often a drain is looked at while it is watched."""

MOST_UNSENT_BYTES = 16 * 1024
"""How much the kernel takes of what it cannot send yet; by itself it would be megabytes."""

_NOTHING = Waiting()


class Drain:
    """
    Looks whether the other end takes what waits below a transport.

    What the kernel takes says nothing about the other end. But once the kernel has refused
    bytes, it takes more only when the other end took some.

    A transport without a socket, as tests have it, shows only that everything was sent.

    :param timeout_seconds: How long nothing may be taken while watched.
    :param at_once: Whether everything is offered to the kernel before it waits.
    :ivar moved_at: When the other end was last seen to take bytes that had to wait.
    """

    __slots__ = (
        "_at_once",
        "_clock",
        "_next_look",
        "_seen",
        "_socket",
        "_still_since",
        "_timeout_seconds",
        "moved_at",
    )

    def __init__(
        self,
        transport: object,
        timeout_seconds: float,
        clock: IReactorTime,
        *,
        at_once: bool,
    ) -> None:
        self._socket = find_socket(transport)
        self._at_once = at_once
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._seen = _NOTHING
        self._next_look: IDelayedCall | None = None
        self._still_since = 0.0
        self.moved_at = 0.0
        if self._socket is not None:
            _leave_little_to_the_kernel(self._socket)

    @property
    def held_up(self) -> bool:
        """Whether the kernel refused bytes when it was last looked at."""
        return self._seen.held_up

    def look(self) -> None:
        """See whether the other end took bytes since the last look."""
        if self._socket is None:
            return
        before, self._seen = self._seen, look_at(self._socket, at_once=self._at_once)
        if before.held_up and self._seen != before:
            self._move()

    def watch(self, stalled: Callable[[], None]) -> None:
        """
        Look again and again, because a lot waits.

        :param stalled: Is called when nothing was taken for the timeout.
        """
        self.look()
        self._still_since = self._clock.seconds()
        self._look_later(stalled)

    def rest(self) -> None:
        """Watch no longer, because everything was sent."""
        self.stop()
        self.look()
        if self._socket is None:
            self._move()

    def stop(self) -> None:
        """Watch no longer."""
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _move(self) -> None:
        self.moved_at = self._still_since = self._clock.seconds()

    def _look_later(self, stalled: Callable[[], None]) -> None:
        left = self._still_since + self._timeout_seconds - self._clock.seconds()
        self._next_look = self._clock.callLater(min(LOOK_SECONDS, left), self._look_again, stalled)

    def _look_again(self, stalled: Callable[[], None]) -> None:
        self._next_look = None
        self.look()
        if self._clock.seconds() < self._still_since + self._timeout_seconds:
            self._look_later(stalled)
        else:
            stalled()


def _leave_little_to_the_kernel(connection: Connection) -> None:
    # What waits in the kernel can no longer be replaced by newer news, and a ping waits behind it.
    with suppress(OSError):  # a UNIX socket has no such option
        connection.getHandle().setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MOST_UNSENT_BYTES)
