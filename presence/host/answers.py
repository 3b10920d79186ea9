"""Bodies of answers to our own requests, of bounded size."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss

LARGEST_BODY = 64 * 1024


class TooLarge(Exception):  # noqa: N818 - what happened
    """An answer is too large, and was not read to its end; the text is ours."""


def read_body(response: Any) -> Deferred[bytes]:  # noqa: ANN401 - treq has a class of its own
    """
    Fire with the body; fails with :class:`TooLarge` when it has more than 64 KiB.

    ``treq.content`` cannot be cancelled: a body that drips would run on after it. Here
    cancelling drops the connection.
    """
    body = _Body()
    response.deliverBody(body)
    return body.whole


class _Body(Protocol):
    transport: ITransport

    def __init__(self) -> None:
        self.whole: Deferred[bytes] = Deferred(lambda _: self._drop())
        self._bytes = bytearray()

    def dataReceived(self, data: bytes) -> None:
        """Keep what comes, up to the limit."""
        if self.whole.called:
            return
        self._bytes.extend(data)
        if len(self._bytes) > LARGEST_BODY:
            self.whole.errback(TooLarge(f"the answer has more than {LARGEST_BODY} bytes"))
            self._drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End; without a length or chunks, the end of the connection is the end of the body."""
        if self.whole.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(bytes(self._bytes))
        else:
            self.whole.errback(reason)

    def _drop(self) -> None:
        self.transport.loseConnection()
