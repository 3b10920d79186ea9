"""
What an identified socket can ask, one short method for each request.

A method returns the reply, or a Deferred of it where something must be waited for,
or raises :class:`~presence.wire.errors.Refused`. HELLO and GOODBYE change what the
connection is, and stand in :mod:`presence.session`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, UnsetType
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from presence.admission.limits import Limit, Limits
from presence.broadcast import Broadcast
from presence.config import Settings
from presence.interfaces import Delivery, IRelay, IRoster, Socket
from presence.roster.history import Cause
from presence.wire.closing import CloseCode
from presence.wire.messages import (
    GetAllOnline,
    Message,
    Ok,
    OnlinePage,
    OnlineSocket,
    Request,
    SendMessageToUser,
    SendOk,
    SubscribeOk,
    SubscribeOnlineStatus,
    UnsubscribeOnlineStatus,
    timestamp,
)

MOST_BYTES_PER_PAGE = 255 * 1024
"""
How much users and sockets take on a page of ``getAllOnline``, unless that is one user alone.

So a page goes into the send queue of a client that does not read.
"""

USER_BYTES = 17
SOCKET_BYTES = 92
"""How much one of them takes there at most, with the longest ids and a comma."""

Answer = Ok | Deferred[Ok]
"""The reply to a request, now or later."""


class Requests:
    """
    The requests of identified sockets, and the sockets' coming and going.

    :ivar settings: ``max_sockets_per_user``.
    """

    def __init__(
        self,
        roster: IRoster,
        relay: IRelay,
        broadcast: Broadcast,
        limits: Limits,
        clock: IReactorTime,
        settings: Settings,
    ) -> None:
        self._roster = roster
        self._relay = relay
        self._broadcast = broadcast
        self._limits = limits
        self._clock = clock
        self.settings = settings
        # Called as table[type(request)](socket, request): each method takes its own type.
        self._table: dict[type[Request], Callable[[Socket, Any], Answer]] = {
            SendMessageToUser: self.send_message_to_user,
            SubscribeOnlineStatus: self.subscribe_online_status,
            UnsubscribeOnlineStatus: self.unsubscribe_online_status,
            GetAllOnline: self.get_all_online,
        }

    def answer(self, socket: Socket, request: Request) -> Answer:
        """Do what a socket asks."""
        return self._table[type(request)](socket, request)

    def join(self, socket: Socket, *, broadcast: bool) -> None:
        """Let a socket in: its user is online, and it is told the list if it wants."""
        self._broadcast.add(socket)
        if broadcast:
            self._broadcast.listen(socket)
        self._roster.join(socket)
        self._close_the_oldest(socket.user_id)

    def _close_the_oldest(self, user_id: int) -> None:
        sockets = self._roster.sockets_of(user_id)
        if len(sockets) > self.settings.max_sockets_per_user:
            self._limits.exceed(Limit.SOCKETS, f"user {user_id}")
            next(iter(sockets)).connection.close(CloseCode.TOO_MANY_SOCKETS)

    def leave(self, socket: Socket, hold_seconds: float, cause: Cause) -> None:
        """Let a socket go; its user stays online for ``hold_seconds`` at least."""
        self._broadcast.remove(socket)
        self._roster.leave(socket, hold_seconds, cause)

    def refresh(self, socket: Socket, *, broadcast: bool | UnsetType, client: str | UnsetType) -> None:
        """Change what a repeated HELLO names, and nothing else."""
        if broadcast is True:
            self._broadcast.listen(socket)
        elif broadcast is False:
            self._broadcast.unlisten(socket)
        if not isinstance(client, UnsetType):
            socket.client = client

    def drained(self, socket: Socket) -> None:
        """Tell a socket that was paused what it missed."""
        self._broadcast.drained(socket)

    def send_message_to_user(self, socket: Socket, request: SendMessageToUser) -> Answer:
        """Hand the message to every socket of the user; say how many took it."""
        message = Message(
            sender=socket.user_id,
            message=request.message,
            key=request.key,
            ts=timestamp(self._clock.seconds()),
        )
        delivery = self._relay.deliver(request.id, message)
        # Not whether it is a Deferred: that is an abstract class, and dearer to ask for.
        return _send_ok(delivery) if isinstance(delivery, Delivery) else delivery.addCallback(_send_ok)

    def subscribe_online_status(self, socket: Socket, request: SubscribeOnlineStatus) -> Answer:
        """Begin or replace the subscription; the reply says where it starts."""
        return self._broadcast.when_settled(socket, lambda: self._subscribe(socket, request))

    def _subscribe(self, socket: Socket, request: SubscribeOnlineStatus) -> Ok:
        users = None if isinstance(request.users, UnsetType) else frozenset(request.users)
        self._broadcast.watch(socket, users)
        journal = self._roster.journal
        reply = SubscribeOk(epoch=journal.epoch, version=journal.version, resumed=False)
        if users is not None:
            reply.online = journal.among(users)
            return reply
        change = None if isinstance(request.since, UnsetType) else journal.since(request.since)
        if change is None:
            reply.online = journal.online
        else:
            reply.resumed = True
            reply.wentOnline = list(change.came)
            reply.wentOffline = list(change.went)
        return reply

    def unsubscribe_online_status(self, socket: Socket, _: UnsubscribeOnlineStatus) -> Answer:
        """End the subscription, also one that still waits for the list."""
        return self._broadcast.when_settled(socket, lambda: self._unsubscribe(socket))

    def _unsubscribe(self, socket: Socket) -> Ok:
        self._broadcast.unwatch(socket)
        return Ok()

    def get_all_online(self, socket: Socket, request: GetAllOnline) -> Answer:
        """List the users of the published list, and their live sockets."""
        after = 0 if isinstance(request.cursor, UnsetType) else int(request.cursor)
        return self._broadcast.when_settled(socket, lambda: self._page(after, request.limit))

    def _page(self, after: int, limit: int) -> Ok:
        journal = self._roster.journal
        users, more = journal.page(after, limit)
        sockets: list[Socket] = []
        room = MOST_BYTES_PER_PAGE
        for count, user in enumerate(users):
            theirs = self._roster.sockets_of(user)
            room -= USER_BYTES + SOCKET_BYTES * len(theirs)
            if room < 0 and count > 0:
                users, more = users[:count], True
                break
            sockets += theirs
        return OnlinePage(
            online=users,
            sockets=[OnlineSocket(socket.id, socket.user_id, socket.identified) for socket in sockets],
            epoch=journal.epoch,
            version=journal.version,
            next=str(users[-1]) if more else UNSET,
        )


def _send_ok(delivery: Delivery) -> Ok:
    return SendOk(delivered=delivery.delivered, uncertain=delivery.uncertain or UNSET)
