"""A daemon whose account API waits for the test, and clients at its door."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType
from twisted.trial.unittest import SynchronousTestCase

from presence.testing import FakeClient, FakeDaemon
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Hello
from tests.canary import TOKEN

Received = list[dict[str, Any]]

PLACE = bytes([192, 0, 2, 1])
"""Where a client comes from."""


class SessionTestCase(SynchronousTestCase):
    """Tests of what a client and the account API do to a session."""

    def setUp(self) -> None:
        """Make a daemon."""
        self.daemon = FakeDaemon()
        self.tokens = self.daemon.tokens
        self.clock = self.daemon.clock

    def checking(self, user_id: int = 1, **fields: Any) -> FakeClient:  # noqa: ANN401 - HELLO's fields
        """Return a client whose HELLO, of ref ``first``, is being checked."""
        self.tokens.waits = True
        client = self.daemon.connect()
        client.say(Hello(userid=user_id, accesstoken=TOKEN, ref="first", **fields))
        return client

    def accept(self) -> None:
        """Let the account API take the token of the oldest check."""
        self.tokens.checks.pop(0).callback(None)

    def refuse(self, code: ErrorCode = ErrorCode.TOKEN_REJECTED, after: float | UnsetType = UNSET) -> None:
        """Let the account API refuse the token of the oldest check."""
        self.tokens.checks.pop(0).errback(Refused(code, "no", after=after))

    def assert_nobody_came(self) -> None:
        """Check that nobody was ever online, nor is going to be."""
        self.clock.advance(60)
        self.assertEqual(self.daemon.roster.journal.version, 0)


def gist(received: Received) -> list[tuple[Any, Any]]:
    """Return what was received as pairs: its ref or its type, and ``OK`` or the code of the error."""
    return [
        (message.get("ref", message["type"]), message.get("code", message["type"])) for message in received
    ]
