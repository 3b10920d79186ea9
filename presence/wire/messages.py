"""
The messages of protocol version 1, as types.

A *request* goes from the client to the server and gets exactly one *reply*, an
``OK`` or an ``ERROR``. Every other message from the server is an *event*.
``presence.wire.codec`` turns them into bytes and back.

Absent and ``null`` are different things on the wire: an optional field is
``UNSET`` when it is absent, and ``null`` is refused.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

SUBPROTOCOL = "presence.v1.json"
"""The WebSocket subprotocol; a client that offers none gets this version too."""

LARGEST_INT = 2**53 - 1
"""The largest integer that every JSON implementation keeps exact (:rfc:`8259`, section 6)."""

DEEPEST_PAYLOAD = 64
"""How deep a ``message`` may nest; a scalar has depth 0 and ``[]`` has 1."""

MOST_USERS_WATCHED = 1000
"""How many users one subscription may name."""

MOST_USERS_PER_PAGE = 10_000
"""How many users one page of ``getAllOnline`` holds at most."""

UserId = Annotated[int, Meta(ge=1, le=LARGEST_INT, description="A user of the platform.")]
Version = Annotated[int, Meta(ge=0, le=LARGEST_INT, description="Comparable only within one epoch.")]
RequestRef = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=-LARGEST_INT, le=LARGEST_INT)]
Label = Annotated[str, Meta(max_length=64)]


def timestamp(seconds: float) -> float:
    """Return a time as messages carry it, in seconds and whole milliseconds."""
    return int(seconds * 1000 + 0.5) / 1000  # round() takes more than twice as long


class Position(Struct, frozen=True):
    """A place in the history of the published list."""

    epoch: str
    version: Version


# Requests


class Request(Struct, kw_only=True, tag_field="type"):
    """What a client asks; ``ref`` comes back with the reply."""

    ref: RequestRef | UnsetType = UNSET


class Hello(Request, kw_only=True, tag="HELLO"):
    """
    Identify the socket as a user, by the platform's access token.

    :ivar accesstoken: 1 to 8192 visible ASCII characters; other strings are
        a token that is rejected, not a malformed request.
    :ivar broadcast: Whether to be told the whole list at each change; true when
        absent from a first HELLO, unchanged when absent from a refresh.
    :ivar client: A printable label of the client, for the operator only.
    """

    userid: UserId
    accesstoken: str
    broadcast: bool | UnsetType = UNSET
    client: Label | UnsetType = UNSET


class SendMessageToUser(Request, kw_only=True, tag="sendMessageToUser"):
    """
    Send any JSON value to every socket of a user.

    :ivar key: Reaches the receivers as it is; with it they know a message that came twice.
    """

    id: UserId
    message: Raw
    key: Label | UnsetType = UNSET


class SubscribeOnlineStatus(Request, kw_only=True, tag="subscribeOnlineStatus"):
    """
    Be told from now on each time someone goes online or offline.

    :ivar users: Only these users.
    :ivar since: The last position the client knows, to get only what changed after it.
    """

    users: Annotated[list[UserId], Meta(min_length=1, max_length=MOST_USERS_WATCHED)] | UnsetType = UNSET
    since: Position | UnsetType = UNSET


class UnsubscribeOnlineStatus(Request, kw_only=True, tag="unsubscribeOnlineStatus"):
    """Be told no longer; fine without a subscription too."""


class GetAllOnline(Request, kw_only=True, tag="getAllOnline"):
    """
    List the users who are online, and their sockets.

    :ivar cursor: ``next`` of the page before.
    :ivar limit: The most users to list; there may be fewer on a page that is not the last.
    """

    cursor: str | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=MOST_USERS_PER_PAGE)] = MOST_USERS_PER_PAGE


class Goodbye(Request, kw_only=True, tag="GOODBYE"):
    """Remove the user from the socket; the connection stays."""


class Ping(Request, kw_only=True, tag="PING"):
    """Ask whether anybody is there."""


REQUESTS: dict[str, type[Request]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        Hello,
        SendMessageToUser,
        SubscribeOnlineStatus,
        UnsubscribeOnlineStatus,
        GetAllOnline,
        Goodbye,
        Ping,
    )
}
"""Every request, by its ``type``."""


# Replies


class Reply(Struct, kw_only=True, tag_field="type"):
    """
    What a request gets back.

    :ivar re: The type of the request; absent where it could not be read.
    :ivar ref: The ref of the request; absent where it had none or none could be read.
    """

    re: str | UnsetType = UNSET
    ref: RequestRef | UnsetType = UNSET


class Ok(Reply, kw_only=True, tag="OK"):
    """The request was done."""


class HelloOk(Ok, kw_only=True, tag="OK"):
    """
    The socket has a user now.

    :ivar socket: The public random id of the socket.
    :ivar ping: Seconds between the server's ping frames.
    :ivar maxbytes: The largest message a client may send, in bytes.
    :ivar features: What this server can do beyond version 1.
    """

    userid: UserId
    socket: str
    ping: float
    maxbytes: int
    features: list[str]


class SendOk(Ok, kw_only=True, tag="OK"):
    """
    How many sockets took the message.

    :ivar uncertain: True when more sockets may have taken it, on a node that kept silent.
    """

    delivered: int
    uncertain: bool | UnsetType = UNSET


class SubscribeOk(Ok, kw_only=True, tag="OK"):
    """
    Where the subscription starts: the list, or when ``resumed`` the net change.

    :ivar stale: True when what other nodes know may have changed unseen.
    """

    epoch: str
    version: Version
    resumed: bool
    online: list[UserId] | UnsetType = UNSET
    wentOnline: list[UserId] | UnsetType = UNSET
    wentOffline: list[UserId] | UnsetType = UNSET
    stale: bool | UnsetType = UNSET


class OnlineSocket(Struct):
    """
    A live socket of a user, as ``getAllOnline`` lists it.

    :ivar identified: When its HELLO was accepted, in seconds since the Unix epoch.
    """

    socket: str
    userid: UserId
    identified: float


class OnlinePage(Ok, kw_only=True, tag="OK"):
    """
    A page of ``getAllOnline``.

    :ivar next: The cursor of the page after this one; absent from the last.
    :ivar stale: True when what other nodes know may have changed unseen.
    """

    online: list[UserId]
    sockets: list[OnlineSocket]
    epoch: str
    version: Version
    next: str | UnsetType = UNSET
    stale: bool | UnsetType = UNSET


class Error(Reply, kw_only=True, tag="ERROR"):
    """
    The request was refused; nothing changed.

    :ivar code: One of :class:`presence.wire.errors.ErrorCode`, or a newer one.
    """

    code: str
    text: str
    temporary: bool
    after: float | UnsetType = UNSET
    path: str | UnsetType = UNSET


# Events


class Event(Struct, kw_only=True, tag_field="type"):
    """What the server tells by itself."""


class OnlineUsers(Event, kw_only=True, tag="onlineUsers"):
    """The list of all users who are online, ascending."""

    online: list[UserId]
    epoch: str
    version: Version


class OnlineStatus(Event, kw_only=True, tag="onlineStatus"):
    """
    Who came and went since ``previous``; or with ``reset`` the whole list.

    :ivar previous: The version of the last reply or event of this subscription.
    :ivar reset: True when list, epoch and version are to be replaced.
    """

    epoch: str
    version: Version
    wentOnline: list[UserId] | UnsetType = UNSET
    wentOffline: list[UserId] | UnsetType = UNSET
    previous: Version | UnsetType = UNSET
    reset: bool | UnsetType = UNSET
    online: list[UserId] | UnsetType = UNSET


class Message(Event, kw_only=True, tag="message", rename={"sender": "from"}):
    """
    A message for this user.

    :ivar sender: ``from`` on the wire: who sent it; absent when the platform did.
    :ivar ts: When the server took it, in seconds since the Unix epoch.
    """

    sender: UserId | UnsetType = UNSET
    message: Raw
    key: Label | UnsetType = UNSET
    ts: float


class TokenRequired(Event, kw_only=True, tag="tokenRequired"):
    """Say HELLO with a new token within ``after`` seconds."""

    after: float


class GoingAway(Event, kw_only=True, tag="goingAway"):
    """The server drains: reconnect after ``after`` seconds."""

    after: float


OK_OF: dict[str, type[Ok]] = {
    "HELLO": HelloOk,
    "sendMessageToUser": SendOk,
    "subscribeOnlineStatus": SubscribeOk,
    "getAllOnline": OnlinePage,
}
"""The reply to a request, by the request's type; every other request gets a bare :class:`Ok`."""

EVENTS: dict[str, type[Event]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (OnlineUsers, OnlineStatus, Message, TokenRequired, GoingAway)
}
"""Every event, by its ``type``."""
