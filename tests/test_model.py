"""
Random comings and goings against a naive model.

Clients keep their lists by the rules of the protocol, from nothing but what they
receive. Whenever all has been quiet for a while, each list must be the truth.
"""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import SearchStrategy
from msgspec import UNSET, UnsetType
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.testing import FakeDaemon
from presence.wire.messages import (
    Goodbye,
    Hello,
    Position,
    Request,
    SubscribeOnlineStatus,
    UnsubscribeOnlineStatus,
)
from tests.canary import TOKEN

WINDOW = 0.25
MOST_VISITORS = 5
USERS = st.integers(1, 4)
CHOICES: SearchStrategy[list[int]] = st.just([]) | st.lists(USERS, max_size=3)


@attrs.define
class Kept:
    """
    The list of a subscription, as its client keeps it.

    :ivar users: The chosen users; None for all.
    """

    users: frozenset[int] | None
    position: Position
    online: set[int]


@attrs.define(eq=False)
class Visitor:
    """
    A client that keeps lists by the rules of the protocol.

    :ivar client: A :class:`FakeClient`, or what can be used like one.
    :ivar user: Who it is by the model; None for nobody.
    :ivar wants_lists: Whether it gets lists, by the model.
    :ivar identified: Whether it has a user, by what it was told.
    :ivar listed: The list of the last ``onlineUsers``.
    :ivar known: What was online at positions that it may resume from.
    """

    client: Any
    known: dict[tuple[str, int], set[int]]
    user: int | None = None
    wants_lists: bool = False
    identified: bool = False
    listed: list[int] | None = None
    kept: Kept | None = None
    asked: dict[int, Request] = attrs.Factory(dict)

    def say(self, request: Request) -> None:
        """Send a request."""
        request.ref = len(self.asked)
        self.asked[request.ref] = request
        self.hear(self.client.say(request))

    def hear(self, received: list[dict[str, Any]]) -> None:
        """Act on what came."""
        for message in received:
            getattr(self, f"hear_{message['type']}")(message)

    def hear_ERROR(self, error: dict[str, Any]) -> None:
        """Leave everything as it is."""

    def hear_OK(self, ok: dict[str, Any]) -> None:
        """Begin or end what was asked for."""
        request = self.asked[ok["ref"]]
        if isinstance(request, Hello):
            self.identified = True
        elif isinstance(request, Goodbye):
            self.identified, self.listed, self.kept = False, None, None
        elif isinstance(request, UnsubscribeOnlineStatus):
            self.kept = None
        elif isinstance(request, SubscribeOnlineStatus):
            self.begin(request, ok)

    def begin(self, request: SubscribeOnlineStatus, ok: dict[str, Any]) -> None:
        """Keep the list of a new subscription."""
        if ok["resumed"]:
            assert isinstance(request.since, Position)
            online = set(self.known[request.since.epoch, request.since.version])
            follow(online, ok)
        else:
            online = set(ok["online"])
        users = None if isinstance(request.users, UnsetType) else frozenset(request.users)
        self.kept = Kept(users, Position(ok["epoch"], ok["version"]), online)

    def hear_onlineStatus(self, event: dict[str, Any]) -> None:
        """Follow a change."""
        assert not self.client.connection.outlet.paused, "an event that is not read"
        assert self.kept is not None, "an event without a subscription"
        assert event["previous"] == self.kept.position.version, "a change is missing"
        follow(self.kept.online, event)
        self.kept.position = Position(event["epoch"], event["version"])

    def hear_onlineUsers(self, event: dict[str, Any]) -> None:
        """Take a list for what it is."""
        assert not self.client.connection.outlet.paused, "a list that is not read"
        assert self.identified, "an event before OK"
        assert self.wants_lists, "a list that nobody wanted"
        assert self.user in event["online"] or self.listed is not None, "a first list without oneself"
        self.listed = event["online"]

    def check(self, truth: set[int]) -> None:
        """Check the lists against the truth."""
        self.hear(self.client.take())
        if self.client.connection.outlet.paused:
            return
        if self.wants_lists:
            assert self.listed == sorted(truth), (self.listed, truth)
        if self.kept is not None:
            of_interest = truth if self.kept.users is None else truth & self.kept.users
            assert self.kept.online == of_interest, (self.kept.online, of_interest)

    def remember(self) -> None:
        """Note a position to resume from."""
        self.hear(self.client.take())
        if self.kept is not None and self.kept.users is None:
            position = self.kept.position
            self.known[position.epoch, position.version] = set(self.kept.online)


def follow(online: set[int], change: dict[str, Any]) -> None:
    """Apply a change to a list; whoever comes was away, and whoever goes was there."""
    came, went = set(change["wentOnline"]), set(change["wentOffline"])
    assert not came & online
    assert went <= online
    online -= went
    online |= came


class PresenceMachine(RuleBasedStateMachine):
    """Any number of clients of few users, and the naive model: who is there, and who is held."""

    visitors = Bundle("visitors")

    @initialize(
        interval=st.sampled_from([WINDOW, 0]), settle=st.sampled_from([0, 2]), delay=st.sampled_from([5, 0])
    )
    def start(self, interval: float, settle: float, delay: float) -> None:
        """Start a daemon."""
        self.settings = Settings(broadcast_interval=interval, settle=settle, offline_delay=delay)
        self.daemon = FakeDaemon(self.settings)
        self.known: dict[tuple[str, int], set[int]] = {}
        self.present: list[Visitor] = []
        self.held_until: dict[int, float] = {}

    @property
    def now(self) -> float:
        """The time."""
        return self.daemon.clock.seconds()

    def truth(self) -> set[int]:
        """Return who is online, by the model."""
        there = {visitor.user for visitor in self.present if visitor.user is not None}
        return there | {user for user, until in self.held_until.items() if until > self.now}

    @precondition(lambda self: len(self.present) < MOST_VISITORS)
    @rule(target=visitors, user=USERS, broadcast=st.booleans() | st.just(UNSET), watches=CHOICES)
    def come(self, user: int, broadcast: bool | UnsetType, watches: list[int]) -> Visitor:  # noqa: FBT001 - drawn by name
        """Let a client come, maybe as a second tab, and subscribe to all or to some."""
        visitor = Visitor(self.daemon.connect(), self.known)
        self.present.append(visitor)
        self.hello(visitor, user, broadcast)
        visitor.say(SubscribeOnlineStatus(users=watches or UNSET))
        return visitor

    @rule(visitor=visitors, user=USERS, broadcast=st.booleans() | st.just(UNSET))
    def hello(self, visitor: Visitor, user: int, broadcast: bool | UnsetType) -> None:  # noqa: FBT001 - drawn by name
        """Say HELLO, which is a refresh for the same user and refused for another."""
        if visitor.user is None:
            visitor.user, visitor.wants_lists = user, broadcast is not False
        elif visitor.user == user and not isinstance(broadcast, UnsetType):
            if broadcast and not visitor.wants_lists:
                visitor.listed = None
            visitor.hear(visitor.client.take())
            visitor.wants_lists = broadcast
        visitor.say(Hello(userid=user, accesstoken=TOKEN, broadcast=broadcast))

    @rule(visitor=visitors)
    def goodbye(self, visitor: Visitor) -> None:
        """Say GOODBYE, which is refused when nobody is there to leave."""
        visitor.hear(visitor.client.take())
        visitor.say(Goodbye())
        visitor.user, visitor.wants_lists = None, False

    @rule(visitor=consumes(visitors))
    def vanish(self, visitor: Visitor) -> None:
        """Lose the connection."""
        visitor.client.vanish()
        self.present.remove(visitor)
        if visitor.user is not None:
            self.held_until[visitor.user] = self.now + self.settings.offline_delay

    @rule(visitor=visitors, users=CHOICES)
    def subscribe(self, visitor: Visitor, users: list[int]) -> None:
        """Subscribe anew, to all or to some."""
        visitor.say(SubscribeOnlineStatus(users=users or UNSET))

    @rule(visitor=visitors, data=st.data())
    def resume(self, visitor: Visitor, data: st.DataObject) -> None:
        """Subscribe from a position that somebody remembered, or made up."""
        known = sorted(self.known)
        epoch, version = data.draw(st.sampled_from([*known, ("other", 1)]))
        visitor.say(SubscribeOnlineStatus(since=Position(epoch, version)))

    @rule(visitor=visitors)
    def remember(self, visitor: Visitor) -> None:
        """Note where a client is."""
        visitor.remember()

    @rule(visitor=visitors)
    def unsubscribe(self, visitor: Visitor) -> None:
        """Unsubscribe."""
        visitor.say(UnsubscribeOnlineStatus())

    @rule(visitor=visitors)
    def pause(self, visitor: Visitor) -> None:
        """Read no more."""
        visitor.hear(visitor.client.take())
        visitor.client.stop_reading()

    @rule(visitor=visitors)
    def read_on(self, visitor: Visitor) -> None:
        """Read on."""
        visitor.client.read_on()
        visitor.hear(visitor.client.take())

    @rule(visitor=visitors, others=st.lists(st.tuples(visitors, USERS), max_size=4))
    def sleep(self, visitor: Visitor, others: list[tuple[Visitor, int]]) -> None:
        """Read nothing while others, or the visitor itself, come and go."""
        self.pause(visitor)
        for other, user in others:
            if other.user is None:
                self.hello(other, user, UNSET)
            else:
                self.goodbye(other)
            self.wait(WINDOW)
        self.read_on(visitor)

    @rule(seconds=st.sampled_from([0.0625, WINDOW, 1, 4.9375]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.daemon.clock.advance(seconds)

    @rule()
    def quiet(self) -> None:
        """Wait until nobody came or went for a whole window, and compare."""
        self.wait(max(0.0, self.settings.settle - self.now))
        before = None
        while before != self.truth():
            before = self.truth()
            self.wait(WINDOW)
        self.check()

    @invariant()
    def without_an_interval(self) -> None:
        """Compare after every step where each change is published by itself."""
        if self.settings.broadcast_interval == 0 and self.now >= self.settings.settle:
            self.check()

    def check(self) -> None:
        """Compare each client's list with the truth."""
        for visitor in self.present:
            visitor.check(self.truth())

    def teardown(self) -> None:
        """Let everybody read on, and compare for the last time."""
        for visitor in self.present:
            self.read_on(visitor)
        self.quiet()


class ModelTests(SynchronousTestCase):
    def test_lists_follow_the_truth(self) -> None:
        """Whatever happened, after a quiet moment each client's list is the truth."""
        limits = settings(max_examples=200, stateful_step_count=50)
        run_state_machine_as_test(PresenceMachine, settings=limits)
