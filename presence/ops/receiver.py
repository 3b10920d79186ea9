"""
The server that gets the webhooks, by HTTP.

Each request is signed as Pusher signs its webhooks, so that what verifies those verifies these:
``X-Pusher-Signature`` is the HMAC-SHA256 of the body in hexadecimal, and ``X-Pusher-Key`` names
the secret. Common verifiers refuse a ``time_ms`` that is five minutes old, so it is the time of
the request, not that of the batch.

Twisted's own agent follows no redirects, keeps no cookies and decodes nothing.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer
from zope.interface import implementer

from presence import __version__
from presence.host.answers import TooLarge, read_body
from presence.host.deadline import add_deadline
from presence.host.reasons import describe
from presence.ops.webhooks import CONFLICT, FAILED, LATE, REFUSED, Batch, NotTaken

DEADLINE_SECONDS = 10.0
"""How long a request may take, from the connection to the end of the answer."""

_REMEDY = "see SSL_CERT_FILE"


def name_of(secret: str) -> str:
    """Return what goes for the key of a secret: it tells one from another, and nothing else."""
    return sha256(secret.encode()).hexdigest()[:16]


@implementer(IBodyProducer)
class _Body:
    """A body that is written at once: Twisted's producers take turns, on the global reactor."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def stopProducing(self) -> None:
        """Do nothing: all was produced."""

    def pauseProducing(self) -> None:
        """Do nothing either."""

    def resumeProducing(self) -> None:
        """Do nothing either."""


class Receiver:
    """
    Takes batches by ``POST``, and says by any status from 200 to 299 that it did.

    It may ask for a reset, by 409.

    :param secret: Signs the bodies.
    :param agent: Makes the requests; decides which certificates are good.
    """

    def __init__(self, url: str, secret: str, agent: IAgent, clock: IReactorTime) -> None:
        self._url = url.encode("ascii")
        self._secret = secret.encode()
        self._agent = agent
        self._clock = clock
        self._headers = Headers(
            {
                "Content-Type": ["application/json"],
                "User-Agent": [f"presence/{__version__}"],
                "X-Pusher-Key": [name_of(secret)],
            }
        )

    def post(self, batch: Batch) -> Deferred[None]:
        """Fire when the receiver has taken a batch; fails with ``NotTaken``, unless it is cancelled."""
        posted = Deferred.fromCoroutine(self._request(batch))
        add_deadline(posted, DEADLINE_SECONDS, _too_late, self._clock)
        return posted.addErrback(_explain)

    async def _request(self, batch: Batch) -> None:
        body = batch.encode(round(self._clock.seconds() * 1000))
        headers = self._headers.copy()
        headers.setRawHeaders("X-Pusher-Signature", [hmac.digest(self._secret, body, sha256).hex()])
        response = await self._agent.request(b"POST", self._url, headers, _Body(body))
        with suppress(TooLarge):  # it ends with its connection; the status counts
            await read_body(response)
        if not HTTPStatus.OK <= response.code < HTTPStatus.MULTIPLE_CHOICES:
            kind = CONFLICT if response.code == HTTPStatus.CONFLICT else REFUSED
            raise NotTaken(kind, f"the receiver answered {response.code}")


def _too_late(time: str) -> NotTaken:
    return NotTaken(LATE, f"no answer {time}")


def _explain(failure: Failure) -> Failure:
    if failure.check(NotTaken):
        return failure
    return Failure(NotTaken(FAILED, describe(failure.value, _REMEDY)))
