"""What the receiver of webhooks is told, and when."""

from __future__ import annotations

import json
from typing import Any

from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.ops import webhooks
from presence.ops.webhooks import LONGEST_CEILING_SECONDS, REST_SECONDS, NotTaken, Webhook
from presence.roster.journal import PUBLICATIONS_REMEMBERED
from presence.testing import FakeClient, FakeDaemon
from presence.wire.messages import Goodbye
from tests.ops.receivers import HeldPosts


class WebhookCase(SynchronousTestCase):
    def make(self, settle: float = 0) -> None:
        """Have a daemon, which publishes every change by itself, with a webhook."""
        self.daemon = FakeDaemon(Settings(settle=settle, broadcast_interval=0, token_recheck=0))
        self.clock = self.daemon.clock
        self.held = HeldPosts()
        self.jitter = 0.5
        self.webhook = Webhook(
            self.daemon.roster.journal,
            self.daemon.broadcast,
            self.held.post,
            lambda: self.jitter,
            self.clock,
        )
        self.webhook.startService()

    def setUp(self) -> None:
        """Have a receiver that knows that nobody is online but user 1."""
        self.make()
        self.take()
        self.come(1)
        self.clock.advance(REST_SECONDS)
        self.take()
        self.clock.advance(REST_SECONDS)

    def come(self, *users: int) -> list[FakeClient]:
        """Let users come."""
        clients = [self.daemon.hello(user) for user in users]
        self.clock.advance(0)
        return clients

    def go(self, *clients: FakeClient) -> None:
        """Let clients go."""
        for client in clients:
            client.say(Goodbye())
        self.clock.advance(0)

    def take(self) -> dict[str, Any]:
        """Take the only batch that is under way; return it without its time."""
        ((batch, posted),) = self.held.waiting
        self.held.waiting.clear()
        posted.callback(None)
        body: dict[str, Any] = json.loads(batch.encode(17))
        self.assertEqual(body.pop("time_ms"), 17)
        return body

    def fail_it(self, kind: str = "late") -> float:
        """Let the only request that is under way fail; return the time until the next one."""
        ((_, posted),) = self.held.waiting
        self.held.waiting.clear()
        posted.errback(NotTaken(kind, "no answer"))
        (timer,) = self.clock.getDelayedCalls()
        return timer.getTime() - self.clock.seconds()

    def assert_quiet(self) -> None:
        """Check that nothing is under way."""
        self.assertEqual(self.held.waiting, [])

    def users(self, batch: dict[str, Any]) -> dict[str, list[int]]:
        """Return the users of a batch, by the names of events."""
        told: dict[str, list[int]] = {"user.online": [], "user.offline": []}
        for event in batch["events"]:
            told[event["name"]].append(event["user_id"])
        return told


class BatchTests(WebhookCase):
    def test_first(self) -> None:
        """The first batch is the whole list, though it is empty, as soon as it has settled."""
        self.make(settle=5)
        self.clock.pump([1] * 4)
        self.assert_quiet()
        self.clock.pump([1] * 3)
        epoch = self.daemon.roster.journal.epoch
        expected = {"epoch": epoch, "version": 0, "reset": True, "online": [], "events": []}
        self.assertEqual(self.take(), expected)

    def test_change(self) -> None:
        """After that who comes and goes is told at once, with the version before it."""
        (client,) = self.come(2)
        came = self.take()
        self.assertEqual((came["previous"], came["version"]), (1, 2))
        self.assertEqual(came["events"], [{"name": "user.online", "user_id": 2}])
        self.go(client)
        self.clock.advance(REST_SECONDS)
        went = self.take()
        self.assertEqual((went["previous"], went["version"]), (2, 3))
        self.assertEqual(went["events"], [{"name": "user.offline", "user_id": 2}])

    def test_rest(self) -> None:
        """After a batch changes are collected for a second."""
        self.come(2)
        self.take()
        self.come(3)
        self.clock.advance(REST_SECONDS - 0.1)
        self.come(4)
        self.assert_quiet()
        self.clock.advance(0.1)
        self.assertEqual(self.users(self.take())["user.online"], [3, 4])

    def test_one_at_a_time(self) -> None:
        """While a request is under way there is no other one."""
        self.come(2)
        self.come(3)
        self.clock.advance(3600)
        self.assertEqual(self.users(self.take())["user.online"], [2])

    def test_came_and_gone(self) -> None:
        """Who comes and goes between two batches is not told, and the next one follows the last one."""
        self.come(2)
        version = self.take()["version"]
        self.go(*self.come(3))
        self.clock.advance(REST_SECONDS)
        self.assert_quiet()
        self.assertEqual(self.webhook.behind_seconds, 0)
        self.come(4)
        batch = self.take()
        self.assertEqual((batch["previous"], self.users(batch)["user.online"]), (version, [4]))

    def test_large(self) -> None:
        """A change that is too large is told as the whole list."""
        self.patch(webhooks, "MOST_EVENTS", 2)
        self.come(2)
        self.take()
        self.come(3, 4, 5)
        self.clock.advance(REST_SECONDS)
        self.assertEqual(self.take()["online"], [1, 2, 3, 4, 5])

    def test_list_of_its_time(self) -> None:
        """The list of a reset stays what it was at its version."""
        self.make()
        self.come(1)
        batch = self.take()
        self.assertEqual((batch["version"], batch["online"]), (0, []))


class FailureTests(WebhookCase):
    def test_same_again(self) -> None:
        """A batch that was not taken is tried again with the same content, whatever happened since."""
        (client,) = self.come(2)
        ((first, _),) = self.held.waiting
        pause = self.fail_it()
        self.go(client)
        self.clock.advance(pause)
        ((second, _),) = self.held.waiting
        self.assertIs(second, first)

    def test_outage(self) -> None:
        """After an outage the receiver is told what is different, not what happened."""
        self.come(2)
        pause = self.fail_it()
        clients = self.come(3, 4, 5)
        self.go(*clients[:2])
        self.clock.advance(pause)
        self.take()
        self.clock.advance(REST_SECONDS)
        self.assertEqual(self.users(self.take()), {"user.online": [5], "user.offline": []})

    def test_forgotten(self) -> None:
        """A receiver whose position is no longer remembered gets the whole list."""
        self.come(2)
        pause = self.fail_it()
        for _ in range(PUBLICATIONS_REMEMBERED // 2 + 1):
            self.go(*self.come(3))
        self.clock.advance(pause)
        self.assertEqual(self.users(self.take())["user.online"], [2])
        self.come(4)
        self.clock.advance(REST_SECONDS)
        self.assertEqual(self.take()["online"], [1, 2, 4])

    def test_conflict(self) -> None:
        """A receiver that does not know what came before gets the whole list, after a pause."""
        self.come(2)
        pause = self.fail_it("conflict")
        self.come(3)
        self.clock.advance(pause)
        self.assertEqual(self.take()["online"], [1, 2, 3])
        self.assertEqual(self.webhook.behind_seconds, 0)

    def test_behind_after_conflict(self) -> None:
        """What moved before a reset was made is in it."""
        self.come(2)
        self.come(3)
        self.clock.advance(self.fail_it("conflict"))
        self.take()
        self.assertEqual(self.webhook.behind_seconds, 0)

    def test_pauses(self) -> None:
        """The pauses are a rest and a random part of a ceiling that doubles up to a minute."""
        self.come(2)
        pauses = []
        for self.jitter in (1, 0.5, 0, 1, 1, 1, 1, 1):
            pauses.append(self.fail_it() - REST_SECONDS)
            self.clock.advance(pauses[-1] + REST_SECONDS)
        self.assertEqual(pauses, [1, 1, 0, 8, 16, 32, LONGEST_CEILING_SECONDS, LONGEST_CEILING_SECONDS])

    def test_recovered(self) -> None:
        """After a success the pauses are short again."""
        self.come(2)
        self.clock.advance(self.fail_it())
        self.clock.advance(self.fail_it())
        self.take()
        self.come(3)
        self.clock.advance(REST_SECONDS)
        self.assertEqual(self.fail_it(), REST_SECONDS + 0.5)

    def test_log(self) -> None:
        """Failures are summed up in the log, and their end is told."""
        self.come(2)
        with capturedLogs() as events:
            for _ in range(5):
                self.clock.advance(self.fail_it())
            self.take()
        lines = [(event["log_level"], event.get("times"), event.get("failures")) for event in events]
        expected = [(LogLevel.warn, 1, None), (LogLevel.warn, 4, None), (LogLevel.info, None, 5)]
        self.assertEqual(lines, expected)


class FiguresTests(WebhookCase):
    def test_results(self) -> None:
        """Every request counts, by how it ended."""
        self.come(2)
        self.clock.advance(self.fail_it())
        self.take()
        self.assertEqual(self.webhook.results, {"ok": 3, "late": 1})

    def test_behind(self) -> None:
        """The receiver is as far behind as the oldest change that it has not taken."""
        self.assertEqual(self.webhook.behind_seconds, 0)
        self.come(2)
        self.clock.advance(5)
        self.come(3)
        self.clock.advance(5)
        self.come(4)
        self.assertEqual(self.webhook.behind_seconds, 10)
        self.take()
        self.assertEqual(self.webhook.behind_seconds, 5)
        self.clock.advance(REST_SECONDS)
        self.take()
        self.assertEqual(self.webhook.behind_seconds, 0)


class StopTests(WebhookCase):
    def assert_stopped(self) -> None:
        """Stop, and check that nothing is left, and nothing comes any more."""
        self.come(9)
        self.webhook.stopService()
        requests = len(self.held.waiting)
        self.come(10)
        self.clock.advance(3600)
        self.assertEqual(len(self.held.waiting), requests)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_unsettled(self) -> None:
        """It can stop before there is anything to tell."""
        self.make(settle=5)
        self.webhook.stopService()
        self.clock.pump([1] * 7)
        self.assert_quiet()

    def test_idle(self) -> None:
        """It can stop while the receiver knows all."""
        self.webhook.stopService()
        self.come(2)
        self.assert_quiet()

    def test_resting(self) -> None:
        """It can stop while it rests."""
        self.come(2)
        self.take()
        self.assert_stopped()

    def test_pausing(self) -> None:
        """It can stop during a pause."""
        self.come(2)
        self.fail_it()
        self.assert_stopped()

    def test_under_way(self) -> None:
        """A request that is under way is given up, and is no failure."""
        self.come(2)
        ((_, posted),) = self.held.waiting
        self.assert_stopped()
        self.assertTrue(posted.called)
        self.assertEqual(self.webhook.results, {"ok": 2})

    def test_late_call(self) -> None:
        """A publication whose news is on its way at that moment changes nothing."""
        self.daemon.hello(2)
        self.webhook.stopService()
        self.clock.advance(0)
        self.assert_quiet()
