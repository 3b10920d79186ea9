"""What happened last, for the operator page."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.ops.recent import TRANSITIONS_TOLD
from presence.websocket.traffic import Refusal
from presence.wire.messages import Goodbye
from tests.ops.endpoint import Endpoint


class RecentTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an endpoint where nothing has happened."""
        self.endpoint = Endpoint(Settings(settle=0))
        self.daemon = self.endpoint.daemon

    def get(self, name: str) -> Any:  # noqa: ANN401 - the point of JSON
        """Ask for it."""
        return self.endpoint.ask_with_key(f"GET /api/v1/{name}").json


class TransitionsTests(RecentTestCase):
    def test_transitions(self) -> None:
        """Comings and goings of all users are told with their causes, the latest first."""
        self.daemon.hello(7).say(Goodbye())
        self.daemon.clock.advance(1)
        self.daemon.hello(8)
        expected = [
            {"at": 1.0, "to": "online", "cause": "hello", "version": 3, "id": 8},
            {"at": 0.0, "to": "offline", "cause": "goodbye", "version": 2, "id": 7},
            {"at": 0.0, "to": "online", "cause": "hello", "version": 1, "id": 7},
        ]
        self.assertEqual(self.get("transitions")["transitions"], expected)

    def test_position(self) -> None:
        """They come with the position of the published list, from which the stream can be followed."""
        self.daemon.hello(7)
        self.daemon.clock.advance(0)
        self.daemon.hello(8)
        answer = self.get("transitions")
        self.assertEqual((answer["epoch"], answer["version"]), (self.daemon.roster.journal.epoch, 1))

    def test_bounded(self) -> None:
        """Only the last are told."""
        for user in range(1, TRANSITIONS_TOLD + 2):
            self.daemon.hello(user, broadcast=False)
        users = [one["id"] for one in self.get("transitions")["transitions"]]
        self.assertEqual(users, list(range(TRANSITIONS_TOLD + 1, 1, -1)))


class RefusalsTests(RecentTestCase):
    def test_refusals(self) -> None:
        """Refusals are told with the address and the code, the latest first; a close code is explained."""
        refusals = self.endpoint.parts.traffic.refusals
        refusals.append(Refusal(1.0, "tcp4:192.0.2.1:1024", "token_rejected"))
        refusals.append(Refusal(2.0, "tcp4:192.0.2.2:1024", "4409"))
        expected = [
            {
                "at": 2.0,
                "peer": "tcp4:192.0.2.2:1024",
                "code": "4409",
                "reason": "too many sockets of this user",
            },
            {"at": 1.0, "peer": "tcp4:192.0.2.1:1024", "code": "token_rejected"},
        ]
        self.assertEqual(self.get("refusals"), {"refusals": expected})


class AccessTests(RecentTestCase):
    def test_key(self) -> None:
        """Both say whose users come from where, so they need the key."""
        for name in ("transitions", "refusals"):
            self.assertEqual(self.endpoint.ask(f"GET /api/v1/{name}").status, 401)

    def test_no_parameters(self) -> None:
        """A parameter that would do nothing is refused."""
        for name in ("transitions", "refusals"):
            self.assertEqual(self.endpoint.ask_with_key(f"GET /api/v1/{name}?limit=1").status, 422)
