"""Clients that are told of others, and words for what they are told."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.testing import FakeClient, FakeDaemon
from presence.wire.messages import Goodbye, Position, SubscribeOnlineStatus

WINDOW = 0.25
QUIET = 60

Told = list[tuple[list[int], list[int]]]


class BroadcastTestCase(SynchronousTestCase):
    """A daemon that settled, with a window of a quarter of a second."""

    settings = Settings(settle=0, broadcast_interval=WINDOW, token_recheck=0)

    def setUp(self) -> None:
        """Make a daemon."""
        self.daemon = FakeDaemon(self.settings)
        self.clock = self.daemon.clock
        self.journal = self.daemon.roster.journal

    def quiet(self) -> None:
        """Let so much time pass that the next change is published at once."""
        self.clock.advance(QUIET)

    def come(self, *users: int) -> None:
        """Let users come."""
        for user in users:
            self.daemon.hello(user, broadcast=False)

    def flicker(self, user: int) -> None:
        """Let a user come and go."""
        self.daemon.hello(user, broadcast=False).say(Goodbye())

    def listener(self, user: int) -> FakeClient:
        """Return a client that gets the lists, after a quiet time."""
        client = self.daemon.hello(user)
        self.quiet()
        client.take()
        return client

    def watcher(self, user: int, users: list[int] | None = None) -> FakeClient:
        """Return a client that subscribed, and gets no lists, after a quiet time."""
        client = self.daemon.hello(user, broadcast=False)
        self.quiet()
        self.subscribe(client, users=users)
        return client

    def subscribe(
        self, client: FakeClient, *, users: list[int] | None = None, since: Position | None = None
    ) -> dict[str, Any]:
        """Let a client subscribe, and return the reply."""
        request = SubscribeOnlineStatus()
        if users is not None:
            request.users = users
        if since is not None:
            request.since = since
        (reply,) = client.say(request)
        return reply

    def here(self) -> Position:
        """Return the position of the published list."""
        return Position(self.journal.epoch, self.journal.version)

    def told(self, client: FakeClient) -> Told:
        """Return who came and who went, for each change a client was told of."""
        return [(event["wentOnline"], event["wentOffline"]) for event in client.take_of("onlineStatus")]

    def lists(self, client: FakeClient) -> list[list[int]]:
        """Return the lists that a client got."""
        return [event["online"] for event in client.take_of("onlineUsers")]
