"""Every option that a page names is one."""

from __future__ import annotations

import re
from typing import Any, cast

from twisted.python import usage
from twisted.scripts.twistd import ServerOptions  # type: ignore[attr-defined] # picked by platform
from twisted.trial.unittest import SynchronousTestCase

from presence import ctl
from presence.options import Options
from tests.docs.pages import pages

OF_OTHERS = {
    "benchmarks/run": {"--only", "--plots", "--results", "--rounds"},
    "certbot": {"--elliptic-curve", "--key-type", "--standalone"},
    "curl": {"--json"},
    "docker run": {"--network", "--rm"},
    "sphinx": {"--keep-going"},
    "systemctl": {"--now"},
    "tests.conformance.echo": {"--interface", "--port"},
    "tests.fuzz": {"--seconds"},
    "useradd": {"--home-dir", "--shell", "--system"},
}
"""Options of programs that the pages name beside twistd and presencectl."""


def options_of(text: str) -> set[str]:
    """Return the long options that a text names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text))


def ours() -> set[str]:
    """Return the options in the help of ``twistd``, ``twistd presence`` and each command of presencectl."""
    commands: list[usage.Options] = [command[2]() for command in cast("list[Any]", ctl.Options.subCommands)]
    return options_of("\n".join(options.getUsage() for options in (ServerOptions(), Options(), *commands)))


class OptionTests(SynchronousTestCase):
    def test_options_exist(self) -> None:
        """The help of a program has every option that a page names."""
        known = ours().union(*OF_OTHERS.values())
        unknown = {name: options_of(text) - known for name, text in pages().items()}
        self.assertEqual({name: options for name, options in unknown.items() if options}, {})
