"""How an answer of the account API is taken in: as it is written, and never a large one."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from presence.tokens.verdict import Undecided

LARGEST_BODY = 64 * 1024


@implementer(IAgent)
class PlainAgent:
    """
    Asks for answers that are not encoded, and takes no others.

    treq always offers gzip and decodes what comes, a bomb too. It stands on top of this
    agent, so it gets nothing to decode.
    """

    def __init__(self, agent: IAgent) -> None:
        self._agent = agent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,  # noqa: N803 - IAgent's
    ) -> Deferred[IResponse]:
        """Make a request; fails with ``Undecided`` when the answer is encoded."""
        headers = Headers() if headers is None else headers.copy()
        headers.setRawHeaders(b"Accept-Encoding", [b"identity"])
        return self._agent.request(method, uri, headers, bodyProducer).addCallback(_refuse_encoded)


def _refuse_encoded(response: IResponse) -> IResponse:
    if response.headers.hasHeader(b"Content-Encoding"):
        response.deliverBody(_Unwanted())
        raise Undecided("the account API answered with an encoded body")
    return response


class _Unwanted(Protocol):
    """A body that nobody waits for; left alone, its connection would stay for ever."""

    transport: ITransport

    def connectionMade(self) -> None:
        self.transport.loseConnection()


def read_body(response: Any) -> Deferred[bytes]:  # noqa: ANN401 - treq's own class of IResponse
    """
    Fire with the body; fails with ``Undecided`` when it is too large.

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
            self.whole.errback(Undecided(f"the account API answered with more than {LARGEST_BODY} bytes"))
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
