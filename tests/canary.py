"""
Secrets that the tests plant, and a watch over every line that is logged during them.

Whatever the tests use for a token, a password, a payload, the query of a URL, or for a text in
the place of an id carries :data:`SECRET`. An event that tells it, in its line or in any of its
fields, at any level, written or dropped, makes the test that ran an error; so does a process of
a test that prints it. Hexadecimal and base64 do not hide it.

No secrets are what an operator needs to find out what happened: user ids and sockets' ids that
are what they should be, addresses, origins, and the references of faults.
"""

from __future__ import annotations

import traceback
from base64 import b64encode
from secrets import token_urlsafe

from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, eventAsText, globalLogPublisher
from twisted.python.failure import Failure
from twisted.python.reflect import safe_repr, safe_str
from zope.interface import provider

from presence import logs
from presence.logs import LevelLogger

SECRET = "canary-5b7f9e06c2d4"

SECRET_NUMBER = 5_109_372_846_150_937
"""For places where a text does not do."""


def _forms(text: str) -> set[str]:
    """Return a text as it is, in hexadecimal, and in base64 wherever in three bytes it begins."""
    data = text.encode()
    forms = {text, data.hex()}
    for before in range(3):
        end = (before + len(data)) * 8 // 6
        forms.add(b64encode(bytes(before) + data).decode()[(before * 8 + 5) // 6 : end])
    return forms


_secrets = _forms(SECRET) | _forms(str(SECRET_NUMBER))
_log = Logger("tests.canary")


class SecretTold(Exception):  # noqa: N818 - what happened
    """Something told a secret; the text of this does not."""


def secret(name: str) -> str:
    """Return a secret that can be told from others."""
    return f"{SECRET}-{name}"


def new_token() -> str:
    """Return a token that there never was before."""
    return secret(token_urlsafe())


TOKEN = secret("token")
PASSWORD = secret("password")


def keep(text: str) -> str:
    """Note a secret that was made up elsewhere, by a daemon perhaps, and return it."""
    _secrets.update(_forms(text))
    return text


def forget(text: str) -> None:
    """Note that it is a secret no longer."""
    _secrets.difference_update(_forms(text))


def tells(text: str) -> bool:
    """Return whether there is a secret in a text."""
    return any(known in text for known in _secrets)


def places_told(event: LogEvent) -> list[str]:
    """Return where an event tells a secret: the names of fields, and ``its line``."""
    texts = {"its line": eventAsText(event, includeTimestamp=False, includeSystem=False)}
    texts |= {name: _shown(value) for name, value in event.items()}
    return [place for place, text in texts.items() if tells(text)]


@provider(ILogObserver)
def watch(event: LogEvent) -> None:
    """Observe the log."""
    if places := places_told(event):
        level, namespace = event.get("log_level"), event.get("log_namespace")
        where = ", ".join(places)
        _complain(f"{level} of {namespace}, in {where}: {event.get('log_format')!r}")


def look_at(printed: str) -> None:
    """Look through what a process printed."""
    for line in printed.splitlines():
        if tells(line):
            _complain(f"printed: {line}")


def install() -> None:
    """Watch everything from now on."""
    globalLogPublisher.addObserver(watch)
    # What is below presence's level never gets there. It is looked at here, since a lower level
    # would last only until a test sets its own.
    LevelLogger.emit = _emit_and_watch  # type: ignore[assignment, method-assign]  # it takes whatever emit takes


emit = LevelLogger.emit
"""How presence logs when nobody watches."""


def _emit_and_watch(logger: LevelLogger, level: LogLevel, line: str, /, **fields: object) -> None:
    if level < LevelLogger.least:
        Logger(logger.namespace, observer=watch).emit(level, line, **fields)
    emit(logger, level, line, **fields)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Failure):
        return f"{value.getTraceback()} {safe_repr(value.value)}"
    return f"{safe_repr(value)} {safe_str(value)}"


def _complain(text: str) -> None:
    for known in sorted(_secrets, key=len, reverse=True):
        text = text.replace(known, "<secret>")
    calls = [call for call in traceback.extract_stack() if not _belongs_to_the_log(call.filename)]
    problem = SecretTold(f"{text}\n{calls[-1].filename}:{calls[-1].lineno}")
    # An error in the log is an error of the test that runs.
    _log.failure("a secret was told", failure=Failure(problem))


def _belongs_to_the_log(path: str) -> bool:
    return path in {__file__, logs.__file__} or "/twisted/logger/" in path or "/twisted/python/" in path
