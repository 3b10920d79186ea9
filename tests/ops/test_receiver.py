"""One signed request to the receiver of webhooks, and a status that says whether it was taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IAgent
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from presence.config import Settings
from presence.host.answers import LARGEST_BODY
from presence.ops.receiver import DEADLINE_SECONDS, Receiver, name_of
from presence.ops.webhooks import REST_SECONDS, Batch, NotTaken, Webhook
from presence.roster.journal import Change
from presence.testing import FakeDaemon
from presence.wire.messages import SubscribeOnlineStatus
from tests.canary import SECRET
from tests.clocks import pass_time
from tests.ops.receivers import WEBHOOK_SECRET, Hook

URL = f"http://www.example.com/hooks/{SECRET}?of=presence"
BATCH = Batch("abc", 2, Change(1, 2, [7], [8]))
NOW = 1_700_000_000.0


def answer_with(status: int, body: bytes = b"") -> Callable[[Request], bytes]:
    """Return what answers with a status."""

    def answer(request: Request) -> bytes:
        request.setResponseCode(status)
        return body

    return answer


@implementer(IAgent)
class LostAgent:
    """An agent that finds no host."""

    def request(self, *_: object) -> Deferred[Any]:
        """Fail."""
        raise DNSLookupError("no such host")


class ReceiverCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Have a receiver that is content with everything."""
        self.clock = Clock()
        self.clock.advance(NOW)
        self.hook = Hook()
        self.agent = RequestTraversalAgent(self.hook)
        self.receiver = Receiver(URL, WEBHOOK_SECRET, self.agent, self.clock)

    def post(self, answer: Callable[[Request], Any] = lambda _: b"") -> Deferred[None]:
        """Post a batch to a receiver that answers so."""
        self.hook.answer = answer
        posted = self.receiver.post(BATCH)
        self.agent.flush()
        return posted

    def assert_not_taken(self, kind: str, reason: str, posted: Deferred[None]) -> None:
        """Check that a request failed, and that no timer is left."""
        problem: Any = self.failureResultOf(posted, NotTaken).value
        self.assertEqual((problem.kind, problem.reason), (kind, reason))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def assert_dropped(self) -> None:
        """Check that the connection of the request is gone."""
        self.agent.flush()
        self.assertTrue(self.hook.asked[0]._disconnected)


class PostTests(ReceiverCase):
    def test_taken(self) -> None:
        """A batch goes to the address, signed, and no timer is left."""
        self.assertIsNone(self.successResultOf(self.post()))
        (request,) = self.hook.asked
        self.assertEqual(request.uri, f"/hooks/{SECRET}?of=presence".encode())
        self.assertEqual(request.getHeader("content-type"), "application/json")
        self.assertEqual(request.getHeader("x-pusher-key"), name_of(WEBHOOK_SECRET))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_body(self) -> None:
        """The body is JSON, with the time of the request."""
        self.post()
        events = [{"name": "user.online", "user_id": 7}, {"name": "user.offline", "user_id": 8}]
        expected = {"time_ms": NOW * 1000, "epoch": "abc", "version": 2, "previous": 1, "events": events}
        self.assertEqual(self.hook.batches, [expected])

    def test_later(self) -> None:
        """The same batch has another time when it is tried again, and a signature that fits."""
        self.post()
        self.clock.advance(600)
        self.successResultOf(self.post())
        first, second = self.hook.batches
        self.assertEqual(second.pop("time_ms") - first.pop("time_ms"), 600_000)
        self.assertEqual(first, second)

    def test_signature(self) -> None:
        """Who has another secret does not take it."""
        self.receiver = Receiver(URL, "another", self.agent, self.clock)
        self.assert_not_taken("refused", "the receiver answered 401", self.post())

    def test_key(self) -> None:
        """The key tells one secret from another."""
        self.assertRegex(name_of(WEBHOOK_SECRET), "^[0-9a-f]{16}$")
        self.assertNotEqual(name_of(WEBHOOK_SECRET), name_of("another"))

    def test_no_content(self) -> None:
        """Any status of success will do."""
        for status in (200, 202, 204, 299):
            self.assertIsNone(self.successResultOf(self.post(answer_with(status))), status)

    def test_refused(self) -> None:
        """Any other status but 409 is a refusal, 410 too."""
        for status in (300, 400, 410, 500, 503):
            posted = self.post(answer_with(status))
            self.assert_not_taken("refused", f"the receiver answered {status}", posted)

    def test_conflict(self) -> None:
        """By 409 the receiver says that it does not know what came before."""
        self.assert_not_taken("conflict", "the receiver answered 409", self.post(answer_with(409)))

    def test_redirect(self) -> None:
        """A redirect is not followed."""

        def redirect(request: Request) -> bytes:
            request.redirect(b"http://www.example.com/login")
            return b""

        self.assert_not_taken("refused", "the receiver answered 302", self.post(redirect))
        self.assertEqual(len(self.hook.asked), 1)

    def test_no_cookies(self) -> None:
        """Cookies are not kept."""

        def set_cookie(request: Request) -> bytes:
            request.addCookie("session", "7")
            return b""

        self.post(set_cookie)
        self.post()
        self.assertIsNone(self.hook.asked[1].getHeader("cookie"))

    def test_huge_answer(self) -> None:
        """Of a huge answer the status counts, and its connection is dropped."""

        def flood(request: Request) -> int:
            request.write(b"x" * (LARGEST_BODY + 1))
            return NOT_DONE_YET

        self.assertIsNone(self.successResultOf(self.post(flood)))
        self.assert_dropped()

    def test_no_host(self) -> None:
        """What kept a request from being made is told in the log's words."""
        self.receiver = Receiver(URL, WEBHOOK_SECRET, LostAgent(), self.clock)
        reason = "DNSLookupError: DNS lookup failed: no such host."
        self.assert_not_taken("failed", reason, self.receiver.post(BATCH))


class DeadlineTests(ReceiverCase):
    def test_hang(self) -> None:
        """A receiver that does not answer has failed after the deadline, and its connection is dropped."""
        posted = self.post(lambda _: NOT_DONE_YET)
        pass_time(self.clock, DEADLINE_SECONDS - 0.1)
        self.assertNoResult(posted)
        self.clock.advance(0.1)
        self.assert_not_taken("late", "no answer within 10 s", posted)
        self.assert_dropped()

    def test_drip(self) -> None:
        """An answer that drips ends at the same deadline."""

        def drip(request: Request) -> int:
            request.write(b"x")
            return NOT_DONE_YET

        posted = self.post(drip)
        pass_time(self.clock, DEADLINE_SECONDS)
        self.assert_not_taken("late", "no answer within 10 s", posted)
        self.assert_dropped()

    def test_cancelled(self) -> None:
        """A request that is given up leaves no connection and no timer."""
        posted = self.post(lambda _: NOT_DONE_YET)
        posted.cancel()
        self.failureResultOf(posted, NotTaken)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assert_dropped()


class SlowReceiverTests(ReceiverCase):
    def test_publications(self) -> None:
        """However slow the receiver is, who watches is told at once, and one request is under way."""
        daemon = FakeDaemon(Settings(settle=0, broadcast_interval=0, token_recheck=0))
        self.hook.answer = lambda _: NOT_DONE_YET
        journal, broadcast = daemon.roster.journal, daemon.broadcast
        webhook = Webhook(journal, broadcast, self.receiver.post, lambda: 0.5, daemon.clock)
        webhook.startService()
        watcher = daemon.hello(1)
        watcher.say(SubscribeOnlineStatus())
        for user in range(2, 200):
            daemon.hello(user)
            self.assertEqual(watcher.take_of("onlineStatus")[0]["wentOnline"], [user])
            daemon.clock.advance(REST_SECONDS)
            self.agent.flush()
        self.assertEqual(len(self.hook.asked), 1)
        webhook.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
