"""
``presencectl``: a token, a test, a look, a message, an operator's hand and the daemon's options.

Every command is a ``usage.Options`` that runs itself in a ``Shell``. It exits with 0,
with 1 when it failed and with 2 when it was called wrongly, and says why in one line
on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from getpass import getpass
from importlib import import_module
from io import TextIOWrapper
from typing import Any, ClassVar, TypeVar

from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004 - Twisted's name
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IReactorCore
from twisted.internet.task import react
from twisted.python import usage

from presence.ctl.command import Command, Failed, Shell
from presence.wire.errors import Refused

T = TypeVar("T")


def _command(name: str) -> Callable[[], Command]:
    def make() -> Command:
        # Only now: half of the time that health takes would be that of Autobahn, which it does without.
        command: Command = getattr(import_module(f"presence.ctl.{name}"), name.capitalize())()
        return command

    return make


class Options(Command):
    """The command line of ``presencectl``."""

    synopsis = "COMMAND [options]"
    longdesc = "Talks to a presence daemon. Each command has a --help of its own, with examples."
    examples = (
        "token --user user@volunteer-vision.com > token",
        "smoke ws://127.0.0.1:8080/ --token-file token",
        "watch ws://127.0.0.1:8080/ --token-file token",
        """send ws://127.0.0.1:8080/ 2 '{"text": "hi"}' --token-file token""",
        "who --key-file key",
    )
    subCommands: ClassVar[list[list[Any]]] = [
        ["token", None, _command("token"), "Get an access token."],
        ["smoke", None, _command("smoke"), "Try everything once; exit with 0 if it works."],
        ["watch", None, _command("watch"), "See who comes and goes."],
        ["send", None, _command("send"), "Send a message to a user."],
        ["who", None, _command("who"), "Ask who is online, or what is known of a user."],
        ["kick", None, _command("kick"), "Close the connections of a user, or one of them."],
        ["health", None, _command("health"), "Exit with 0 if the daemon is ready."],
        ["genconfig", None, _command("genconfig"), "Print a file of all options of the daemon."],
        ["checkconfig", None, _command("checkconfig"), "Check such a file, and tell what is in effect."],
    ]

    def postOptions(self) -> None:
        """Check that there is a command."""
        if self.subCommand is None:
            *names, last = [name for name, *_ in self.subCommands]
            raise usage.UsageError(f"say what to do: {', '.join(names)} or {last}")


def main(argv: Sequence[str] | None = None, run: Callable[..., object] = react) -> None:
    """
    Run ``presencectl``, and exit.

    :param run: Runs a function of the reactor, as ``twisted.internet.task.react`` does.
    """
    if isinstance(sys.stdout, TextIOWrapper):  # which may know ASCII only
        sys.stdout.reconfigure(errors="replace")
    options = Options()
    try:
        options.parseOptions(argv)
    except usage.UsageError as problem:
        command = f"presencectl {options.subCommand}" if options.subCommand else "presencectl"
        text = str(problem).removeprefix("Parameter type enforcement failed: ").rstrip(".")
        sys.stderr.write(f"presencectl: {text}; see {command} --help\n")
        raise SystemExit(2) from None

    def start(reactor: Any) -> Deferred[None]:  # noqa: ANN401 - as in Shell
        shell = Shell(sys.stdin, sys.stdout, sys.stderr, os.environ, getpass, reactor)
        return end_with(reactor, Deferred.fromCoroutine(execute(options.subOptions, shell)))

    run(start)


async def execute(command: Command, shell: Shell) -> None:
    """
    Run a command.

    :raises SystemExit: Where it failed, or was interrupted.
    """
    try:
        await command.run(shell)
    except usage.UsageError as problem:
        shell.complain(f"{problem}")
        raise SystemExit(2) from None
    except Refused as refusal:
        shell.complain(f"refused: {refusal.code}; {refusal.text}")
        raise SystemExit(1) from None
    except Failed as problem:
        shell.complain(str(problem))
        raise SystemExit(1) from None
    except TimeoutError:
        shell.complain("the server did not reply in time")
        raise SystemExit(1) from None
    except BrokenPipeError:  # whoever read our output has seen enough
        raise SystemExit(1) from None
    except (CancelledError, ConnectingCancelledError):
        raise SystemExit(130) from None  # as the shell has it for Ctrl-C


def end_with(reactor: IReactorCore, running: Deferred[None]) -> Deferred[None]:
    """Cancel what runs when the reactor stops, and let the reactor wait for its end."""
    ended: Deferred[None] = Deferred()

    def cancel() -> Deferred[None]:
        running.cancel()
        return ended

    def end(result: T) -> T:
        ended.callback(None)
        return result

    reactor.addSystemEventTrigger("before", "shutdown", cancel)
    return running.addBoth(end)
