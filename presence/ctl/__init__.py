"""
``presencectl``: a token, a test, a look and a message, from the command line.

Every command is a ``usage.Options`` that runs itself in a ``Shell``. It exits with 0,
with 1 when it failed and with 2 when it was called wrongly, and says why in one line
on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from getpass import getpass
from typing import Any, ClassVar

from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004 - Twisted's name
from twisted.internet.task import react
from twisted.python import usage

from presence.client import ConnectionEnded, NotConnected
from presence.ctl.command import Command, Failed, Shell
from presence.ctl.send import Send
from presence.ctl.smoke import Smoke
from presence.ctl.token import Token
from presence.ctl.watch import Watch
from presence.wire.errors import Refused


class Options(Command):
    """The command line of ``presencectl``."""

    synopsis = "COMMAND [options]"
    longdesc = "Talks to a presence daemon. Each command has a --help of its own, with examples."
    examples = (
        "token --user user@volunteer-vision.com > token",
        "smoke ws://127.0.0.1:8080/ --token-file token",
        "watch ws://127.0.0.1:8080/ --token-file token",
        """send ws://127.0.0.1:8080/ 2 '{"text": "hi"}' --token-file token""",
    )
    subCommands: ClassVar = [
        ["token", None, Token, "Get an access token."],
        ["smoke", None, Smoke, "Try everything once; exit with 0 if it works."],
        ["watch", None, Watch, "See who comes and goes."],
        ["send", None, Send, "Send a message to a user."],
    ]

    def postOptions(self) -> None:
        """Check that there is a command."""
        if self.subCommand is None:
            raise usage.UsageError("say what to do: token, smoke, watch or send")


def main(argv: Sequence[str] | None = None, run: Callable[..., Any] = react) -> None:
    """
    Run ``presencectl``; exits.

    :param run: Runs a function of the reactor, like ``twisted.internet.task.react``.
    """
    options = Options()
    try:
        options.parseOptions(argv)
    except usage.UsageError as problem:
        _give_up(sys.stderr.write, problem, options.subCommand)
    run(lambda reactor: execute(options.subOptions, Shell(reactor=reactor)))
