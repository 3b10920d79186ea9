"""What a peer sees must not depend on the way that its bytes take."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.testing import FakeDaemon
from tests.websocket import peer


class PeerTestCase(SynchronousTestCase):
    """
    Tests of what a peer sees.

    :cvar fast_path: Whether on the fast path; ``test_without_fast_path`` runs the same tests off it.
    """

    fast_path = True

    def make_daemon(self, settings: Settings | None = None) -> FakeDaemon:
        """Return a daemon whose connections are WebSockets."""
        settings = settings or Settings(settle=0, token_recheck=0)
        return peer.make_daemon(attrs.evolve(settings, fast_path=self.fast_path))
