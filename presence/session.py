"""
What one connection is, from its opening to its end.

========== =========== ============ ==========================================
state      input       next state   what happens
========== =========== ============ ==========================================
waiting    hello       waiting      asks for ``check``
waiting    ask         waiting      refused: ``not_identified``
waiting    goodbye     waiting      refused: ``not_identified``
waiting    check       checking     the account API is asked
waiting    refused     waiting      nothing: the check was cancelled
waiting    overdue     waiting      closes 4508
waiting    drained     waiting      nothing
waiting    closed      gone         nothing
checking   hello       checking     waits for the end of the check
checking   ask         checking     waits for the end of the check
checking   goodbye     waiting      the check is cancelled, what waits refused
checking   accepted    online       HELLO is answered, then what waits is done
checking   refused     waiting      HELLO is refused, and what waits up to the
                                    next HELLO, which asks for ``check``
checking   drained     checking     nothing
checking   closed      gone         the check is cancelled
online     hello       online       a refresh, or ``already_identified``
online     ask         online       done: see :mod:`presence.requests`
online     goodbye     waiting      the user leaves at once
online     drained     online       the socket is told what it missed
online     closed      gone         the user is held for the offline delay
gone       every one   gone         nothing
========== =========== ============ ==========================================

PING is answered in every state but the last. A first HELLO must come in time: the
deadline runs in ``waiting`` only, and anew at each entry.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Protocol, TypeVar

import attrs
from automat import TypeMachineBuilder
from msgspec import UnsetType
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from presence.config import Settings
from presence.interfaces import IConnection, ITokenChecker, Socket
from presence.requests import Answer, Requests
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Goodbye, Hello, HelloOk, Ok, Ping, Request

T = TypeVar("T")

MOST_WAITING = 16
"""How many requests wait while a token is checked, and how many refreshes run at once."""

GOODBYE_TIMEOUT_SECONDS = 15 * 60
"""How long a connection may stay without a user after a GOODBYE."""


class _Inputs(Protocol):
    """What can happen to a connection."""

    def hello(self, request: Hello) -> None:
        """The client says who it is."""

    def ask(self, request: Request) -> None:
        """The client asks what only an identified socket may ask."""

    def goodbye(self, request: Goodbye) -> None:
        """The client does not want to be anybody any more."""

    def check(self, check: _Check) -> None:
        """The token of a HELLO is to be checked."""

    def accepted(self, identity: _Identity) -> None:
        """The account API said that the token is the user's."""

    def refused(self, failure: Failure) -> None:
        """It said something else, or nothing."""

    def overdue(self) -> None:
        """No HELLO came in time."""

    def drained(self) -> None:
        """The send queue is empty again, after the connection was paused."""

    def closed(self, code: CloseCode | None) -> None:
        """The connection ended; ``code`` is what the server closed it with, if it did."""


@attrs.define(eq=False)
class _Check:
    """
    A HELLO whose token is being checked, and what waits for the end of it.

    :ivar verdict: What the account API is going to say.
    """

    hello: Hello
    waiting: deque[Request] = attrs.Factory(deque)
    verdict: Deferred[None] = attrs.Factory(Deferred)


@attrs.define(eq=False)
class _Identity:
    """A user's socket, and the checks of later HELLOs."""

    socket: Socket
    refreshes: set[Deferred[None]] = attrs.Factory(set)


@attrs.define(eq=False)
class _World:
    """What the machine acts on."""

    connection: IConnection
    requests: Requests
    tokens: ITokenChecker
    clock: IReactorTime
    random: Random
    settings: Settings
    deadline: IDelayedCall | None = None

    def expect_hello(self, inputs: _Inputs, seconds: float) -> None:
        """Start the deadline of ``waiting``."""
        self.deadline = self.clock.callLater(seconds, self._expired, inputs)

    def _expired(self, inputs: _Inputs) -> None:
        self.deadline = None
        inputs.overdue()

    def stop_expecting(self) -> None:
        """Stop the deadline; it may have passed."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def respond(self, request: Request, ask: Callable[[], Answer]) -> None:
        """Do what is asked and answer, now or when the answer is there."""
        try:
            answer = ask()
        except Refused as refusal:
            self.connection.refuse(request, refusal)
            return
        if isinstance(answer, Deferred):
            answer.addCallback(partial(self.connection.reply, request))
            answer.addErrback(self.refuse, request)
        else:
            self.connection.reply(request, answer)

    def refuse(self, failure: Failure, request: Request) -> None:
        """Answer a request that failed later."""
        if isinstance(failure.value, Refused):
            self.connection.refuse(request, failure.value)
        else:
            self.connection.fail(failure, request)

    def refuse_unidentified(self, request: Request) -> None:
        """Answer what only an identified socket may ask."""
        self.connection.refuse(request, Refused(ErrorCode.NOT_IDENTIFIED, "say HELLO first"))

    def identify(self, hello: Hello) -> _Identity:
        """Make the socket of an accepted HELLO."""
        return _Identity(
            Socket(
                id=f"{self.random.getrandbits(96):024x}",
                user_id=hello.userid,
                connection=self.connection,
                identified=round(self.clock.seconds(), 3),
                client="" if isinstance(hello.client, UnsetType) else hello.client,
            )
        )

    def hello_ok(self, socket: Socket) -> HelloOk:
        """Make the reply to an accepted HELLO."""
        return HelloOk(
            userid=socket.user_id,
            socket=socket.id,
            ping=self.settings.ping_interval,
            maxbytes=self.settings.max_message_bytes,
            features=[],
        )

    def leave(self, identity: _Identity, hold_seconds: float) -> None:
        """Let the socket go; its later HELLOs are cancelled."""
        for refresh in list(identity.refreshes):
            refresh.cancel()
        self.requests.leave(identity.socket, hold_seconds)


_machine = TypeMachineBuilder(_Inputs, _World)


def _being_checked(_inputs: _Inputs, _world: _World, check: _Check) -> _Check:
    return check


def _identified(_inputs: _Inputs, _world: _World, identity: _Identity) -> _Identity:
    return identity


_waiting = _machine.state("waiting")
_checking = _machine.state("checking", _being_checked)
_online = _machine.state("online", _identified)
_gone = _machine.state("gone")


@_waiting.upon(_Inputs.hello).loop()
def _first_hello(inputs: _Inputs, _world: _World, request: Hello) -> None:
    inputs.check(_Check(request))


@_waiting.upon(_Inputs.ask).loop()
def _ask_too_early(_inputs: _Inputs, world: _World, request: Request) -> None:
    world.refuse_unidentified(request)


@_waiting.upon(_Inputs.goodbye).loop()
def _goodbye_of_nobody(_inputs: _Inputs, world: _World, request: Goodbye) -> None:
    world.refuse_unidentified(request)


@_waiting.upon(_Inputs.check).to(_checking)
def _begin_check(inputs: _Inputs, world: _World, check: _Check) -> None:
    world.stop_expecting()
    check.verdict = world.tokens.check(check.hello.userid, check.hello.accesstoken)
    check.verdict.addCallbacks(lambda _: inputs.accepted(world.identify(check.hello)), inputs.refused)
    # What waited is done in there too, and a fault in it must not pass in silence.
    check.verdict.addErrback(world.connection.fail)


_waiting.upon(_Inputs.refused).loop().returns(None)
_waiting.upon(_Inputs.drained).loop().returns(None)


@_waiting.upon(_Inputs.overdue).loop()
def _no_hello(_inputs: _Inputs, world: _World) -> None:
    world.connection.close(CloseCode.NO_HELLO)


@_waiting.upon(_Inputs.closed).to(_gone)
def _closed_by_nobody(_inputs: _Inputs, world: _World, code: CloseCode | None) -> None:
    del code
    world.stop_expecting()


def _wait(_inputs: _Inputs, world: _World, check: _Check, request: Request) -> None:
    if len(check.waiting) >= MOST_WAITING:
        text = f"{MOST_WAITING} requests already wait for the end of HELLO"
        world.connection.refuse(request, Refused(ErrorCode.RATE_LIMITED, text))
    else:
        check.waiting.append(request)


_checking.upon(_Inputs.hello).loop()(_wait)
_checking.upon(_Inputs.ask).loop()(_wait)


@_checking.upon(_Inputs.goodbye).to(_waiting)
def _cancel_check(inputs: _Inputs, world: _World, check: _Check, request: Goodbye) -> None:
    check.verdict.cancel()
    cancelled = Refused(ErrorCode.CANCELLED, "GOODBYE came while the token was checked")
    world.connection.refuse(check.hello, cancelled)
    for waiting in check.waiting:
        world.refuse_unidentified(waiting)
    world.expect_hello(inputs, world.settings.hello_timeout)
    world.connection.reply(request, Ok())


@_checking.upon(_Inputs.accepted).to(_online)
def _enter(inputs: _Inputs, world: _World, check: _Check, identity: _Identity) -> None:
    # No event may come before HELLO's OK, so the socket joins after it.
    world.connection.reply(check.hello, world.hello_ok(identity.socket))
    world.requests.join(identity.socket, broadcast=check.hello.broadcast is not False)
    for request in check.waiting:
        if isinstance(request, Hello):
            inputs.hello(request)
        else:
            inputs.ask(request)


@_checking.upon(_Inputs.refused).to(_waiting)
def _refuse_check(inputs: _Inputs, world: _World, check: _Check, failure: Failure) -> None:
    world.refuse(failure, check.hello)
    world.expect_hello(inputs, world.settings.hello_timeout)
    while check.waiting:
        request = check.waiting.popleft()
        if isinstance(request, Hello):
            inputs.check(_Check(request, check.waiting))
            return
        world.refuse_unidentified(request)


_checking.upon(_Inputs.drained).loop().returns(None)


@_checking.upon(_Inputs.closed).to(_gone)
def _closed_while_checking(_inputs: _Inputs, _world: _World, check: _Check, code: CloseCode | None) -> None:
    del code
    check.verdict.cancel()


@_online.upon(_Inputs.hello).loop()
def _refresh(_inputs: _Inputs, world: _World, identity: _Identity, request: Hello) -> None:
    socket = identity.socket
    if request.userid != socket.user_id:
        text = f"this socket is user {socket.user_id}; say GOODBYE first"
        world.connection.refuse(request, Refused(ErrorCode.ALREADY_IDENTIFIED, text))
        return
    if len(identity.refreshes) >= MOST_WAITING:
        text = f"{MOST_WAITING} HELLOs are being checked already"
        world.connection.refuse(request, Refused(ErrorCode.RATE_LIMITED, text))
        return

    def accepted(_: None) -> None:
        world.connection.reply(request, world.hello_ok(socket))
        world.requests.refresh(socket, broadcast=request.broadcast, client=request.client)

    def refused(failure: Failure) -> None:
        if failure.check(CancelledError):
            failure = Failure(Refused(ErrorCode.CANCELLED, "GOODBYE came while the token was checked"))
        world.refuse(failure, request)

    verdict = world.tokens.check(request.userid, request.accesstoken)
    identity.refreshes.add(verdict)
    verdict.addBoth(_finish_refresh, identity, verdict).addCallbacks(accepted, refused)
    verdict.addErrback(world.connection.fail)


def _finish_refresh(result: T, identity: _Identity, verdict: Deferred[None]) -> T:
    identity.refreshes.discard(verdict)
    return result


@_online.upon(_Inputs.ask).loop()
def _ask(_inputs: _Inputs, world: _World, identity: _Identity, request: Request) -> None:
    world.respond(request, lambda: world.requests.answer(identity.socket, request))


@_online.upon(_Inputs.goodbye).to(_waiting)
def _goodbye(inputs: _Inputs, world: _World, identity: _Identity, request: Goodbye) -> None:
    world.leave(identity, hold_seconds=0)
    world.expect_hello(inputs, GOODBYE_TIMEOUT_SECONDS)
    world.connection.reply(request, Ok())


@_online.upon(_Inputs.drained).loop()
def _drained(_inputs: _Inputs, world: _World, identity: _Identity) -> None:
    world.requests.drained(identity.socket)


@_online.upon(_Inputs.closed).to(_gone)
def _closed(_inputs: _Inputs, world: _World, identity: _Identity, code: CloseCode | None) -> None:
    holds = code is None or code.holds
    world.leave(identity, world.settings.offline_delay if holds else 0)


for _late in (
    _Inputs.hello,
    _Inputs.ask,
    _Inputs.goodbye,
    _Inputs.check,
    _Inputs.accepted,
    _Inputs.refused,
    _Inputs.overdue,
    _Inputs.drained,
    _Inputs.closed,
):
    _gone.upon(_late).loop().returns(None)

_build = _machine.build()


class Session:
    """
    One connection's session.

    :param settings: ``offline_delay``, ``hello_timeout``, and what HELLO's OK tells.
    """

    def __init__(
        self,
        connection: IConnection,
        requests: Requests,
        tokens: ITokenChecker,
        clock: IReactorTime,
        random: Random,
        settings: Settings,
    ) -> None:
        self._connection = connection
        world = _World(connection, requests, tokens, clock, random, settings)
        self._inputs = _build(world)
        world.expect_hello(self._inputs, settings.hello_timeout)

    def receive(self, request: Request) -> None:
        """Do what the client asks; the reply goes to the connection."""
        if isinstance(request, Ping):
            self._connection.reply(request, Ok())
        elif isinstance(request, Hello):
            self._inputs.hello(request)
        elif isinstance(request, Goodbye):
            self._inputs.goodbye(request)
        else:
            self._inputs.ask(request)

    def drained(self) -> None:
        """Note that the send queue is empty again, after the connection was paused."""
        self._inputs.drained()

    def closed(self, code: CloseCode | None) -> None:
        """End; ``code`` is what the server closed the connection with, if it did."""
        self._inputs.closed(code)
