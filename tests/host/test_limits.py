"""How many files the process may have open."""

from __future__ import annotations

import resource

from twisted.trial.unittest import SynchronousTestCase

from presence.host.limits import file_limit, most_connections, raise_file_limit


class FileLimitTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Keep the limits of this process."""
        self.before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, self.before)

    def test_raised(self) -> None:
        """The process may have as many files open as it may ask for."""
        hard = self.before[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1000, hard), hard))
        raise_file_limit()
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), (hard, hard))

    def test_known(self) -> None:
        """How many that are is known before."""
        self.assertEqual(file_limit(), self.before[1])

    def test_kept(self) -> None:
        """Some files are kept for what is no client, and some for clients that are turned away."""
        self.assertEqual(most_connections(1024), 806)
        self.assertEqual(most_connections(100), 1)
