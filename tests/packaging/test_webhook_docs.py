"""What the documents tell those who receive webhooks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from presence.ops.receiver import name_of
from presence.ops.webhooks import MOST_EVENTS, Batch
from presence.roster.journal import PUBLICATIONS_REMEMBERED, Change

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.rst").read_text(encoding="utf-8")
SECRET = "an example of a secret"
(BODY,) = re.findall(r"^ +(\{\"time_ms\".*)$", TEXT, re.MULTILINE)


def code(language: str) -> str:
    """Return the first piece of code in a language."""
    _, _, rest = TEXT.partition(f".. code-block:: {language}\n\n")
    lines = re.match(r"(?: {4}.*\n|\n)+", rest)
    assert lines is not None
    return textwrap.dedent(lines[0])


def header(name: str) -> str:
    """Return a header of the example."""
    (value,) = re.findall(rf"^ +{name}: (.*)$", TEXT, re.MULTILINE)
    return str(value)


class ExampleTests(SynchronousTestCase):
    def test_body(self) -> None:
        """The example is what the daemon sends."""
        batch = Batch("5d0aab2a8e6a4f0c", 42, Change(40, 42, [7], [8]))
        self.assertEqual(batch.encode(1_700_000_000_000).decode(), BODY)

    def test_key(self) -> None:
        """The key of the example is that of its secret."""
        self.assertEqual(header("X-Pusher-Key"), name_of(SECRET))
        self.assertIn(f"signed with ``{SECRET}``", TEXT)

    def test_fields(self) -> None:
        """Every field has its row."""
        fields = {**json.loads(BODY), **json.loads(Batch("", 0, None).encode(0))}
        told = re.findall(r"^``(\w+)`` +[a-zA-Z`]", TEXT.partition("How to keep")[0], re.MULTILINE)
        self.assertEqual(set(told), set(fields))

    def test_figures(self) -> None:
        """The limits are those of the code."""
        self.assertIn(f"more than {PUBLICATIONS_REMEMBERED} lists", TEXT)
        self.assertIn(f"more than {MOST_EVENTS:,} events", TEXT)


class VerifierTests(SynchronousTestCase):
    def assert_verifies(self, program: str, *command: str) -> None:
        """Check that a program prints 1 for the example, and 0 with another body and another length."""
        signature = header("X-Pusher-Signature")
        for body, given, expected in (
            (BODY, signature, "1"),
            (BODY + " ", signature, "0"),
            (BODY, signature[1:], "0"),
        ):
            arguments = [json.dumps(text) for text in (body, given, SECRET)]
            call = program.replace("ARGUMENTS", ", ".join(arguments))
            run = subprocess.run([*command, call], capture_output=True, text=True, check=False)  # noqa: S603 - ours
            self.assertEqual((run.stdout.strip(), run.stderr), (expected, ""))

    def test_python(self) -> None:
        """What is shown for Python verifies the example, and nothing else."""
        call = "def check(body, *more): return is_genuine(body.encode(), *more)\nprint(int(check(ARGUMENTS)))"
        self.assert_verifies(f"{code('python')}\n{call}", sys.executable, "-c")

    def test_node(self) -> None:
        """What is shown for Node does the same."""
        node = shutil.which("node")
        if node is None:
            raise SkipTest("there is no node")
        call = "console.log(Number(isGenuine(ARGUMENTS)));"
        self.assert_verifies(f"{code('javascript')}\n{call}", node, "-e")

    def test_php(self) -> None:
        """What is shown for PHP does the same."""
        php = shutil.which("php")
        if php is None:
            raise SkipTest("there is no php")
        call = "echo (int) isGenuine(ARGUMENTS);"
        self.assert_verifies(f"{code('php')}\n{call}", php, "-r")
