"""A client that stays connected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from typing import Any, TypeVar

import attrs
from autobahn.twisted.websocket import WebSocketClientFactory
from msgspec import UNSET, Raw, UnsetType
from msgspec.json import encode
from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure
from zope.interface import implementer

from presence.client.backoff import LONGEST_CEILING_SECONDS, Backoff
from presence.client.connection import ABNORMAL, Connection, Direction, NotConnected
from presence.logs import logger
from presence.wire.messages import (
    MOST_USERS_PER_PAGE,
    SUBPROTOCOL,
    Event,
    GetAllOnline,
    GoingAway,
    Goodbye,
    Hello,
    HelloOk,
    Ok,
    OnlinePage,
    Ping,
    Position,
    Request,
    SendMessageToUser,
    SendOk,
    SubscribeOk,
    SubscribeOnlineStatus,
    UnsubscribeOnlineStatus,
)

_log = logger(__name__)

K = TypeVar("K", bound=Ok)


def _ignore(*_: object) -> None:
    pass


@attrs.define(eq=False, repr=False)  # the URL may hold a token
class PresenceClient:
    """
    A client of the daemon that connects, and comes back when the connection is lost.

    Every request returns a Deferred of the reply. It fails with

    - ``Refused`` (``presence.wire.errors``) when the server said ``ERROR``. A code that
      is newer than this client is given as ``internal``, with its name in the text.
    - ``ConnectionEnded`` when the connection ended first,
    - ``NotConnected`` when there is none, and nothing was sent,
    - ``TimeoutError`` (``twisted.internet.defer``) when no reply came in time,
    - ``CancelledError`` when it was cancelled; the server is not told.

    After a close code 44xx it does not come back: change what the code asks for and
    call :meth:`start` again.

    :param url: ``ws://host[:port]/`` or ``wss://…``.
    :param on_connected: Called without arguments each time a connection is open. It has
        no user yet; the place to say :meth:`hello` and subscribe.
    :param on_event: Called with each event of ``presence.wire.messages``.
    :param on_disconnected: Called with a close code and a reason each time a connection
        ended or could not be made; 1006 stands for everything without a close frame.
    :param on_frame: Called with ``"in"`` or ``"out"`` and the text of each frame. The
        text of a ``HELLO`` holds the access token.
    :param timeout_seconds: How long a request may wait for its reply. A daemon that has just
        started answers some only when its list has settled, which a crowd can make 35 seconds.
    :param trust_root: Who vouches for the server of a ``wss`` URL, a ``Certificate`` or
        what ``trustRootFromCertificates`` of ``twisted.internet.ssl`` returns; without
        it, the authorities of the platform.
    :param random: Returns a number from 0 up to 1, like :func:`random.random`.
    :raises ValueError: Where the URL is not a WebSocket's.
    """

    url: str
    _on_connected: Callable[[], object] = attrs.field(default=_ignore, kw_only=True)
    _on_event: Callable[[Event], object] = attrs.field(default=_ignore, kw_only=True)
    _on_disconnected: Callable[[int, str], object] = attrs.field(default=_ignore, kw_only=True)
    _on_frame: Callable[[Direction, str], object] = attrs.field(default=_ignore, kw_only=True)
    _timeout_seconds: float = attrs.field(default=45.0, kw_only=True)
    _trust_root: Any = attrs.field(default=None, kw_only=True)  # Twisted keeps the type to itself
    _random: Callable[[], float] = attrs.field(kw_only=True)
    _reactor: Any = attrs.field(kw_only=True)  # IReactorTCP, IReactorTime and the name resolver in one
    _backoff: Backoff = attrs.field(init=False)
    _service: ClientService = attrs.field(init=False)
    _connection: Connection | None = attrs.field(default=None, init=False)
    _opened_at: float = attrs.field(default=inf, init=False)

    def start(self) -> None:
        """Connect, and go on until :meth:`stop` or a close code 44xx."""
        self._service.startService()

    def stop(self) -> Deferred[None]:
        """Close with 1000 and stay away; the Deferred fires at the end, in a few seconds at most."""
        return Deferred.fromCoroutine(self._stop())

    # The requests of the protocol.

    def hello(
        self,
        userid: int,
        accesstoken: str,
        *,
        broadcast: bool | UnsetType = UNSET,
        client: str | UnsetType = UNSET,
    ) -> Deferred[HelloOk]:
        """
        Identify this connection as a user; again, with a new token, to stay longer.

        :param broadcast: Whether to be told the whole list at each change.
        :param client: A label of this client, for the operator.
        """
        return self._ask(
            Hello(userid=userid, accesstoken=accesstoken, broadcast=broadcast, client=client), HelloOk
        )

    def send_message_to_user(
        self,
        id: int,  # noqa: A002 - the protocol's name
        message: object,
        *,
        key: str | UnsetType = UNSET,
    ) -> Deferred[SendOk]:
        """
        Send a message to every socket of a user.

        :param message: Anything that ``msgspec`` can write as JSON; a ``msgspec.Raw``
            of JSON goes out as it is.
        :param key: Reaches the receivers as it is; with it they know a message that came twice.
        :raises TypeError: Where it cannot be written as JSON.
        """
        payload = message if isinstance(message, Raw) else Raw(encode(message))
        return self._ask(SendMessageToUser(id=id, message=payload, key=key), SendOk)

    def subscribe_online_status(
        self,
        *,
        users: Iterable[int] | UnsetType = UNSET,
        since: Position | UnsetType = UNSET,
    ) -> Deferred[SubscribeOk]:
        """
        Be told by ``OnlineStatus`` events who comes and goes.

        :param users: Only these, 1000 at most.
        :param since: Where the list one has already is from.
        """
        chosen = users if isinstance(users, UnsetType) else list(users)
        return self._ask(SubscribeOnlineStatus(users=chosen, since=since), SubscribeOk)

    def unsubscribe_online_status(self) -> Deferred[Ok]:
        """Be told no longer."""
        return self._ask(UnsubscribeOnlineStatus(), Ok)

    def get_all_online(
        self, *, cursor: str | UnsetType = UNSET, limit: int = MOST_USERS_PER_PAGE
    ) -> Deferred[OnlinePage]:
        """
        Ask for one page of the users who are online, and their sockets.

        :param cursor: ``next`` of the page before.
        :param limit: How many users to list at most. There may be fewer, though more follow.
        """
        return self._ask(GetAllOnline(cursor=cursor, limit=limit), OnlinePage)

    def goodbye(self) -> Deferred[Ok]:
        """Take the user from this connection, which stays open."""
        return self._ask(Goodbye(), Ok)

    def ping(self) -> Deferred[Ok]:
        """Ask whether the server is there."""
        return self._ask(Ping(), Ok)

    # What happens to the connection.

    def __attrs_post_init__(self) -> None:
        factory = WebSocketClientFactory(self.url, protocols=[SUBPROTOCOL], reactor=self._reactor)
        factory.noisy = False
        factory.protocol = self._make_connection  # type: ignore[assignment]  # any callable will do
        endpoint: IStreamClientEndpoint = HostnameEndpoint(self._reactor, factory.host, factory.port)
        if factory.isSecure:
            endpoint = wrapClientTLS(optionsForClientTLS(factory.host, trustRoot=self._trust_root), endpoint)
        if ":" in factory.host:
            factory.host = f"[{factory.host}]"  # for the Host header, where Autobahn forgets the brackets
        self._backoff = Backoff(self._random)
        self._service = ClientService(
            _Reporting(endpoint, self._failed), factory, retryPolicy=self._backoff, clock=self._reactor
        )

    def _make_connection(self) -> Connection:
        return Connection(
            on_open=self._opened,
            on_event=self._heard,
            on_end=self._ended,
            on_frame=partial(self._tell, self._on_frame),
            clock=self._reactor,
        )

    def _ask(self, request: Request, kind: type[K]) -> Deferred[K]:
        if self._connection is None:
            return fail(NotConnected("there is no connection"))
        reply = self._connection.ask(request, kind)
        return reply.addTimeout(self._timeout_seconds, self._reactor)

    def _opened(self, connection: Connection) -> None:
        self._connection = connection
        self._opened_at = self._reactor.seconds()
        self._tell(self._on_connected)

    def _heard(self, event: Event) -> None:
        if isinstance(event, GoingAway):
            self._backoff.put_off(event.after)
        self._tell(self._on_event, event)

    def _ended(self, code: int, reason: str) -> None:
        self._connection = None
        if self._reactor.seconds() - self._opened_at >= LONGEST_CEILING_SECONDS:
            self._backoff.reset()
        self._opened_at = inf
        if code in range(4400, 4500):  # codes that CloseCode does not know yet too
            self._service.stopService()
        self._tell(self._on_disconnected, code, reason)

    def _failed(self, failure: Failure) -> None:
        self._tell(self._on_disconnected, ABNORMAL, failure.getErrorMessage())

    async def _stop(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        await self._service.stopService()

    def _tell(self, listener: Callable[..., object], *what: object) -> None:
        # Under Autobahn an exception would end the connection, without a word.
        try:
            listener(*what)
        except Exception:  # noqa: BLE001 - whatever the listener does wrong
            _log.failure("a listener of the client failed")


@implementer(IStreamClientEndpoint)
@attrs.frozen(repr=False)  # ClientService writes it into the log, and the URL may hold a token
class _Reporting:
    """Another endpoint, whose failures are told: ``ClientService`` keeps them to itself."""

    _endpoint: IStreamClientEndpoint
    _failed: Callable[[Failure], object]

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803 - the interface's name
        """Connect by the other endpoint."""
        connecting: Deferred[IProtocol] = self._endpoint.connect(protocolFactory)
        return connecting.addErrback(self._report)

    def _report(self, failure: Failure) -> Failure:
        if not failure.check(CancelledError, ConnectingCancelledError):
            self._failed(failure)
        return failure
