"""
Fakes for tests of the daemon, and for those who extend it.

They stand in for what is around the part under test: a client's connection, the account
API, and the time.
"""

from __future__ import annotations

from random import Random
from typing import Any, cast

import attrs
import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.admission.connections import Admission
from presence.admission.limits import Limits
from presence.admission.rates import Rates
from presence.backend import Backend
from presence.broadcast import Broadcast
from presence.config import Settings
from presence.deadlines import Deadlines
from presence.interfaces import Frame, FrameMaker, IConnection, IOutlet, ITokenChecker
from presence.relay import LocalRelay
from presence.requests import Requests
from presence.roster.embedded import EmbeddedRoster
from presence.session import Session
from presence.ticker import Ticker
from presence.wire.closing import CloseCode
from presence.wire.codec import encode, encode_ok, encode_refusal
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Event, GoingAway, Hello, Ok, Request


@implementer(IConnection, IOutlet)
class FakeConnection:
    """
    A connection that remembers what it was sent.

    :ivar received: Every message, decoded, in the order in which it was sent.
    :ivar closed_with: The code it was closed with.
    :ivar failures: The faults it was told of.
    :ivar paused: Set it to play a client that does not read.
    :ivar place: Set it to play a client of which it is known where it comes from.
    """

    def __init__(self, peer: str = "tcp4:192.0.2.1:1024") -> None:
        self.peer = peer
        self.paused = False
        self.outlet: IOutlet = self
        self.place: bytes | None = None
        self.received: list[dict[str, Any]] = []
        self.closed_with: CloseCode | None = None
        self.failures: list[Failure] = []

    def offer(self, frame: Frame) -> bool:
        """Take a frame, unless closed."""
        if self.closed_with is not None:
            return False
        self.received.append(msgspec.json.decode(cast("bytes", frame)))
        return True

    def reply(self, request: Request, reply: Ok) -> None:
        """Take a reply."""
        self.offer(Frame(encode_ok(reply, request)))

    def refuse(self, request: Request, refusal: Refused) -> None:
        """Take an error."""
        self.offer(Frame(encode_refusal(refusal, request)))

    def tell(self, event: Event) -> None:
        """Take an event."""
        self.offer(fake_frame(event))

    def fail(self, failure: Failure, request: Request | None = None) -> None:
        """Take a fault, as the real one does: tell the client, and close."""
        self.failures.append(failure)
        if request is not None:
            self.refuse(request, Refused(ErrorCode.INTERNAL, "internal error"))
        self.close(CloseCode.INTERNAL_ERROR)

    def close(self, code: CloseCode) -> None:
        """Close; the first code counts."""
        if self.closed_with is None:
            self.closed_with = code

    def send_away(self, after_seconds: float) -> None:
        """Take the event that says so, and close."""
        self.tell(GoingAway(after=after_seconds))
        self.close(CloseCode.SERVICE_RESTART)

    def take(self) -> list[dict[str, Any]]:
        """Return what was received since the last call."""
        received, self.received = self.received, []
        return received


def fake_frame(event: Event) -> Frame:
    """Make a frame as :class:`FakeConnection` takes it."""
    return Frame(encode(event))


@implementer(ITokenChecker)
@attrs.define
class FakeTokenChecker:
    """
    An account API that takes every token, until it is told to wait.

    :ivar waits: Whether checks wait until they are decided by the test.
    :ivar checks: The checks that wait, the oldest first; fire or fail them.
    :ivar asked: Every user and token that was asked for.
    :ivar places: Where each of those came from who asked.
    """

    waits: bool = False
    checks: list[Deferred[None]] = attrs.Factory(list)
    asked: list[tuple[int, str]] = attrs.Factory(list)
    places: list[bytes | None] = attrs.Factory(list)

    def check(self, user_id: int, token: str, place: bytes | None) -> Deferred[None]:
        """Take the token, or wait."""
        self.asked.append((user_id, token))
        self.places.append(place)
        if not self.waits:
            return succeed(None)
        check: Deferred[None] = Deferred()
        self.checks.append(check)
        return check


class FakeDaemon:
    """
    A whole daemon without sockets: real sessions, roster, relay and broadcast.

    :param settings: Its settings; by default nothing settles and no token is checked again.
    :param make_frame: Makes its frames; its connections must take them.
    :ivar clock: Its time; advance it.
    :ivar tokens: Its account API.
    :ivar checker: Who checks the tokens of sessions made from now on: ``tokens``, or what a test puts here.
    :cvar accesstoken: What those who say :meth:`hello` show for a token.
    :ivar admission: Counts its connections, if they are WebSockets.
    :ivar limits: Counts what was refused because there was too much of it.
    :ivar backend: What its platform may do.
    """

    accesstoken = "token"

    def __init__(self, settings: Settings | None = None, make_frame: FrameMaker = fake_frame) -> None:
        self.settings = settings or Settings(settle=0, token_recheck=0)
        self.clock = Clock()
        self.deadlines = Deadlines(self.clock)
        self.ticker = Ticker(self.clock, 0.001)
        self.random = Random(1)  # noqa: S311 - the same ids at each run
        self.tokens = FakeTokenChecker()
        self.checker: ITokenChecker = self.tokens
        self.roster = EmbeddedRoster(self.clock, self.random)
        self.broadcast = Broadcast(
            self.roster.journal,
            make_frame,
            self.clock,
            interval_seconds=self.settings.broadcast_interval,
            settle_seconds=self.settings.settle,
        )
        self.relay = LocalRelay(self.roster, make_frame, self.clock)
        self.limits = Limits(self.clock)
        self.rates = Rates(self.settings, self.limits, self.clock)
        self.admission = Admission(self.settings, self.limits, lambda: len(self.roster.sockets))
        self.requests = Requests(
            self.roster, self.relay, self.broadcast, self.limits, self.clock, self.settings
        )
        self.backend = Backend(self.roster, self.relay, self.clock)
        self.roster.start(self.broadcast)
        self.broadcast.start()

    def make_session(self, connection: IConnection) -> Session:
        """Return the session of a connection that is open."""
        return Session(
            connection,
            self.requests,
            self.checker,
            self.rates,
            self.clock,
            self.deadlines,
            self.ticker,
            self.random,
            self.settings,
        )

    def connect(self) -> FakeClient:
        """Return a client that has just connected."""
        return FakeClient(self)

    def hello(self, user_id: int, **fields: Any) -> FakeClient:  # noqa: ANN401 - HELLO's fields
        """Return a client that said HELLO, with its OK and its first list taken off."""
        client = self.connect()
        client.say(Hello(userid=user_id, accesstoken=self.accesstoken, **fields))
        client.take()
        return client


class FakeClient:
    """
    A client of a :class:`FakeDaemon`.

    :ivar connection: Its end at the daemon.
    """

    def __init__(self, daemon: FakeDaemon) -> None:
        self.connection = FakeConnection()
        self._session = daemon.make_session(self.connection)

    def say(self, request: Request) -> list[dict[str, Any]]:
        """Send a request; return what came back at once, and whatever came before it."""
        self._session.receive(request)
        return self.take()

    def inflate(self, size_bytes: int) -> None:
        """Send a message that comes compressed, of which nothing but the size is looked at."""
        self._session.receive_inflated(size_bytes)

    def send_malformed(self) -> None:
        """Send what is no request."""
        self._session.receive_malformed()

    def take(self) -> list[dict[str, Any]]:
        """Return what the client received since the last call."""
        return self.connection.take()

    def take_of(self, kind: str) -> list[dict[str, Any]]:
        """Return what the client received of one type, and drop the rest."""
        return [message for message in self.take() if message["type"] == kind]

    def stop_reading(self) -> None:
        """Read nothing any more, so that the connection is paused."""
        self.connection.paused = True

    def read_on(self) -> None:
        """Read everything, so that the connection drains."""
        self.connection.paused = False
        self._session.drained()

    def vanish(self, code: CloseCode | None = None) -> None:
        """End the connection; ``code`` is what the server closed it with, if it did."""
        self._session.closed(code)
