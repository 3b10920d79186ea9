"""
What one connection is, from its opening to its end.

========== =========== ============ ==========================================
state      input       next state   what happens
========== =========== ============ ==========================================
waiting    hello       checking     the account API is asked
waiting    ask         waiting      refused: ``not_identified``
waiting    goodbye     waiting      refused: ``not_identified``
waiting    refused     waiting      nothing: the check was cancelled
waiting    overdue     waiting      closes 4508
waiting    drained     waiting      nothing
waiting    closed      gone         nothing
checking   hello       checking     waits for the end of the check
checking   ask         checking     waits for the end of the check
checking   goodbye     waiting      the check is cancelled, what waits refused
checking   accepted    online       HELLO is answered, then what waits is done
checking   refused     waiting      HELLO is refused, then what waits comes again
checking   drained     checking     nothing
checking   closed      gone         the check is cancelled
online     hello       online       a refresh, or ``already_identified``
online     ask         online       done: see :mod:`presence.requests`
online     goodbye     waiting      the user leaves at once
online     drained     online       the socket is told what it missed
online     closed      gone         the user leaves, mostly held for a while
gone       every one   gone         nothing
========== =========== ============ ==========================================

PING is answered in every state but the last. What an identified socket asks changes nothing here
and goes past the machine, but for what waited in ``checking``. A first HELLO must come in time: the
deadline runs in ``waiting`` only, and anew at each entry.
"""

from __future__ import annotations

from math import ceil
from random import Random
from typing import Protocol, TypeVar

from automat import TypeMachineBuilder
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from presence.admission.rates import BYTES_OF_A_REQUEST, MALFORMED_COST, Rates
from presence.config import Settings
from presence.deadlines import Deadlines
from presence.interfaces import IConnection, ITokenChecker
from presence.requests import Requests
from presence.roster.history import Cause
from presence.session.transitions import look_up_transitions
from presence.session.world import Check, Identity, World
from presence.ticker import Ticker
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import Goodbye, Hello, Ok, Ping, Request

T = TypeVar("T")

MOST_WAITING = 16
"""How many requests wait while a token is checked."""

MOST_REFRESHES = 4
"""How many HELLOs of an identified socket are checked at once."""

GOODBYE_TIMEOUT_SECONDS = 15 * 60
"""How long a connection may stay without a user after a GOODBYE."""

_CAUSES = {
    CloseCode.TOKEN_REVOKED: Cause.REVOKED,
    CloseCode.DISCONNECTED: Cause.DISCONNECTED,
    CloseCode.GOING_AWAY: Cause.DRAINED,
    CloseCode.SERVICE_RESTART: Cause.DRAINED,
}
"""Why a user leaves whose connection the server closed; any other code counts as a loss."""


class _Inputs(Protocol):
    """What can happen to a connection."""

    def hello(self, request: Hello) -> None:
        """The client says who it is."""

    def ask(self, request: Request) -> None:
        """The client asks what only an identified socket may ask."""

    def goodbye(self, request: Goodbye) -> None:
        """The client does not want to be anybody any more."""

    def accepted(self, identity: Identity) -> None:
        """The account API said that the token is the user's."""

    def refused(self, failure: Failure) -> None:
        """It said something else, or nothing."""

    def overdue(self) -> None:
        """No HELLO came in time."""

    def drained(self) -> None:
        """The send queue is empty again, after the connection was paused."""

    def closed(self, code: CloseCode | None) -> None:
        """The connection ended; ``code`` is what the server closed it with, if it did."""


_machine = TypeMachineBuilder(_Inputs, World)


def _begin_check(inputs: _Inputs, world: World, request: Hello) -> Check:
    world.stop_expecting()
    verdict = world.check(request)
    verdict.addCallbacks(lambda _: inputs.accepted(world.identify(request)), inputs.refused)
    # What waited is done in there too, and a fault in it must not pass in silence.
    verdict.addErrback(world.connection.fail)
    return Check(request, verdict)


def _identified(_inputs: _Inputs, _world: World, identity: Identity) -> Identity:
    return identity


_waiting = _machine.state("waiting")
_checking = _machine.state("checking", _begin_check)
_online = _machine.state("online", _identified)
_gone = _machine.state("gone")


_waiting.upon(_Inputs.hello).to(_checking).returns(None)


@_waiting.upon(_Inputs.ask).loop()
def _ask_too_early(_inputs: _Inputs, world: World, request: Request) -> None:
    world.refuse_unidentified(request)


@_waiting.upon(_Inputs.goodbye).loop()
def _goodbye_of_nobody(_inputs: _Inputs, world: World, request: Goodbye) -> None:
    world.refuse_unidentified(request)


_waiting.upon(_Inputs.refused).loop().returns(None)
_waiting.upon(_Inputs.drained).loop().returns(None)


@_waiting.upon(_Inputs.overdue).loop()
def _no_hello(_inputs: _Inputs, world: World) -> None:
    world.connection.close(CloseCode.NO_HELLO)


@_waiting.upon(_Inputs.closed).to(_gone)
def _closed_by_nobody(_inputs: _Inputs, world: World, code: CloseCode | None) -> None:
    del code
    world.stop_expecting()


def _wait(_inputs: _Inputs, world: World, check: Check, request: Request) -> None:
    if len(check.waiting) >= MOST_WAITING:
        text = f"{MOST_WAITING} requests already wait for the end of HELLO"
        world.connection.refuse(request, Refused(ErrorCode.RATE_LIMITED, text))
    else:
        check.waiting.append(request)


_checking.upon(_Inputs.hello).loop()(_wait)
_checking.upon(_Inputs.ask).loop()(_wait)


def _cancelled() -> Refused:
    return Refused(ErrorCode.CANCELLED, "GOODBYE came while the token was checked")


@_checking.upon(_Inputs.goodbye).to(_waiting)
def _cancel_check(inputs: _Inputs, world: World, check: Check, request: Goodbye) -> None:
    check.verdict.cancel()
    world.connection.refuse(check.hello, _cancelled())
    for waiting in check.waiting:
        world.refuse_unidentified(waiting)
    world.expect_hello(inputs.overdue, world.settings.hello_timeout)
    world.connection.reply(request, Ok())


@_checking.upon(_Inputs.accepted).to(_online)
def _enter(inputs: _Inputs, world: World, check: Check, identity: Identity) -> None:
    # No event may come before HELLO's OK, so the socket joins after it.
    world.connection.reply(check.hello, world.hello_ok(identity.socket))
    world.enter(identity, check.hello)
    _come_again(inputs, check)


def _come_again(inputs: _Inputs, check: Check) -> None:
    for request in check.waiting:
        if isinstance(request, Hello):
            inputs.hello(request)
        else:
            inputs.ask(request)


def _told_to_wait(failure: Failure) -> int:
    # In whole seconds, so that many have the same deadline.
    problem = failure.value
    return ceil(problem.after or 0) if isinstance(problem, Refused) else 0


@_checking.upon(_Inputs.refused).to(_waiting)
def _refuse_check(inputs: _Inputs, world: World, check: Check, failure: Failure) -> None:
    world.refuse_hello(failure, check.hello)
    world.expect_hello(inputs.overdue, world.settings.hello_timeout + _told_to_wait(failure))
    _come_again(inputs, check)


_checking.upon(_Inputs.drained).loop().returns(None)


@_checking.upon(_Inputs.closed).to(_gone)
def _closed_while_checking(_inputs: _Inputs, _world: World, check: Check, code: CloseCode | None) -> None:
    del code
    check.verdict.cancel()


@_online.upon(_Inputs.hello).loop()
def _refresh(_inputs: _Inputs, world: World, identity: Identity, request: Hello) -> None:
    socket = identity.socket
    if request.userid != socket.user_id:
        text = f"this socket is user {socket.user_id}; say GOODBYE first"
        world.connection.refuse(request, Refused(ErrorCode.ALREADY_IDENTIFIED, text))
        return
    if len(identity.refreshes) >= MOST_REFRESHES:
        text = f"{MOST_REFRESHES} HELLOs are being checked already"
        world.connection.refuse(request, Refused(ErrorCode.RATE_LIMITED, text))
        return

    def accepted(_: None) -> None:
        world.connection.reply(request, world.hello_ok(socket))
        world.requests.refresh(socket, broadcast=request.broadcast, client=request.client)
        identity.recheck.begin(request.accesstoken)

    def refused(failure: Failure) -> None:
        if failure.check(CancelledError):
            failure = Failure(_cancelled())
        world.refuse_hello(failure, request)

    verdict = world.check(request)
    identity.refreshes.add(verdict)
    verdict.addBoth(_finish_refresh, identity, verdict).addCallbacks(accepted, refused)
    verdict.addErrback(world.connection.fail)


def _finish_refresh(result: T, identity: Identity, verdict: Deferred[None]) -> T:
    identity.refreshes.discard(verdict)
    return result


@_online.upon(_Inputs.ask).loop()
def _ask(_inputs: _Inputs, world: World, identity: Identity, request: Request) -> None:
    world.answer(identity.socket, request)


@_online.upon(_Inputs.goodbye).to(_waiting)
def _goodbye(inputs: _Inputs, world: World, identity: Identity, request: Goodbye) -> None:
    world.leave(identity, Cause.GOODBYE)
    world.expect_hello(inputs.overdue, GOODBYE_TIMEOUT_SECONDS)
    world.connection.reply(request, Ok())


@_online.upon(_Inputs.drained).loop()
def _drained(_inputs: _Inputs, world: World, identity: Identity) -> None:
    world.requests.drained(identity.socket)


@_online.upon(_Inputs.closed).to(_gone)
def _closed(_inputs: _Inputs, world: World, identity: Identity, code: CloseCode | None) -> None:
    world.leave(identity, Cause.LOST if code is None else _CAUSES.get(code, Cause.LOST))


for _late in (
    _Inputs.hello,
    _Inputs.ask,
    _Inputs.goodbye,
    _Inputs.accepted,
    _Inputs.refused,
    _Inputs.overdue,
    _Inputs.drained,
    _Inputs.closed,
):
    _gone.upon(_late).loop().returns(None)

_build = look_up_transitions(_machine.build())


class Session:
    """
    One connection's session.

    :param settings: ``offline_delay``, ``hello_timeout``, and what HELLO's OK tells.
    """

    __slots__ = ("_allowance", "_inputs", "_world")

    def __init__(
        self,
        connection: IConnection,
        requests: Requests,
        tokens: ITokenChecker,
        rates: Rates,
        clock: IReactorTime,
        deadlines: Deadlines,
        ticker: Ticker,
        random: Random,
        settings: Settings,
    ) -> None:
        self._allowance = rates.allowance(connection.peer)
        self._world = World(
            connection, requests, tokens, self._allowance, clock, deadlines, ticker, random, settings
        )
        self._inputs = _build(self._world)
        self._world.expect_hello(self._inputs.overdue, settings.hello_timeout)

    def receive(self, request: Request) -> None:
        """Do what the client asks, unless it asks for too much; the reply goes to the connection."""
        allowance = self._allowance
        wait_seconds = allowance.take_ping() if type(request) is Ping else allowance.take()
        if wait_seconds:
            refusal = Refused(ErrorCode.RATE_LIMITED, "too many requests", after=round(wait_seconds, 3))
            self._world.connection.refuse(request, refusal)
            self._end_if_ignored()
        elif type(request) is Ping:
            self._world.connection.reply(request, Ok())
        elif type(request) is Hello:
            self._inputs.hello(request)
        elif type(request) is Goodbye:
            self._inputs.goodbye(request)
        elif self._world.socket is not None:
            # As the machine does, without what that costs.
            self._world.answer(self._world.socket, request)
        else:
            self._inputs.ask(request)

    def receive_inflated(self, size_bytes: int) -> None:
        """Note how large a message got that came compressed: work that costs next to nothing to ask for."""
        self._allowance.take(size_bytes // BYTES_OF_A_REQUEST)
        self._end_if_ignored()

    def receive_control(self) -> bool:
        """Count a ping or pong frame, which costs as much as a request; return whether to answer it."""
        wait_seconds = self._allowance.take()
        self._end_if_ignored()
        return not wait_seconds

    def receive_malformed(self) -> None:
        """Note that a frame came that is no request, and was refused."""
        self._allowance.take(MALFORMED_COST)
        self._end_if_ignored()

    def _end_if_ignored(self) -> None:
        if self._allowance.ignored:
            self._world.connection.close(CloseCode.TOO_MANY_REQUESTS)

    def drained(self) -> None:
        """Note that the send queue is empty again, after the connection was paused."""
        self._inputs.drained()

    def closed(self, code: CloseCode | None) -> None:
        """End; ``code`` is what the server closed the connection with, if it did."""
        self._inputs.closed(code)
