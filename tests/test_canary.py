"""The watch over the log sees every secret, wherever it is told; and no test forgets to plant one."""

from __future__ import annotations

import ast
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from secrets import token_urlsafe
from unittest import TestResult

from twisted.internet.error import ProcessDone
from twisted.logger import Logger, LogLevel
from twisted.python import log
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from presence.logs import logger
from tests.canary import SECRET, SECRET_NUMBER, SecretTold, forget, keep, places_told, tells
from tests.real.processes import Running

TESTS = Path(__file__).parent
LOG_NOTHING = ("wire",)
"""Packages whose tests send nothing to anybody."""

_log = logger(__name__)


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a secret of one's own, so that it is no offence to find it in the log of the tests."""
        self.secret = keep(token_urlsafe())
        self.addCleanup(forget, self.secret)

    def assert_seen(self, *places: str) -> None:
        """Assert that one event was seen to tell the secret there, and that this is told without it."""
        (seen,) = self.flushLoggedErrors(SecretTold)
        text = seen.getTraceback()
        for place in places:
            self.assertIn(place, text)
        self.assertIn(f"{__file__}:", text)
        self.assertNotIn(self.secret, text)

    def test_levels(self) -> None:
        """A line is looked at whatever its level, also below the one from which it is written."""
        for level in LogLevel.iterconstants():
            for source in (_log, Logger("another.library")):
                source.emit(level, "hello {name}", name=self.secret)
                self.assert_seen("its line", "name", level.name)

    def test_field(self) -> None:
        """A field is looked at, however deep, also when the line does not show it."""
        for value in (self.secret, self.secret.encode(), [{"a": (self.secret,)}], ValueError(self.secret)):
            _log.info("hello", value=value)
            self.assert_seen("value")

    def test_text_of_failure(self) -> None:
        """The text of an exception is looked at."""
        _log.failure("oh", failure=Failure(ValueError(self.secret)))
        self.flushLoggedErrors(ValueError)
        self.assert_seen("its line", "log_failure")

    def test_traceback(self) -> None:
        """A traceback is looked at: it shows the lines of the program."""
        self.secret = keep("this very line")
        self.addCleanup(forget, self.secret)
        try:
            _ = 1 / 0  # this very line
        except ZeroDivisionError:
            log.err()
        self.flushLoggedErrors(ZeroDivisionError)
        self.assert_seen("its line")

    def test_old_log(self) -> None:
        """What is logged in Twisted's old way is looked at."""
        log.msg("hello", self.secret)
        self.assert_seen("its line")

    def test_number(self) -> None:
        """A number can be a secret."""
        self.assertEqual(places_told({"log_format": "{n}", "n": SECRET_NUMBER}), ["its line", "n"])

    def test_encoded(self) -> None:
        """A secret is seen through hexadecimal and base64, also in the middle of something."""
        for before in (b"", b"x", b"user:"):
            data = before + self.secret.encode() + b"\xff"
            self.assertTrue(tells(data.hex()))
            self.assertTrue(tells(b64encode(data).decode()))

    def test_no_secret(self) -> None:
        """What tells none is nobody's error."""
        _log.info("hello {user_id}", user_id=1)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_process(self) -> None:
        """What a process of a test printed is looked at when it has ended."""
        process = Running()
        process.childDataReceived(2, b"hello\n" + self.secret.encode())
        self.assertEqual(self.flushLoggedErrors(), [])
        process.processEnded(Failure(ProcessDone(0)))
        (seen,) = self.flushLoggedErrors(SecretTold)
        self.assertIn("printed: <secret>", seen.getErrorMessage())

    def test_error_of_the_test(self) -> None:
        """Trial makes the test that ran an error."""
        told = self.secret

        class Indiscreet(SynchronousTestCase):
            def runTest(self) -> None:
                _log.debug("hello {name}", name=told)

        result = TestResult()
        Indiscreet().run(result)
        self.assertEqual((result.testsRun, len(result.errors)), (1, 1))


class PlantingTests(SynchronousTestCase):
    def test_tokens(self) -> None:
        """A token that is written out in a test tells that it is one: write TOKEN, or secret("…")."""
        forgotten = [
            f"{path.relative_to(TESTS)}:{line}"
            for path in sorted(TESTS.rglob("*.py"))
            if path.relative_to(TESTS).parts[0] not in LOG_NOTHING and path != Path(__file__)
            for line in _plain_tokens(ast.parse(path.read_text()))
        ]
        self.assertEqual(forgotten, [])

    def test_it_is_found(self) -> None:
        """A token that is no secret is found in each of the ways in which tests write one."""
        for text in (
            'Hello(userid=1, accesstoken="plain")',
            'client.hello(1, "plain")',
            'checker.check(1, "plain")',
            """say(b'{"type":"HELLO","accesstoken":"plain"}')""",
            'ask({"type": "HELLO", "accesstoken": "plain"})',
        ):
            self.assertEqual(list(_plain_tokens(ast.parse(text))), [1], text)
            self.assertEqual(list(_plain_tokens(ast.parse(text.replace("plain", SECRET)))), [])


_IN_JSON = re.compile(r'"accesstoken": ?"([\w-]+)')


def _plain_tokens(tree: ast.Module) -> Iterator[int]:
    """Find the lines with tokens that are no secrets."""
    for node in ast.walk(tree):
        for token in _tokens(node):
            if isinstance(token, ast.Constant) and isinstance(token.value, str) and not tells(token.value):
                yield token.lineno
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode(errors="replace")
            if (found := _IN_JSON.search(text)) and not tells(found[1]):
                yield node.lineno


def _tokens(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.keyword) and node.arg == "accesstoken":
        yield node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "accesstoken":
                yield value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from node.args[1:2] if node.func.attr in {"hello", "check"} else ()
