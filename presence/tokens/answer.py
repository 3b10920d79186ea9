"""How an answer of the account API is taken in: as it is written."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from presence.tokens.verdict import Undecided


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
