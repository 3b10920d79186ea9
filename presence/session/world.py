"""What the machine of a session acts on: its states' data, and the verbs it uses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

import attrs
from msgspec import UnsetType
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from presence.admission.rates import MALFORMED_COST, Allowance
from presence.config import Settings
from presence.deadlines import Deadline, Deadlines
from presence.interfaces import IConnection, ITokenChecker, Socket
from presence.requests import Requests
from presence.roster.history import Cause
from presence.session.recheck import Recheck
from presence.ticker import Ticker
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Hello, HelloOk, Ok, Request, timestamp

_BAD_TOKEN = frozenset({ErrorCode.TOKEN_REJECTED, ErrorCode.USER_MISMATCH})


@attrs.define(eq=False)
class Check:
    """
    A HELLO whose token is being checked, and what waits for the end of it.

    :ivar verdict: What the account API is going to say.
    """

    hello: Hello
    verdict: Deferred[None]
    waiting: list[Request] = attrs.Factory(list)


@attrs.define(eq=False)
class Identity:
    """
    A user's socket, and the checks of later HELLOs.

    :ivar recheck: Checks the accepted token again.
    """

    socket: Socket
    recheck: Recheck
    refreshes: set[Deferred[None]] = attrs.Factory(set)


@attrs.define(eq=False)
class World:
    """
    What the machine acts on.

    :ivar deadline: The call that closes the connection for want of a HELLO, in ``waiting``.
    :ivar socket: The socket, while there is one: in ``online``.
    """

    connection: IConnection
    requests: Requests
    tokens: ITokenChecker
    allowance: Allowance
    clock: IReactorTime
    deadlines: Deadlines
    ticker: Ticker
    random: Random
    settings: Settings
    deadline: Deadline | None = None
    socket: Socket | None = None

    def expect_hello(self, overdue: Callable[[], None], seconds: float) -> None:
        """Start the deadline of ``waiting``."""
        self.deadline = self.deadlines.call_later(seconds, partial(self._give_grace, overdue))

    def _give_grace(self, overdue: Callable[[], None]) -> None:
        # After a stall of ours its HELLO may wait to be read, which comes after the timers.
        self.deadline = self.deadlines.call_later(0, partial(self._expired, overdue))

    def _expired(self, overdue: Callable[[], None]) -> None:
        self.deadline = None
        overdue()

    def stop_expecting(self) -> None:
        """Stop the deadline; it may have passed."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def check(self, hello: Hello) -> Deferred[None]:
        """Ask whether the token of a HELLO is its user's."""
        return self.tokens.check(hello.userid, hello.accesstoken, self.connection.place)

    def answer(self, socket: Socket, request: Request) -> None:
        """Do what a socket asks and answer, now or when the answer is there."""
        try:
            answer = self.requests.answer(socket, request)
        except Refused as refusal:
            self.connection.refuse(request, refusal)
            return
        if isinstance(answer, Ok):
            self.connection.reply(request, answer)
        else:
            answer.addCallback(partial(self.connection.reply, request))
            answer.addErrback(self.refuse, request)

    def refuse(self, failure: Failure, request: Request) -> None:
        """Answer a request that failed later."""
        if isinstance(failure.value, Refused):
            self.connection.refuse(request, failure.value)
        else:
            self.connection.fail(failure, request)

    def refuse_hello(self, failure: Failure, request: Hello) -> None:
        """Answer a HELLO that failed; one with a bad token is dear, for it makes work for others."""
        if isinstance(failure.value, Refused) and failure.value.code in _BAD_TOKEN:
            self.allowance.take(MALFORMED_COST)
        self.refuse(failure, request)

    def refuse_unidentified(self, request: Request) -> None:
        """Answer what only an identified socket may ask."""
        self.connection.refuse(request, Refused(ErrorCode.NOT_IDENTIFIED, "say HELLO first"))

    def identify(self, hello: Hello) -> Identity:
        """Make the socket of an accepted HELLO."""
        socket = Socket(
            id=f"{self.random.getrandbits(96):024x}",
            user_id=hello.userid,
            connection=self.connection,
            identified=timestamp(self.clock.seconds()),
            client="" if isinstance(hello.client, UnsetType) else hello.client,
        )
        interval_seconds = self.settings.token_recheck
        return Identity(socket, Recheck(socket, self.tokens, self.ticker, self.random, interval_seconds))

    def hello_ok(self, socket: Socket) -> HelloOk:
        """Make the reply to an accepted HELLO."""
        return HelloOk(
            userid=socket.user_id,
            socket=socket.id,
            ping=self.settings.ping_interval,
            maxbytes=self.settings.max_message_bytes,
            features=[],
        )

    def enter(self, identity: Identity, hello: Hello) -> None:
        """Let the socket in; from now on its token is looked after."""
        self.socket = identity.socket
        identity.recheck.begin(hello.accesstoken)
        self.allowance.enter(hello.userid)
        self.requests.join(identity.socket, broadcast=hello.broadcast is not False)

    def leave(self, identity: Identity, cause: Cause) -> None:
        """Let the socket go; its later HELLOs are cancelled."""
        self.socket = None
        for refresh in list(identity.refreshes):
            refresh.cancel()
        identity.recheck.stop()
        self.allowance.leave()
        hold_seconds = self.settings.offline_delay if cause.holds else 0
        self.requests.leave(identity.socket, hold_seconds, cause)
