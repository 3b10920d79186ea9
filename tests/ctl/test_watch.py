"""Tests of ``presencectl watch``."""

from __future__ import annotations

from msgspec import UNSET

from presence.ctl.watch import RETRY_SECONDS
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import (
    Hello,
    OnlineStatus,
    OnlineUsers,
    Position,
    SubscribeOk,
    SubscribeOnlineStatus,
    TokenRequired,
)
from tests.canary import TOKEN
from tests.ctl.world import HELLO_OK, URL, CtlTestCase


def start(*online: int, version: int = 1) -> SubscribeOk:
    """Return the reply to a new subscription."""
    return SubscribeOk(epoch="b7", version=version, resumed=False, online=list(online))


def change(previous: int, version: int, came: list[int], went: list[int]) -> OnlineStatus:
    """Return a change of the list."""
    return OnlineStatus(epoch="b7", previous=previous, version=version, wentOnline=came, wentOffline=went)


class WatchTestCase(CtlTestCase):
    def setUp(self) -> None:
        """Watch, from a list of one."""
        super().setUp()
        self.run_command("watch", URL, "--userid", "2", PRESENCE_TOKEN=TOKEN)
        self.connect()

    def begin(self) -> None:
        """Let the command subscribe, to a list of one."""
        self.answered(HELLO_OK)
        self.answered(start(2))

    def tell(self, event: OnlineStatus | TokenRequired | OnlineUsers) -> None:
        """Let the daemon send an event."""
        self.server.tell(event)
        self.flush()

    def come_back(self) -> None:
        """Let the client connect again."""
        self.reactor.advance(0.5)
        self.connect()
        self.answered(HELLO_OK)


class WatchTests(WatchTestCase):
    def test_hello(self) -> None:
        """The command asks for no broadcast; changes are enough."""
        self.assertEqual(
            self.received(),
            Hello(ref=1, userid=2, accesstoken=TOKEN, broadcast=False, client="presencectl watch"),
        )

    def test_list(self) -> None:
        """First, everybody who is online is printed."""
        self.answered(HELLO_OK)
        self.answered(start(2, 7))
        self.assertEqual(self.terminal.lines, ["online: 2, 7"])

    def test_nobody(self) -> None:
        """A list of nobody is printed as such."""
        self.answered(HELLO_OK)
        self.answered(start())
        self.assertEqual(self.terminal.lines, ["online: nobody"])

    def test_changes(self) -> None:
        """Each user who comes or goes is a line."""
        self.begin()
        self.tell(change(1, 2, [7, 8], []))
        self.tell(change(2, 3, [], [8]))
        self.assertEqual(self.terminal.lines[1:], ["7 went online", "8 went online", "8 went offline"])

    def test_reset(self) -> None:
        """Of a new list what differs is printed."""
        self.begin()
        self.tell(change(1, 2, [7, 8], []))
        self.tell(OnlineStatus(epoch="c8", version=1, reset=True, online=[2, 8, 9]))
        self.assertEqual(self.terminal.lines[3:], ["9 went online", "7 went offline"])

    def test_gap(self) -> None:
        """A change that does not follow from what is known makes the command subscribe anew."""
        self.begin()
        self.tell(change(5, 6, [7], []))
        self.assertEqual(self.received(), SubscribeOnlineStatus(ref=3, since=UNSET))
        self.answered(start(2, 8, version=6))
        self.assertEqual(self.terminal.lines[1:], ["8 went online"])

    def test_other_events(self) -> None:
        """What is not about coming and going is not printed."""
        self.begin()
        self.tell(OnlineUsers(online=[9], epoch="b7", version=2))
        self.assertEqual((self.terminal.lines[1:], self.terminal.complaint), ([], ""))

    def test_token_required(self) -> None:
        """A token that ran out is said, as the connection will end."""
        self.begin()
        self.tell(TokenRequired(after=60))
        self.assertEqual(
            self.terminal.complaint,
            "presencectl: the token ran out; start again with a new one in 60 s\n",
        )


class ConnectionTests(WatchTestCase):
    def test_resumes(self) -> None:
        """After a lost connection the command goes on where it was, and prints what changed."""
        self.begin()
        self.tell(change(1, 2, [7], []))
        self.closed(1012, "service restarts")
        self.come_back()
        self.assertEqual(self.received(), SubscribeOnlineStatus(ref=2, since=Position("b7", 2)))
        self.answered(SubscribeOk(epoch="b7", version=9, resumed=True, wentOnline=[8], wentOffline=[7]))
        self.assertEqual(self.terminal.lines[2:], ["8 went online", "7 went offline"])
        self.assertEqual(
            self.terminal.complaint.splitlines(),
            [
                "presencectl: not connected: service restarts; trying again",
                "presencectl: connected again",
            ],
        )

    def test_cannot_resume(self) -> None:
        """Where the server does not remember, the lists are compared."""
        self.begin()
        self.closed(1012, "service restarts")
        self.come_back()
        self.answered(start(7))
        self.assertEqual(self.terminal.lines[1:], ["7 went online", "2 went offline"])

    def test_no_reason(self) -> None:
        """An end without a reason is named by its code."""
        self.begin()
        self.closed(1011, "")
        self.assertEqual(self.terminal.complaint, "presencectl: not connected: 1011; trying again\n")

    def test_ends_while_asking(self) -> None:
        """A connection that ends before the reply is told of once."""
        self.closed(1012, "service restarts")
        self.come_back()
        self.answered(start(2))
        self.assertEqual(self.terminal.complaint.count("trying again"), 1)
        self.assertEqual(self.terminal.lines, ["online: 2"])

    def test_not_wanted_back(self) -> None:
        """After a code 44xx the command ends."""
        self.begin()
        self.closed(4401, "token revoked or expired")
        self.assert_failed(1, "the connection ended with 4401: token revoked or expired")

    def test_refused(self) -> None:
        """A HELLO that is refused for good is the end."""
        self.answered(Refused(ErrorCode.TOKEN_REJECTED, "not a good token"))
        self.assert_failed(1, "refused: token_rejected; not a good token")

    def test_refused_for_now(self) -> None:
        """A HELLO that is refused for now is said again after five seconds."""
        self.answered(Refused(ErrorCode.AUTH_UNAVAILABLE, "no answer"))
        self.reactor.advance(RETRY_SECONDS)
        self.answered(HELLO_OK)
        self.answered(start(2))
        self.assertEqual(self.terminal.lines, ["online: 2"])
        self.assertEqual(self.terminal.complaint, "presencectl: auth_unavailable: no answer; trying again\n")

    def test_refused_with_hint(self) -> None:
        """A server that says how long to wait is obeyed."""
        self.answered(Refused(ErrorCode.RATE_LIMITED, "slowly", after=7.0))
        self.reactor.advance(6.9)
        self.flush()
        self.assertEqual(len(self.server.requests), 1)
        self.reactor.advance(0.1)
        self.flush()
        self.assertEqual(len(self.server.requests), 2)

    def test_ctrl_c(self) -> None:
        """Ctrl-C is how it is meant to end: with a closed connection and a good exit code."""
        self.begin()
        self.running.cancel()
        self.assert_done()
        self.assertEqual(self.server.closed, (1000, None))
        self.assertEqual(self.reactor.getDelayedCalls(), [])
