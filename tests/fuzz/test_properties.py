"""The properties hold for some examples; ``python -m tests.fuzz`` tries more of them."""

from __future__ import annotations

from hypothesis import settings
from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.properties import PROPERTIES

EXAMPLES = 150


class PropertyTests(SynchronousTestCase):
    def test_streams(self) -> None:
        """Whatever bytes a client sends, it is answered by the book, and nothing is left of it."""
        PROPERTIES["streams"](settings(max_examples=EXAMPLES), None)

    def test_sessions(self) -> None:
        """Whatever clients do to each other and the daemon, each gets what it was promised."""
        PROPERTIES["sessions"](settings(max_examples=EXAMPLES), None)
