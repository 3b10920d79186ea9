"""
How the account API of the demo misbehaves, for tests.

Only who holds its :class:`Faults` can make it; nothing of this can be reached over HTTP.
"""

from __future__ import annotations

import gzip
from enum import Enum, auto
from http import HTTPStatus
from typing import cast

import attrs
from twisted.internet.interfaces import IReactorTime, ITCPTransport
from twisted.internet.task import LoopingCall
from twisted.web.server import Request

LARGE_BODY_BYTES = 10_000_000
"""The least size of ``HUGE``, and of ``GZIP_BOMB`` for whoever decodes it."""


class Fault(Enum):
    """
    How ``GET /users/me`` misbehaves.

    :cvar ERROR: It fails by itself.
    :cvar TOO_MANY_REQUESTS: It asks for patience.
    :cvar REDIRECT: It sends the asker elsewhere.
    :cvar WRONG_ID: It names somebody else.
    :cvar TRUNCATED: Its answer ends too early, but looks whole.
    :cvar HUGE: Its answer is right, and very long.
    :cvar GZIP_BOMB: Its answer is right, short, and very long when decoded.
    :cvar DRIP: Its answer never ends.
    :cvar HANG: It says nothing, on a connection that stays.
    :cvar DROP: It closes the connection without an answer.
    :cvar RESET: It breaks the connection.
    """

    NONE = auto()
    ERROR = auto()
    TOO_MANY_REQUESTS = auto()
    REDIRECT = auto()
    WRONG_ID = auto()
    TRUNCATED = auto()
    HUGE = auto()
    GZIP_BOMB = auto()
    DRIP = auto()
    HANG = auto()
    DROP = auto()
    RESET = auto()


@attrs.define
class Faults:
    """
    Switches that make ``GET /users/me`` misbehave; change them at any time.

    :ivar fault: What it does instead of its job.
    :ivar delay_seconds: How long it waits first.
    :ivar retry_after_seconds: What it hints at with ``TOO_MANY_REQUESTS``.
    """

    fault: Fault = Fault.NONE
    delay_seconds: float = 0.0
    retry_after_seconds: int = 7


def respond(request: Request, body: bytes, faults: Faults, clock: IReactorTime) -> None:
    """
    Send a response, or do with it whatever the fault says.

    :param body: The right answer, whose head is set already.
    """
    match faults.fault:
        case Fault.HANG:
            pass
        case Fault.DROP:
            request.loseConnection()
        case Fault.RESET:
            cast("ITCPTransport", request.channel.transport).abortConnection()
        case Fault.DRIP:
            _drip(request, body, clock)
        case _:
            body = _spoil(request, body, faults)
            request.setHeader("Content-Length", str(len(body)))
            request.write(body)
            request.finish()


def _spoil(request: Request, body: bytes, faults: Faults) -> bytes:
    match faults.fault:
        case Fault.ERROR:
            request.setResponseCode(HTTPStatus.INTERNAL_SERVER_ERROR)
        case Fault.TOO_MANY_REQUESTS:
            request.setResponseCode(HTTPStatus.TOO_MANY_REQUESTS)
            request.setHeader("Retry-After", str(faults.retry_after_seconds))
        case Fault.REDIRECT:
            request.redirect(request.uri)
        case Fault.TRUNCATED:
            return body[: len(body) // 2]
        case Fault.HUGE:
            return body + b" " * LARGE_BODY_BYTES
        case Fault.GZIP_BOMB:
            request.setHeader("Content-Encoding", "gzip")
            return gzip.compress(body + b" " * LARGE_BODY_BYTES)
    return body


def _drip(request: Request, body: bytes, clock: IReactorTime) -> None:
    request.responseHeaders.removeHeader("Content-Length")
    request.write(body)
    dripping = LoopingCall(request.write, b" ")
    dripping.clock = clock
    dripping.start(0.1)
    request.notifyFinish().addErrback(lambda _: dripping.stop())
