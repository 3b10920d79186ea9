"""Twisted finds the daemon."""

from __future__ import annotations

from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase

from presence import tap


class PluginTests(SynchronousTestCase):
    def test_is_a_plugin(self) -> None:
        """One of Twisted's service makers is ours, and it leads to ``presence.tap``."""
        (maker,) = [maker for maker in getPlugins(IServiceMaker) if maker.tapname == "presence"]
        self.assertIs(maker.options, tap.Options)
        self.assertIs(maker.makeService, tap.makeService)
