"""Tests of ``presencectl`` as a program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

import presence
from presence.ctl import Options, end_with, main
from presence.wire.messages import SubscribeOk
from tests.canary import TOKEN
from tests.ctl.world import HELLO_OK, URL, Closed, CtlTestCase

COMMANDS = {
    **dict.fromkeys(("token", "smoke", "watch", "send"), "[default: http://127.0.0.1:8000]"),
    **dict.fromkeys(("who", "kick"), "[default: PRESENCE_OPS_KEY]"),
    **dict.fromkeys(("genconfig", "checkconfig"), "presence.toml"),
    "health": "URL is http://127.0.0.1:8081/ unless",
}
"""What the help of each command says of a default."""


class MainTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Listen to what is printed."""
        self.stdout, self.stderr = StringIO(), StringIO()
        self.patch(sys, "stdout", self.stdout)
        self.patch(sys, "stderr", self.stderr)

    def exit_code(self, *argv: str) -> object:
        """Run the program, which ends before it needs a reactor."""
        return self.assertRaises(SystemExit, main, argv).code

    def assert_usage_error(self, complaint: str, *argv: str) -> None:
        """Check that the program is called wrongly, and says so in one line."""
        self.assertEqual(self.exit_code(*argv), 2)
        self.assertEqual(self.stderr.getvalue(), f"presencectl: {complaint} --help\n")

    def test_version(self) -> None:
        """The version is presence's, with a command too."""
        for argv in (["--version"], ["smoke", "--version"]):
            self.assertEqual(self.exit_code(*argv), 0)
        self.assertEqual(self.stdout.getvalue(), f"presence {presence.__version__}\n" * 2)

    def test_help(self) -> None:
        """Every help has a synopsis, defaults and examples."""
        for command, default in COMMANDS.items():
            self.assertEqual(self.exit_code(command, "--help"), 0)
            text = self.stdout.getvalue()
            self.assertIn(f"Usage: presencectl {command} ", text)
            self.assertIn(default, " ".join(text.split()))
            self.assertIn(f"Examples:\n  presencectl {command} ", text)
            self.stdout.truncate(0)

    def test_help_of_all(self) -> None:
        """The help of the program lists the commands."""
        self.assertEqual(self.exit_code("--help"), 0)
        for command in COMMANDS:
            self.assertIn(f"\n    {command}", self.stdout.getvalue())

    def test_no_command(self) -> None:
        """Without a command there is nothing to do."""
        self.assert_usage_error(
            "say what to do: token, smoke, watch, send, who, kick, health, genconfig or checkconfig;"
            " see presencectl"
        )

    def test_arguments(self) -> None:
        """Missing arguments are explained by the help of the command."""
        self.assert_usage_error("Wrong number of arguments; see presencectl smoke", "smoke")

    def test_option(self) -> None:
        """An unknown option is named."""
        self.assert_usage_error("option --nix not recognized; see presencectl smoke", "smoke", URL, "--nix")

    def test_user(self) -> None:
        """A user id that is none is named."""
        for bad in ("x", "0"):
            self.stderr.truncate(0)
            self.stderr.seek(0)
            self.assert_usage_error(
                f"{bad} is no user id; give an integer from 1; see presencectl watch",
                "watch",
                URL,
                "-u",
                bad,
            )

    def test_addressee(self) -> None:
        """An addressee that is none is named."""
        self.assert_usage_error(
            "x is no user id; give an integer from 1; see presencectl send", "send", URL, "x", "1"
        )

    def test_operations(self) -> None:
        """What the commands of operators are not called for is named."""
        whom = "say whom: a user id, or --socket and its id; see presencectl kick"
        no_address = "ws://a is no address of the operations endpoint; http://127.0.0.1:8081/ is one"
        for complaint, *argv in (
            ("x is no user id; give an integer from 1; see presencectl who", "who", "x"),
            ("give one user at most, and one address; see presencectl who", "who", "1", "2"),
            ("x is no user id; give an integer from 1; see presencectl kick", "kick", "x"),
            (whom, "kick"),
            (whom, "kick", "7", "--socket", "5f"),
            (f"{no_address}; see presencectl health", "health", "ws://a"),
        ):
            self.stderr.truncate(0)
            self.stderr.seek(0)
            self.assert_usage_error(complaint, *argv)

    def test_no_user(self) -> None:
        """A token is somebody's."""
        self.assert_usage_error("say whose token, by --user; see presencectl token", "token")

    def test_api(self) -> None:
        """An address of an API that is none is named."""
        self.assert_usage_error(
            "api.example is no address of an API; http://127.0.0.1:8000 is one; see presencectl smoke",
            "smoke",
            URL,
            "--api",
            "api.example",
        )

    def test_poor_terminal(self) -> None:
        """A terminal that knows ASCII only gets what it can show."""
        shown = BytesIO()
        terminal = TextIOWrapper(shown, encoding="ascii", write_through=True)
        self.patch(sys, "stdout", terminal)
        main(["smoke", URL], lambda _: terminal.write("→"))
        self.assertEqual(shown.getvalue(), b"?")

    def test_quick(self) -> None:
        """What health does without, because a container starts it all the time, is not imported for it."""
        program = "import sys, presence.ctl.health; print('autobahn' in sys.modules)"
        run = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        self.assertEqual((run.stdout, run.stderr), ("False\n", ""))

    def test_runs(self) -> None:
        """A command is run with the reactor, in the shell of the process."""
        running: list[Deferred[None]] = []

        def run(start: Callable[[Any], Deferred[None]]) -> None:
            running.append(start(MemoryReactorClock()))

        self.patch(sys, "stdin", StringIO(""))
        main(["smoke", URL, "--token-file", "-"], run)
        self.assertEqual(self.failureResultOf(running[0], SystemExit).value.code, 2)
        self.assertIn("no access token", self.stderr.getvalue())


class OptionTests(SynchronousTestCase):
    def parse(self, *argv: str) -> Any:  # noqa: ANN401 - usage.Options is untyped
        """Return the options of a command."""
        options = Options()
        options.parseOptions(argv)
        return options.subOptions

    def test_anywhere(self) -> None:
        """Options may stand before and behind the arguments, long, short and shortened."""
        for argv in (
            ("-u", "7", "--token-file", "", URL),
            (URL, "--userid", "7", "-t", ""),
            (URL, "-u7", "--token="),
        ):
            options = self.parse("smoke", *argv)
            self.assertEqual((options["url"], options["userid"], options["token-file"]), (URL, 7, ""))

    def test_dash(self) -> None:
        """After two dashes nothing is an option."""
        self.assertEqual(self.parse("send", URL, "1", "--", "-5")["message"], "-5")


class InterruptTests(CtlTestCase):
    def test_ctrl_c(self) -> None:
        """A command that is interrupted ends with the exit code of Ctrl-C, without a complaint."""
        self.run_command("smoke", URL, "--userid", "2", PRESENCE_TOKEN=TOKEN)
        self.connect()
        self.running.cancel()
        self.flush()
        self.assertEqual(self.failureResultOf(self.running, SystemExit).value.code, 130)
        self.assertEqual((self.terminal.complaint, self.server.closed), ("", (1000, None)))

    def test_ctrl_c_early(self) -> None:
        """So does a command that is interrupted while it connects to the account API."""
        self.run_command("smoke", URL, PRESENCE_TOKEN=TOKEN)
        self.running.cancel()
        self.assertEqual(self.failureResultOf(self.running, SystemExit).value.code, 130)

    def test_nobody_reads(self) -> None:
        """A command whose output nobody reads any more ends without a complaint."""
        self.terminal.stdout = Closed()
        self.run_command("watch", URL, "--userid", "2", PRESENCE_TOKEN=TOKEN)
        self.connect()
        self.answered(HELLO_OK)
        self.answered(SubscribeOk(epoch="b7", version=1, resumed=False, online=[]))
        self.assertEqual(self.failureResultOf(self.running, SystemExit).value.code, 1)


class EndWithTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Run something."""
        self.reactor = MemoryReactorClock()
        self.cancelled: list[Deferred[None]] = []
        self.running: Deferred[None] = Deferred(self.cancelled.append)

    def stop_reactor(self) -> Deferred[None]:
        """Tell the reactor to stop, and return what it waits for."""
        end_with(self.reactor, self.running).addErrback(lambda _: None)
        ((trigger, args, kwargs),) = self.reactor.triggers["before"]["shutdown"]
        waits: Deferred[None] = trigger(*args, **kwargs)
        return waits

    def test_waits(self) -> None:
        """When the reactor stops, what runs is cancelled and waited for."""
        ended = self.stop_reactor()
        self.successResultOf(ended)

    def test_over(self) -> None:
        """What has ended already holds nothing up."""
        self.running.callback(None)
        self.successResultOf(self.stop_reactor())
        self.assertEqual(self.cancelled, [])
