"""
Random comings, goings and failures against the rule that receivers are given.

A request may get lost on its way, its answer may get lost, and it may arrive long after the
daemon gave it up, after other requests too; the receiver may lose its list. One that goes by epoch
and version must have the published list once all is quiet.
"""

from __future__ import annotations

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.ops.webhooks import LONGEST_CEILING_SECONDS, REST_SECONDS, Batch, NotTaken, Webhook
from presence.testing import FakeClient, FakeDaemon
from presence.wire.messages import Goodbye
from tests.ops.receivers import OnlineList

USERS = st.integers(1, 4)
STRANGER = 5


class WebhookMachine(RuleBasedStateMachine):
    """A daemon that may start anew, its few users, and a receiver behind a bad network."""

    def __init__(self) -> None:
        super().__init__()
        self.receiver = OnlineList()
        self.may_forget = False
        self.on_their_way: list[bytes] = []
        self.elapsed_seconds = 0.0

    @initialize(interval=st.sampled_from([0, 0.25]), settle=st.sampled_from([0, 2]), may_forget=st.booleans())
    def begin(self, interval: float, settle: float, may_forget: bool) -> None:  # noqa: FBT001 - drawn by name
        """Start, with a receiver that may lose its list, which would hide that a change is missing."""
        self.may_forget = may_forget
        self.start(interval, settle)

    def start(self, interval: float, settle: float) -> None:
        """Start a daemon, after another one perhaps."""
        self.daemon = FakeDaemon(Settings(settle=settle, broadcast_interval=interval, token_recheck=0))
        self.daemon.roster.journal.epoch = f"since {self.elapsed_seconds}"
        self.daemon.clock.rightNow = self.elapsed_seconds
        self.posts: list[tuple[bytes, Deferred[None]]] = []
        self.webhook = Webhook(
            self.daemon.roster.journal, self.daemon.broadcast, self.post, lambda: 0.5, self.daemon.clock
        )
        self.webhook.startService()
        self.clients: dict[int, FakeClient] = {}

    def post(self, batch: Batch) -> Deferred[None]:
        """Take a request of the daemon, as bytes."""
        posted: Deferred[None] = Deferred()
        self.posts.append((batch.encode(round(self.daemon.clock.seconds() * 1000)), posted))
        return posted

    @rule(interval=st.sampled_from([0, 0.25]))
    def start_anew(self, interval: float) -> None:
        """End the daemon, and start another one."""
        self.webhook.stopService()
        self.wait(1)
        self.on_their_way += [body for body, _ in self.posts]
        self.start(interval, 0)

    @rule(user=USERS)
    def come_or_go(self, user: int) -> None:
        """Let a user come, or go."""
        client = self.clients.pop(user, None)
        if client is None:
            self.clients[user] = self.daemon.hello(user)
        else:
            client.say(Goodbye())

    @rule(seconds=st.sampled_from([0, 0.25, REST_SECONDS, 5, LONGEST_CEILING_SECONDS]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.daemon.clock.advance(seconds)
        self.daemon.clock.advance(0)
        self.elapsed_seconds = self.daemon.clock.seconds()

    def end(self, *, arrives: bool, answered: bool) -> bytes:
        """End the request that is under way."""
        body, posted = self.posts.pop()
        assert not self.posts, "two requests at a time"
        status = self.receiver.take(json.loads(body)) if arrives else 0
        if not answered:
            posted.errback(NotTaken("late", "no answer"))
        elif status == 409:
            assert self.may_forget, "a change is missing"
            posted.errback(NotTaken("conflict", "409"))
        else:
            posted.callback(None)
        return body

    @precondition(lambda self: self.posts)
    @rule()
    def answer(self) -> None:
        """Let the receiver take a batch and say so."""
        self.end(arrives=True, answered=True)

    @precondition(lambda self: self.posts)
    @rule(arrives=st.booleans())
    def break_off(self, arrives: bool) -> None:  # noqa: FBT001 - drawn by name
        """Lose a request, or its answer."""
        self.end(arrives=arrives, answered=False)

    @precondition(lambda self: self.posts)
    @rule(users=st.lists(USERS, max_size=3))
    def lose_answer(self, users: list[int]) -> None:
        """Lose an answer, and let the list move before the next try."""
        self.end(arrives=True, answered=False)
        for user in users:
            self.come_or_go(user)
            self.wait(0.25)
        self.wait(LONGEST_CEILING_SECONDS)
        if self.posts:
            self.answer()

    @precondition(lambda self: self.posts)
    @rule()
    def delay(self) -> None:
        """Let the daemon give up a request that arrives later."""
        self.on_their_way.append(self.end(arrives=False, answered=False))

    @precondition(lambda self: self.on_their_way)
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        """Let a request arrive that was given up, or that arrived before."""
        self.receiver.take(json.loads(data.draw(st.sampled_from(self.on_their_way))))

    @precondition(lambda self: self.may_forget)
    @rule()
    def forget(self) -> None:
        """Let the receiver lose all that it has."""
        self.receiver = OnlineList()

    def teardown(self) -> None:
        """Let one more user come and everything arrive until all is quiet, and compare."""
        self.come_or_go(STRANGER)
        for _ in range(6):
            self.wait(LONGEST_CEILING_SECONDS)
            if self.posts:
                self.answer()
        for body in self.on_their_way:
            self.receiver.take(json.loads(body))
        journal = self.daemon.roster.journal
        assert sorted(self.receiver.online) == journal.online == sorted(self.clients)
        assert self.webhook.behind_seconds == 0


class ModelTests(SynchronousTestCase):
    def test_receiver_has_the_list(self) -> None:
        """Whatever happened, after a quiet moment the receiver has the published list."""
        limits = settings(max_examples=200, stateful_step_count=40, deadline=None)
        run_state_machine_as_test(WebhookMachine, settings=limits)
