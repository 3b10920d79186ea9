"""
The bodies of the HTTP API, as types; ``presence.ops.openapi`` makes its document of them.

As on the wire, an optional field is absent and never ``null``. Unlike there, a field that is not
known is refused: whoever sends it means something that would not happen.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from presence.roster.history import Cause
from presence.wire.messages import Label, UserId, Version

MOST_USERS_ASKED = 10_000
"""How many users one query may name."""


class SendMessage(Struct, kw_only=True, forbid_unknown_fields=True):
    """
    A message of the platform, from no user.

    :ivar message: Any JSON value, at most 64 deep; it reaches the clients byte for byte.
    :ivar key: Reaches them as it is; with it they know a message that came twice.
    """

    message: Raw
    key: Label | UnsetType = UNSET


class Delivered(Struct, kw_only=True):
    """
    How many sockets took a message.

    :ivar uncertain: True when more sockets may have taken it, on a node that kept silent.
    """

    delivered: int
    uncertain: bool | UnsetType = UNSET


class OnlineQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """Asks which of these users are online."""

    users: Annotated[list[UserId], Meta(max_length=MOST_USERS_ASKED)]


class Online(Struct, kw_only=True):
    """
    Users of the published list, ascending.

    :ivar next: The cursor of the page after this one; absent from the last.
    """

    online: list[UserId]
    epoch: str
    version: Version
    next: str | UnsetType = UNSET


class UserSocket(Struct, kw_only=True):
    """
    A live socket of a user.

    :ivar since: When its HELLO was accepted, in seconds since the Unix epoch.
    :ivar client: What the client calls itself.
    :ivar peer: The address of the other end.
    """

    socket: str
    since: float
    client: str | UnsetType = UNSET
    peer: str


class UserTransition(Struct, kw_only=True):
    """
    A user came or went.

    :ivar at: When, in seconds since the Unix epoch.
    :ivar version: The version that the list has since then, once it is published.
    """

    at: float
    to: Literal["online", "offline"]
    cause: Cause
    version: Version


class User(Struct, kw_only=True):
    """
    What is known of a user; one that never came is merely offline.

    :ivar online: Whether the user is online now, published or not.
    :ivar sockets: The live sockets, the oldest first.
    :ivar held_until: Until when an ended socket holds the user online, in seconds since the Unix epoch.
    :ivar transitions: Those that are remembered, the latest first.
    """

    id: UserId
    online: bool
    sockets: list[UserSocket]
    held_until: float | UnsetType = UNSET
    transitions: list[UserTransition]


class Closed(Struct, kw_only=True):
    """How many connections were closed."""

    closed: int


class ChangeEvent(Struct, kw_only=True):
    """
    Who came and went, on balance, since ``previous``.

    :ivar previous: The version of the event before, or of ``Last-Event-ID``.
    """

    previous: Version
    version: Version
    epoch: str
    wentOnline: list[UserId]
    wentOffline: list[UserId]


class ResetEvent(Struct, kw_only=True):
    """The whole list, in the place of whatever was known."""

    online: list[UserId]
    epoch: str
    version: Version


class AnyTransition(UserTransition, kw_only=True):
    """Some user came or went."""

    id: UserId


class LatestTransitions(Struct, kw_only=True):
    """
    Who came and went last, published or not.

    :ivar transitions: The latest first.
    :ivar epoch: Of the published list.
    :ivar version: Of the published list; transitions above it are not published yet.
    """

    transitions: list[AnyTransition]
    epoch: str
    version: Version


class LatestRefusal(Struct, kw_only=True):
    """
    A client was told no.

    :ivar at: When, in seconds since the Unix epoch.
    :ivar peer: The address of the client.
    :ivar code: An error code, or the number of a close code.
    :ivar reason: What a close code means, for people.
    """

    at: float
    peer: str
    code: str
    reason: str | UnsetType = UNSET


class LatestRefusals(Struct, kw_only=True):
    """
    The last refusals.

    :ivar refusals: The latest first.
    """

    refusals: list[LatestRefusal]


class ProblemBody(Struct, kw_only=True, rename={"kind": "type"}):
    """
    What is wrong, as RFC 9457 has it.

    :ivar code: Stable, for programs.
    :ivar detail: For people; may change.
    :ivar path: The place in the body, or the parameter, that is wrong.
    """

    kind: str
    title: str
    status: int
    code: str
    detail: str
    path: str | UnsetType = UNSET
