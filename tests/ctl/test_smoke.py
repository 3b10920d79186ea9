"""Tests of ``presencectl smoke``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from presence.ctl.visit import EVENT_SECONDS
from presence.wire.errors import ErrorCode, Refused
from presence.wire.messages import (
    Event,
    GetAllOnline,
    Goodbye,
    Hello,
    Message,
    Ok,
    OnlinePage,
    OnlineSocket,
    OnlineUsers,
    Request,
    SendMessageToUser,
    SendOk,
    SubscribeOk,
    SubscribeOnlineStatus,
)
from tests.canary import TOKEN
from tests.client.scripted import ScriptedServer
from tests.ctl.world import HELLO_OK, URL, Closed, CtlTestCase

OURS = OnlineSocket("5f", 2, 1.0)


def page(*sockets: OnlineSocket, **more: Any) -> OnlinePage:  # noqa: ANN401 - any field of a page
    """Return a page of sockets."""
    users = [each.userid for each in sockets]
    return OnlinePage(online=users, sockets=list(sockets), epoch="b7", version=1, **more)


class SmokeTestCase(CtlTestCase):
    """A smoke test of a daemon whose one user is 2; each test may change a reply or an event."""

    def setUp(self) -> None:
        """Make the daemon behave."""
        super().setUp()
        self.replies: dict[type[Request], Ok | Refused] = {
            Hello: HELLO_OK,
            SubscribeOnlineStatus: SubscribeOk(epoch="b7", version=1, resumed=False, online=[2]),
            GetAllOnline: page(OURS),
            SendMessageToUser: SendOk(delivered=1),
            Goodbye: Ok(),
        }
        self.list: Event = OnlineUsers(online=[2], epoch="b7", version=1)
        self.edit: Callable[[Message], Message | None] = lambda message: message

    def play(self, server: ScriptedServer, request: Request) -> None:
        """Answer a request, and tell what follows from it."""
        server.reply(self.replies[type(request)], request)
        if isinstance(request, Hello):
            server.tell(self.list)
        if isinstance(request, SendMessageToUser):
            message = self.edit(Message(sender=2, message=request.message, key=request.key, ts=1.0))
            if message is not None:
                server.tell(message)

    def smoke(self) -> None:
        """Run the command until it ends or waits."""
        self.run_command("smoke", URL, "--userid", "2", PRESENCE_TOKEN=TOKEN)
        self.pump = self.complete(greet=False)
        self.server.script = self.play
        self.flush()


class SmokeTests(SmokeTestCase):
    def test_passes(self) -> None:
        """A daemon that follows the protocol passes, and the connection is closed."""
        self.smoke()
        self.assert_done()
        self.assertEqual(self.server.closed, (1000, None))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_frames(self) -> None:
        """Every frame is printed with its direction."""
        self.smoke()
        self.assertEqual(len(self.terminal.lines), 12)
        self.assertEqual(
            self.terminal.lines[-2:],
            ['→ {"type":"GOODBYE","ref":5}', '← {"type":"OK","re":"GOODBYE","ref":5}'],
        )

    def test_token(self) -> None:
        """The access token is not printed."""
        self.smoke()
        self.assertIn('"accesstoken":"…"', self.terminal.lines[0])
        self.assertNotIn(TOKEN, self.terminal.stdout.getvalue())

    def test_nobody_reads(self) -> None:
        """Nobody has to read the frames."""
        self.terminal.stdout = Closed()
        self.smoke()
        self.assert_done()

    def test_pages(self) -> None:
        """Our socket may be on a later page."""
        first = page(OnlineSocket("aa", 1, 1.0), next="7")
        self.replies[GetAllOnline] = first

        def play(server: ScriptedServer, request: Request) -> None:
            if isinstance(request, GetAllOnline) and request.cursor == "7":
                self.replies[GetAllOnline] = page(OURS)
            self.play(server, request)

        self.run_command("smoke", URL, "--userid", "2", PRESENCE_TOKEN=TOKEN)
        self.pump = self.complete(greet=False)
        self.server.script = play
        self.assert_done()


class WrongTests(SmokeTestCase):
    def assert_wrong(self, complaint: str) -> None:
        """Run the command, which finds something wrong."""
        self.smoke()
        self.assert_failed(1, complaint)
        self.assertEqual(self.server.closed, (1000, None))

    def test_refused(self) -> None:
        """A request that is refused is the end, with the code and the text."""
        self.replies[Hello] = Refused(ErrorCode.TOKEN_REJECTED, "not a good token")
        self.assert_wrong("refused: token_rejected; not a good token")

    def test_other_user(self) -> None:
        """A socket that becomes another user is found."""
        self.replies[Hello] = msgspec.structs.replace(HELLO_OK, userid=3)
        self.assert_wrong("HELLO made the socket user 3")

    def test_no_list(self) -> None:
        """A subscription that does not begin with the list is found."""
        self.replies[SubscribeOnlineStatus] = SubscribeOk(epoch="b7", version=1, resumed=True, wentOnline=[2])
        self.assert_wrong("the reply to subscribeOnlineStatus does not hold the list")

    def test_not_listed(self) -> None:
        """A subscription that begins with a list without us is found."""
        self.replies[SubscribeOnlineStatus] = SubscribeOk(epoch="b7", version=1, resumed=False, online=[1])
        self.assert_wrong("subscribeOnlineStatus does not list user 2")

    def test_no_socket(self) -> None:
        """A page without our socket is found."""
        self.replies[GetAllOnline] = page(OnlineSocket("aa", 2, 1.0))
        self.assert_wrong("getAllOnline does not list our socket")

    def test_not_delivered(self) -> None:
        """A message that no socket took is found."""
        self.replies[SendMessageToUser] = SendOk(delivered=0)
        self.assert_wrong("no socket took the message, though ours is online")

    def test_other_sender(self) -> None:
        """A message with the name of somebody else is found."""
        self.edit = lambda message: Message(sender=3, message=message.message, key=message.key, ts=1.0)
        self.assert_wrong("the message is from 3, not from 2")

    def test_other_content(self) -> None:
        """A message that was changed on its way is found."""
        self.edit = lambda message: Message(sender=2, message=Raw(b"{}"), key=message.key, ts=1.0)
        self.assert_wrong("the message came with another content")

    def test_never_published(self) -> None:
        """A user who does not come onto the published list is found."""
        self.list = OnlineUsers(online=[1], epoch="b7", version=1)
        self.smoke()
        self.reactor.advance(EVENT_SECONDS)
        self.flush()
        self.assert_failed(1, "waited 15 s for an onlineUsers event with user 2")

    def test_lost_message(self) -> None:
        """A message that is counted but does not come is found."""
        self.edit = lambda message: Message(sender=2, message=message.message, key=UNSET, ts=1.0)
        self.smoke()
        self.reactor.advance(EVENT_SECONDS)
        self.flush()
        self.assert_failed(1, "waited 15 s for the message to ourselves")

    def test_no_reply(self) -> None:
        """A request without a reply is the end."""
        self.smoke_until_silent()
        self.reactor.advance(45)
        self.flush()
        self.assert_failed(1, "the server did not reply in time")

    def smoke_until_silent(self) -> None:
        """Run the command against a daemon that says nothing."""
        self.run_command("smoke", URL, "--userid", "2", PRESENCE_TOKEN=TOKEN)
        self.connect()

    def test_connection_ends(self) -> None:
        """A connection that ends is the end, with the code and the reason."""
        self.list = OnlineUsers(online=[1], epoch="b7", version=1)
        self.smoke()
        self.closed(4410, "disconnected by the operator")
        self.assert_failed(1, "the connection ended with 4410: disconnected by the operator")
