"""
What the parts of the daemon know of each other.

A *connection* is a WebSocket. A *socket* is a connection that has a user: it is
made by an accepted HELLO and ends with GOODBYE or with the connection. Users are
counted, sockets are listed.

Calls go down, from the connection to the roster and the relay; what comes back up
are return values, and calls through the interfaces of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NewType

import attrs
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface

from presence.roster.history import Cause, History
from presence.roster.journal import Journal
from presence.wire.closing import CloseCode
from presence.wire.errors import Refused
from presence.wire.messages import Event, Message, Ok, Request

Frame = NewType("Frame", object)
"""An event as it goes to any number of connections; only ``presence.websocket`` looks inside."""

FrameMaker = Callable[[Event], Frame]
"""Makes the frame of an event, once for all who get it."""


class IOutlet(Interface):
    """
    The way of frames out of a connection.

    It is an object of its own and small, so that little else is touched where a frame goes to
    thousands: what is not in the cache of the processor can cost more than a call.
    """

    paused: bool = Attribute("Whether the other end reads more slowly than it is written to.")

    def offer(frame: Frame) -> bool:  # noqa: N805 - interfaces have no self
        """
        Put a frame into the send queue.

        :return: Whether the queue took it; it does not once the connection closes
            or the queue is full. It is not closed before the caller has returned.
        """


class IConnection(Interface):
    """
    A WebSocket, as the rest of the daemon sees it.

    Once it closes, nothing more is written to it and every call is harmless.
    """

    peer: str = Attribute("The address of the other end, for people.")
    place: bytes | None = Attribute("Where it comes from: an IPv4 address or IPv6 /64; None when not known.")
    outlet: IOutlet = Attribute("What takes the frames that also go to others.")

    def reply(request: Request, reply: Ok) -> None:  # noqa: N805 - interfaces have no self
        """Answer a request."""

    def refuse(request: Request, refusal: Refused) -> None:  # noqa: N805
        """Answer a request with an error."""

    def tell(event: Event) -> None:  # noqa: N805
        """Send an event to this connection alone."""

    def fail(failure: Failure, request: Request | None = None) -> None:  # noqa: N805
        """Log a fault of our own, tell the client its reference, and close."""

    def close(code: CloseCode) -> None:  # noqa: N805
        """Close with a code and its reason."""

    def send_away(after_seconds: float) -> None:  # noqa: N805
        """Tell the client to come back after so long, and close."""


class IConnections(Interface):
    """Knows all connections, those included that still shake hands."""

    def opened(connection: IConnection) -> None:  # noqa: N805
        """Note a connection that was accepted."""

    def ended(connection: IConnection) -> None:  # noqa: N805
        """Forget a connection."""


@attrs.define(eq=False)
class Socket:
    """
    A connection that has a user.

    :ivar id: Public and random; names the socket to everybody.
    :ivar identified: When its HELLO was accepted, in seconds since the Unix epoch.
    :ivar client: What the client calls itself, for the operator only.
    :ivar live: Whether it has not ended; set by the roster.
    :ivar outlet: The connection's.
    """

    id: str
    user_id: int
    connection: IConnection
    identified: float
    client: str = ""
    live: bool = True
    outlet: IOutlet = attrs.field(init=False)

    @outlet.default
    def _outlet_of_connection(self) -> IOutlet:
        return self.connection.outlet


class IPresenceListener(Interface):
    """Is told that the truth of who is online moved; ``presence.broadcast`` is one."""

    def changed() -> None:
        """Somebody came or went; the journal holds who."""


class IRoster(Interface):
    """Who is online, in this process or in a cluster."""

    ready: bool = Attribute("Whether it knows who is online.")
    journal: Journal = Attribute("The published list and its history.")
    history: History = Attribute("The last transitions, with their causes.")
    sockets: Mapping[str, Socket] = Attribute("The live sockets of this process, by id.")

    def start(listener: IPresenceListener) -> None:  # noqa: N805
        """Begin; from now on ``listener`` is told of every change."""

    def stop() -> None:
        """End; no call is left waiting."""

    def join(socket: Socket) -> None:  # noqa: N805
        """Add a socket; its user is online."""

    def leave(socket: Socket, hold_seconds: float, cause: Cause) -> None:  # noqa: N805
        """Remove a socket; its user stays online for ``hold_seconds`` at least."""

    def release(user_id: int, cause: Cause) -> None:  # noqa: N805
        """Hold a user no longer; without a live socket the user is offline at once."""

    def drain(hint_seconds: float) -> None:  # noqa: N805
        """Hold the users of drained sockets that much longer: they were told when to come back."""

    def sockets_of(user_id: int) -> Collection[Socket]:  # noqa: N805
        """Return the live sockets of a user, the oldest first."""

    def held_until(user_id: int) -> float | None:  # noqa: N805
        """Return the time until which a user is held online, if an ended socket holds it."""


class Delivery(Struct, frozen=True):
    """
    What became of a message.

    :ivar delivered: How many sockets' send queues took it.
    :ivar uncertain: Whether more sockets may have taken it, on a node that kept silent.
    """

    delivered: int
    uncertain: bool = False


class IRelay(Interface):
    """The way of a message to the sockets of a user, or of all."""

    def deliver(addressee: int | None, message: Message) -> Delivery | Deferred[Delivery]:  # noqa: N805
        """
        Hand a message to every socket of a user, in order; say now or later how many took it.

        :param addressee: The user; None for everybody who is online.
        :raises Refused: ``rate_limited`` where too many messages to the same addressee wait.
        """


class ITokenChecker(Interface):
    """Knows whose an access token is."""

    def check(user_id: int, token: str, place: bytes | None) -> Deferred[None]:  # noqa: N805
        """
        Fire with None when the account API says that the token is the user's.

        The Deferred may be cancelled. It fails with ``Refused``: ``token_rejected``,
        ``user_mismatch``, or ``auth_unavailable`` when nothing was decided.

        :param place: That of the connection; when many ask at once, places take turns.
        """
