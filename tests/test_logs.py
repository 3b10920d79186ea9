"""The log as lines of JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NoReturn

from twisted.logger import ILogObserver, Logger, LogLevel, LogPublisher
from twisted.python import log as legacy
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from presence.logs import JsonLines, Unforeseen, json_lines, without_text
from tests.canary import SECRET


class Code(IntEnum):
    GONE = 7


class Derived(int):
    pass


class Malicious(str):
    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Fail."""
        raise RuntimeError


class Full(io.BytesIO):
    def write(self, _: object) -> int:
        """Fail as a full disk does."""
        raise OSError


def fail() -> NoReturn:
    """Raise what has a secret in its text."""
    raise KeyError(SECRET)


def failure() -> Failure:
    """Return a failure whose text is a secret."""
    try:
        fail()
    except KeyError:
        return Failure()


class JsonTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Observe events of our own alone."""
        self.stream = io.BytesIO()
        self.observe = JsonLines(self.stream)
        self.log = Logger("presence.x", observer=LogPublisher(self.observe))

    def line(self) -> dict[str, Any]:
        """Return the one line that was written."""
        text = self.stream.getvalue()
        self.assertEqual((text.count(b"\n"), text[-1:]), (1, b"\n"))
        fields: dict[str, Any] = json.loads(text)
        return fields


class JsonLinesTests(JsonTestCase):
    def test_head(self) -> None:
        """A line begins with when, how grave, where and what."""
        self.observe(
            {
                "log_time": 1.2345,
                "log_level": LogLevel.warn,
                "log_namespace": "presence.x",
                "log_format": "{a} of {b!r}",
                "a": 1,
                "b": "two",
            }
        )
        self.assertEqual(
            list(self.line().items()),
            [
                ("time", "1970-01-01T00:00:01.234Z"),
                ("level", "warn"),
                ("namespace", "presence.x"),
                ("message", "1 of 'two'"),
                ("a", 1),
                ("b", "two"),
            ],
        )

    def test_fields(self) -> None:
        """Scalars are written by their names, and nothing else is."""
        kept = {"text": "ä\n{}", "yes": True, "none": None, "share": 0.5, "code": Code.GONE, "big": 2**64 - 1}
        self.log.info("x", **kept, bytes=b"", list=[1], object=object(), huge=2**64)
        self.assertEqual({name: self.line().get(name) for name in kept}, kept)
        self.assertLessEqual(set(self.line()), {"time", "level", "namespace", "message", *kept})

    def test_reserved(self) -> None:
        """A field of the event cannot take the place of what each line has."""
        self.log.info("x", message="y", time="z")
        self.assertEqual((self.line()["message"], self.line()["time"][-1]), ("x", "Z"))

    def test_one_line(self) -> None:
        """An event is one line, and Unicode, whatever is in it."""
        self.log.info("{text}", text="a\nb\r\u2028\ud800")
        self.assertEqual(self.line()["message"], "a\nb\r\u2028\\ud800")

    def test_derived(self) -> None:
        """A type that is derived from a number is not a reason to lose the line."""
        self.log.info("x", number=Derived(7))
        self.assertEqual((self.line()["message"], self.line()["number"]), ("x", "7"))

    def test_no_format(self) -> None:
        """An event without words is a line too."""
        self.observe({"log_time": 0.0})
        self.assertEqual((self.line()["level"], self.line()["message"]), ("info", ""))

    def test_never_raises(self) -> None:
        """An event that cannot be written leaves a line that says so."""
        events: tuple[dict[Any, Any], ...] = ({}, {"log_time": "soon"}, {"log_time": 0.0, Malicious("a"): 1})
        for event in events:
            self.stream.truncate(0)
            self.stream.seek(0)
            self.observe(event)
            self.assertEqual((self.line()["level"], self.line()["namespace"]), ("error", "presence.logs"))

    def test_nowhere_to_write(self) -> None:
        """A stream that is full or closed is no reason to raise."""
        closed = io.BytesIO()
        closed.close()
        for stream in (Full(), closed):
            JsonLines(stream)({"log_time": 0.0})

    def test_by_name(self) -> None:
        """``twistd --logger`` gets an observer by calling the name."""
        self.assertTrue(verifyObject(ILogObserver, json_lines()))


class FailureTests(JsonTestCase):
    def assert_told(self, message: str, act: Callable[[], object]) -> None:
        """Assert that a failure is told by its kind and its place, and not by its text."""
        act()
        fields = self.line()
        self.assertEqual((fields["message"], fields["failure"]), (message, "KeyError"))
        self.assertIn("in failure", fields["traceback"])
        self.assertNotIn(SECRET, self.stream.getvalue().decode())

    def test_failure(self) -> None:
        """Of a failure the kind and the place are told."""
        self.assert_told("x", lambda: self.log.failure("x", failure()))

    def test_in_the_message(self) -> None:
        """The text of an exception does not come in by the message."""
        self.assert_told("x KeyError", lambda: self.log.failure("x {log_failure.value}", failure()))

    def test_legacy(self) -> None:
        """Nor does it from those who log as Twisted once did, whether they say why or not."""
        publisher = legacy.LogPublisher(publishPublisher=LogPublisher(self.observe))
        for why, message in ((None, "unhandled error"), ("x", "x")):
            self.stream.truncate(0)
            self.stream.seek(0)
            event = {"failure": failure(), "why": why, "isError": 1}
            self.assert_told(message, lambda event=event: publisher.msg(**event))  # type: ignore[misc]

    def test_without_text(self) -> None:
        """What has lost its text already still tells its kind."""
        self.assert_told("x", lambda: self.log.failure("x", without_text(failure())))

    def test_nothing(self) -> None:
        """A failure that was never raised has no place."""
        self.log.failure("x", Failure(Unforeseen("Kind")))
        self.assertEqual((self.line()["failure"], self.line()["traceback"]), ("Kind", ""))
