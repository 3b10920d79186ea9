"""Whether the daemon lives, and whether clients should be sent to it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.tokens.breaker import LEAST_CALLS, SHORTEST_BREAK_SECONDS
from presence.tokens.verdict import Undecided
from tests.ops.endpoint import Endpoint


class HealthTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Have an endpoint."""
        self.endpoint = Endpoint()

    def assert_not_ready(self, reason: str) -> None:
        """Check that there is this one reason against new clients."""
        response = self.endpoint.ask("GET /ready")
        self.assertEqual((response.status, response.json["ready"]), (503, False))
        self.assertEqual(list(response.json["reasons"]), [reason])

    def test_health(self) -> None:
        """A process that answers lives, whatever else is wrong."""
        self.endpoint.port.listens = False
        response = self.endpoint.ask("GET /health")
        self.assertEqual((response.status, response.json), (200, {"status": "ok"}))

    def test_ready(self) -> None:
        """It is ready when nothing speaks against it."""
        response = self.endpoint.ask("GET /ready")
        self.assertEqual((response.status, response.json), (200, {"ready": True, "reasons": {}}))

    def test_listening(self) -> None:
        """It is not ready without its ports."""
        self.endpoint.port.listens = False
        self.assert_not_ready("listening")

    def test_draining(self) -> None:
        """It is not ready as soon as it begins to end."""
        self.endpoint.service.startService()
        self.endpoint.service.stopService()
        self.endpoint.daemon.roster.ready = True
        self.assert_not_ready("draining")

    def test_account_api(self) -> None:
        """It is not ready while the account API is left alone; after that it takes a client to try it."""

        def fail() -> None:
            with self.endpoint.tokens.breaker.watch():
                raise Undecided("no answer", sick=True)

        for _ in range(LEAST_CALLS):
            self.assertRaises(Undecided, fail)
        self.assert_not_ready("account_api")
        self.endpoint.daemon.clock.advance(2 * SHORTEST_BREAK_SECONDS)
        self.assertEqual(self.endpoint.ask("GET /ready").status, 200)

    def test_roster(self) -> None:
        """It is not ready before it knows who is online."""
        self.endpoint.daemon.roster.stop()
        self.assert_not_ready("roster")
