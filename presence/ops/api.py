"""
The HTTP API for the platform's backend, below ``/api/v1``; ``docs/http-api.rst`` describes it.

Presence is asked of two sources. Lists are the published list, which has an epoch and a version,
and there is none before it has settled. What is asked about one user is the truth of this moment.
"""

from __future__ import annotations

from http import HTTPStatus

from msgspec import UNSET, UnsetType
from msgspec.json import Decoder
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from presence.backend import About
from presence.broadcast import Broadcast
from presence.host.serving import BoundedRequest, answer_json
from presence.interfaces import Delivery, Socket
from presence.logs import logger
from presence.ops.bodies import (
    Closed,
    Delivered,
    Online,
    OnlineQuery,
    SendMessage,
    User,
    UserSocket,
    UserTransition,
)
from presence.ops.door import ApiPlace, Trouble, bad_parameter, read_object, read_parameters
from presence.ops.events import Events
from presence.ops.openapi import Document
from presence.ops.parts import Parts
from presence.ops.places import Access, Directory, Guarded
from presence.ops.recent import add_recent
from presence.roster.history import Transition
from presence.wire.codec import check_depth, number_in
from presence.wire.messages import MOST_USERS_PER_PAGE

_messages = Decoder(SendMessage)
_queries = Decoder(OnlineQuery)

_log = logger(__name__)


def make_api(parts: Parts, access: Access) -> Resource:
    """Build the places below ``/api``."""
    online = OnlineUsers(parts)
    online.putChild(b"query", Query(parts))
    version_1 = Guarded(access)
    version_1.putChild(b"openapi.json", Document())
    version_1.putChild(b"users", Users(parts))
    version_1.putChild(b"broadcast", Messages(parts, None))
    version_1.putChild(b"online", online)
    version_1.putChild(b"sockets", Sockets(parts))
    version_1.putChild(b"events", Events(parts.streams))
    add_recent(version_1, parts)
    api = Directory()
    api.putChild(b"v1", version_1)
    return api


class Users(Directory):
    """``/users/{id}``, for whatever can be the id of a user."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Find a user."""
        user_id = number_in(path.decode(errors="replace"))
        return super().getChild(path, request) if user_id is None else OneUser(self._parts, user_id)


class OneUser(ApiPlace):
    """``GET /users/{id}``: what is known of a user."""

    def __init__(self, parts: Parts, user_id: int) -> None:
        super().__init__()
        self._parts = parts
        self._user_id = user_id
        self.putChild(b"messages", Messages(parts, user_id))
        self.putChild(b"connections", Connections(parts, user_id))

    def render_GET(self, request: Request) -> bytes:
        """Tell it."""
        read_parameters(request)
        about = self._parts.backend.about(self._user_id)
        return answer_json(request, HTTPStatus.OK, _describe(self._user_id, about))


class Messages(ApiPlace):
    """
    ``POST /users/{id}/messages`` and ``POST /broadcast``: a message of the platform.

    :param addressee: The user; None for everybody who is online.
    """

    allowedMethods = (b"POST",)

    def __init__(self, parts: Parts, addressee: int | None) -> None:
        super().__init__()
        self._parts = parts
        self._addressee = addressee

    def render_POST(self, request: BoundedRequest) -> bytes | int:
        """Send it, and say how many sockets took it."""
        read_parameters(request)
        body = read_object(request, _messages, self._parts.service.settings.max_message_bytes)
        check_depth(body.message)
        delivery = self._parts.backend.send(self._addressee, body.message, body.key)
        if isinstance(delivery, Delivery):
            return _answer_delivered(request, delivery)
        _answer_later(request, delivery)
        return NOT_DONE_YET


class Connections(ApiPlace):
    """``DELETE /users/{id}/connections``: send a user away."""

    allowedMethods = (b"DELETE",)

    def __init__(self, parts: Parts, user_id: int) -> None:
        super().__init__()
        self._parts = parts
        self._user_id = user_id

    def render_DELETE(self, request: Request) -> bytes:
        """Close all connections, and say how many there were."""
        read_parameters(request)
        closed = self._parts.backend.disconnect_user(self._user_id)
        _log.info(
            "the platform closed the {closed} connections of user {user_id}",
            closed=closed,
            user_id=self._user_id,
        )
        return answer_json(request, HTTPStatus.OK, Closed(closed=closed))


class Sockets(Directory):
    """``/sockets/{socket}``."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Find a socket."""
        socket = self._parts.roster.sockets.get(path.decode(errors="replace"))
        return super().getChild(path, request) if socket is None else OneSocket(self._parts, socket)


class OneSocket(ApiPlace):
    """``DELETE /sockets/{socket}``: close one connection."""

    allowedMethods = (b"DELETE",)

    def __init__(self, parts: Parts, socket: Socket) -> None:
        super().__init__()
        self._parts = parts
        self._socket = socket

    def render_DELETE(self, request: Request) -> bytes:
        """Close it."""
        read_parameters(request)
        closed = self._parts.backend.disconnect_socket(self._socket.id)
        _log.info(
            "the platform closed socket {socket} of user {user_id}",
            socket=self._socket.id,
            user_id=self._socket.user_id,
        )
        return answer_json(request, HTTPStatus.OK, Closed(closed=int(closed)))


class OnlineUsers(ApiPlace):
    """``GET /online``: the published list, page by page."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._journal = parts.roster.journal
        self._broadcast = parts.broadcast

    def render_GET(self, request: Request) -> bytes:
        """Give a page."""
        parameters = read_parameters(request, "limit", "cursor")
        limit = number_in(parameters.get("limit", str(MOST_USERS_PER_PAGE)))
        if limit is None or limit > MOST_USERS_PER_PAGE:
            raise bad_parameter("limit", f"limit must be a number from 1 to {MOST_USERS_PER_PAGE}")
        after = number_in(parameters["cursor"]) if "cursor" in parameters else 0
        if after is None:
            raise bad_parameter("cursor", "cursor must be the next of a page before")
        _check_settled(self._broadcast)
        users, more = self._journal.page(after, limit)
        page = Online(
            online=users,
            epoch=self._journal.epoch,
            version=self._journal.version,
            next=str(users[-1]) if more else UNSET,
        )
        return answer_json(request, HTTPStatus.OK, page)


class Query(ApiPlace):
    """``POST /online/query``: which of these users are on the published list."""

    allowedMethods = (b"POST",)

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._journal = parts.roster.journal
        self._broadcast = parts.broadcast

    def render_POST(self, request: BoundedRequest) -> bytes:
        """Tell it."""
        read_parameters(request)
        query = read_object(request, _queries, request.largest_body)
        _check_settled(self._broadcast)
        found = Online(
            online=self._journal.among(query.users), epoch=self._journal.epoch, version=self._journal.version
        )
        return answer_json(request, HTTPStatus.OK, found)


def _check_settled(broadcast: Broadcast) -> None:
    # Not waited for: that can take half a minute, in which requests would pile up.
    if not broadcast.settled:
        text = "the list of who is online has not settled yet"
        raise Trouble(
            HTTPStatus.SERVICE_UNAVAILABLE, "unsettled", text, after_seconds=broadcast.settling_seconds
        )


def _answer_delivered(request: Request, delivery: Delivery) -> bytes:
    body = Delivered(delivered=delivery.delivered, uncertain=delivery.uncertain or UNSET)
    return answer_json(request, HTTPStatus.OK, body)


def _answer_later(request: Request, delivery: Deferred[Delivery]) -> None:
    gone: list[Failure] = []
    request.notifyFinish().addErrback(gone.append)

    def finish(delivery: Delivery) -> None:
        if not gone:
            request.write(_answer_delivered(request, delivery))
            request.finish()

    delivery.addCallback(finish)


def _describe(user_id: int, about: About) -> User:
    return User(
        id=user_id,
        online=about.online,
        sockets=[_describe_socket(socket) for socket in about.sockets],
        held_until=UNSET if about.held_until is None else about.held_until,
        transitions=[_describe_transition(transition) for transition in about.transitions],
    )


def _describe_socket(socket: Socket) -> UserSocket:
    client: str | UnsetType = socket.client or UNSET
    return UserSocket(socket=socket.id, since=socket.identified, client=client, peer=socket.connection.peer)


def _describe_transition(transition: Transition) -> UserTransition:
    return UserTransition(
        at=transition.at,
        to="online" if transition.online else "offline",
        cause=transition.cause,
        version=transition.version,
    )
