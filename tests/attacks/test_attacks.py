"""No attack disturbs an honest client, brings the daemon down, or leaves anything behind."""

from __future__ import annotations

from collections import Counter

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.attacks.arena import PLAIN, TLS
from tests.attacks.honest import PATIENCE_SECONDS
from tests.attacks.waves import ATTACKS, attack_all

LEAST_ATTACKS = 100

MOST_MEMORY = 8 * 2**20
"""How much more memory, in bytes, the process may have after the same attacks once more."""


class AttackTests(TestCase):
    timeout = 300

    async def assert_withstands(self, over: str) -> None:
        """Assert that all attacks come to nothing."""
        outcome = await attack_all(reactor, over)
        self.assertEqual(outcome.problems, [])
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertGreater(outcome.rounds, 0)
        self.assertLess(outcome.worst_seconds, PATIENCE_SECONDS)
        first, second = outcome.memory_bytes
        self.assertLess(second - first, MOST_MEMORY)

    async def test_plain(self) -> None:
        """All attacks over plain TCP come to nothing, and nobody else notices them."""
        await self.assert_withstands(PLAIN)

    async def test_tls(self) -> None:
        """So do all attacks over TLS."""
        await self.assert_withstands(TLS)


class CountTests(SynchronousTestCase):
    def test_enough(self) -> None:
        """There are at least 100 attacks over each of plain TCP and TLS."""
        for over in (PLAIN, TLS):
            self.assertGreaterEqual(sum(over in attack.over for attack in ATTACKS), LEAST_ATTACKS)

    def test_names(self) -> None:
        """Each has a name of its own."""
        names = Counter(attack.name for attack in ATTACKS)
        self.assertEqual([name for name, count in names.items() if count > 1], [])

    def test_sentences(self) -> None:
        """Each says in a sentence what must come of it."""
        silent = [attack.name for attack in ATTACKS if not (attack.run.__doc__ or "").endswith(".")]
        self.assertEqual(silent, [])
