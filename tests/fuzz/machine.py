"""
The second property: whatever a few clients do together, each gets what the protocol promises.

It is the machine of ``tests/test_model.py``, whose rules these clients follow too, over bytes
and with the worst of both worlds: an account API that is late, ill or takes tokens back, and
clients that blunder, break the rules, flood, stall and fall silent.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, initialize, invariant, precondition, rule
from msgspec import UNSET, Raw, UnsetType
from twisted.logger import capturedLogs

from presence.config import Settings
from presence.wire.closing import CloseCode
from presence.wire.messages import (
    GetAllOnline,
    Goodbye,
    Hello,
    Ping,
    Request,
    SendMessageToUser,
    SubscribeOnlineStatus,
)
from tests.canary import SECRET, SECRET_NUMBER, TOKEN, secret
from tests.fuzz.frames import frame
from tests.fuzz.guests import (
    BURST,
    MOST_SOCKETS,
    RATE,
    USER_BURST,
    Bucket,
    Guest,
    Post,
    Sent,
)
from tests.fuzz.line import Line
from tests.fuzz.moods import Api, token_of
from tests.fuzz.reading import Opcode
from tests.fuzz.streams import assert_no_faults
from tests.test_model import CHOICES, MOST_VISITORS, WINDOW, PresenceMachine, Visitor
from tests.websocket.peer import Connections, make_daemon

NO_HOLD = {4401, 4410}

USERS = st.integers(1, 3)

ANYONE = st.integers(1, 4)
"""Users, and one who never comes."""

CENSUS_TAKER = 9

BLUNDERS = [
    b'{"type":"HELLO","ref":%d,"userid":"SECRET","accesstoken":"<TOKEN>"}',
    b'{"type":"HELLO","ref":%d,"userid":1.0,"accesstoken":"<TOKEN>"}',
    b'{"type":"HELLO","ref":%d,"userid":1,"accesstoken":["<TOKEN>"]}',
    b'{"type":"HELLO","ref":%d,"userid":1,"accesstoken":"<TOKEN>","client":"SECRET\\n"}',
    b'{"type":"sendMessageToUser","ref":%d,"id":"SECRET","message":"SECRET"}',
    b'{"type":"sendMessageToUser","ref":%d,"id":1,"message":"SECRET","key":NUMBER}',
    b'{"type":"sendMessageToUser","ref":%d,"id":1}',
    b'{"type":"subscribeOnlineStatus","ref":%d,"users":["SECRET"]}',
    b'{"type":"subscribeOnlineStatus","ref":%d,"since":{"epoch":"SECRET","version":"SECRET"}}',
    b'{"type":"getAllOnline","ref":%d,"cursor":"SECRET"}',
    b'{"type":"sendMessageToUser","ref":%d,"id":1,"message":' + b"[" * 65 + b"]" * 65 + b"}",
    b'{"type":"SECRET","ref":%d}',
]
"""Texts that are no requests, with a ref."""

NAMELESS = [
    b'{"type":"PING","ref":"SECRETSECRETSECRETSECRETSECRET"}',
    b'{"type":"PING","ref":["SECRET"]}',
    b'{"type":"HELLO","userid":1,"accesstoken":"<TOKEN>"',
    b'["SECRET"]',
    b'{"type":"sendMessageToUser","ref":%d,"id":1,"message":NaN,"key":"SECRET"}',
    b"SECRET",
    b"",
]
"""Texts that are no requests, nor is there a ref to be read."""

BREACHES = [
    frame(Opcode.BINARY, SECRET.encode()),
    frame(Opcode.TEXT, b'"\xff' + SECRET.encode()),
    frame(Opcode.TEXT, b'"SECRET"', first=0xC0),
    frame(Opcode.CONTINUATION, SECRET.encode()),
    frame(Opcode.PING, SECRET.encode(), first=0),
    frame(3, SECRET.encode()),
    frame(11, SECRET.encode()),
    bytes([0x81, len(TOKEN)]) + TOKEN.encode(),
    frame(Opcode.TEXT, b"x" * 70_000),
    frame(Opcode.TEXT, b"x" * 40_000, first=0) + frame(Opcode.CONTINUATION, b"x" * 40_000),
    frame(Opcode.TEXT, first=0) + frame(Opcode.CONTINUATION, first=0) * 65,
    frame(Opcode.CLOSE, b"\x03\xe8" + SECRET.encode()),
    frame(Opcode.CLOSE, b"\x03\xed"),
    frame(Opcode.CLOSE),
]


LARGE = SECRET.ljust(60_000, "x")

PAYLOADS = st.sampled_from([SECRET, SECRET_NUMBER, None, [{"a": SECRET}], LARGE])

REQUESTS: st.SearchStrategy[Callable[[int], Request]] = st.sampled_from(
    [
        lambda _: Ping(),
        lambda _: GetAllOnline(),
        lambda _: SubscribeOnlineStatus(),
        lambda user: Hello(userid=user, accesstoken=token_of(user)),
        lambda user: Hello(userid=user, accesstoken=TOKEN),
    ]
)


def _fill_in(text: bytes) -> bytes:
    filled = text.replace(b"SECRET", SECRET.encode()).replace(b"<TOKEN>", TOKEN.encode())
    return filled.replace(b"NUMBER", b"%d" % SECRET_NUMBER)


class HostileMachine(PresenceMachine):
    """
    A daemon with narrow limits, and its guests.

    :ivar guests: Those whose connection is not lost.
    """

    visitors = Bundle("visitors")
    guests: list[Guest]

    @initialize(
        interval=st.sampled_from([WINDOW, 0]), settle=st.sampled_from([0, 2]), delay=st.sampled_from([5, 0])
    )
    def start(self, interval: float, settle: float, delay: float) -> None:
        """Start it."""
        self.log = ExitStack()
        self.events = self.log.enter_context(capturedLogs())
        self.settings = Settings(
            broadcast_interval=interval,
            settle=settle,
            offline_delay=delay,
            token_recheck=20,
            max_sockets_per_user=MOST_SOCKETS,
            request_burst=BURST,
            user_request_burst=USER_BURST,
            request_rate=RATE,
            user_request_rate=RATE,
        )
        self.api, self.post, self.connections = Api(), Post(), Connections()
        self.daemon = make_daemon(self.settings)
        self.daemon.checker = self.api
        self.buckets: dict[int, Bucket] = defaultdict(lambda: Bucket(USER_BURST))
        self.sockets: set[str] = set()
        self.known, self.held_until = {}, {}
        self.present, self.guests = [], []
        self.pushed_out: list[Guest] = []

    # The rules of the model, for guests

    @precondition(lambda self: len(self.present) < MOST_VISITORS)
    @rule(
        target=visitors,
        user=USERS,
        broadcast=st.booleans() | st.just(UNSET),
        watches=CHOICES,
        polite=st.booleans(),
    )
    def come(
        self,
        user: int,
        broadcast: bool | UnsetType,  # noqa: FBT001 - drawn by name
        watches: list[int],
        polite: bool = True,  # noqa: FBT001, FBT002 - drawn by name
    ) -> Guest:
        """Let a guest come, who answers close frames or does not, and subscribe."""
        guest = self.enter(polite=polite)
        self.hello(guest, user, broadcast)
        guest.say(SubscribeOnlineStatus(users=watches or UNSET))
        return guest

    def enter(self, *, polite: bool = True) -> Guest:
        """Return a guest who has said nothing yet."""
        guest = Guest(
            client=Line(self.daemon, self.connections),
            known=self.known,
            api=self.api,
            post=self.post,
            sockets=self.sockets,
            buckets=self.buckets,
            when_left=self.left,
            polite=polite,
        )
        self.guests.append(guest)
        self.present.append(guest)
        return guest

    @rule(visitor=visitors, user=USERS, broadcast=st.booleans() | st.just(UNSET))
    def hello(self, visitor: Visitor, user: int, broadcast: bool | UnsetType) -> None:  # noqa: FBT001 - drawn by name
        """Say HELLO with the right token."""
        visitor.say(Hello(userid=user, accesstoken=token_of(user), broadcast=broadcast, client=SECRET))

    @rule(visitor=visitors)
    def goodbye(self, visitor: Visitor) -> None:
        """Say GOODBYE."""
        visitor.say(Goodbye())

    @rule(visitor=consumes(visitors))
    def vanish(self, visitor: Visitor) -> None:
        """Lose the connection."""
        assert isinstance(visitor, Guest)
        visitor.vanish()

    @rule(visitor=visitors)
    def pause(self, visitor: Visitor) -> None:
        """Read no more."""
        assert isinstance(visitor, Guest)
        visitor.listen()
        visitor.troublesome = True
        visitor.client.stop_reading()

    @rule(seconds=st.sampled_from([0.0625, WINDOW, 1, 4.9375, 12, 90]))
    def wait(self, seconds: float) -> None:
        """Let time pass, in which guests answer pings."""
        while True:
            step = min(seconds, 1)
            self.daemon.clock.advance(step)
            self.hear_all()
            seconds -= step
            if not seconds:
                return

    @invariant()
    def without_an_interval(self) -> None:
        """Hear everything after every step, and compare."""
        self.hear_all()
        self.check_at_any_time()
        super().without_an_interval()

    # Rules of their own

    @rule(late=st.booleans(), ill=st.booleans())
    def change_mood(self, late: bool, ill: bool) -> None:  # noqa: FBT001 - drawn by name
        """Let the account API be late, or ill, or neither."""
        self.api.late, self.api.ill = late, ill

    @rule()
    def decide(self) -> None:
        """Let the account API answer one question."""
        self.api.decide()

    @rule(user=USERS)
    def revoke(self, user: int) -> None:
        """Take a token back, or make it good again."""
        self.api.revoked ^= {token_of(user)}

    @rule(visitor=visitors, user=USERS, other=USERS, wrong=st.sampled_from(["", "", TOKEN]))
    def intrude(self, visitor: Guest, user: int, other: int, wrong: str) -> None:
        """Say HELLO with a token that is another's, or nobody's."""
        visitor.say(Hello(userid=user, accesstoken=wrong or token_of(other)))

    @rule(visitor=visitors, to=ANYONE, payload=PAYLOADS, times=st.sampled_from([1, 10]))
    def write(self, visitor: Guest, to: int, payload: object, times: int) -> None:
        """Send messages, which can be too many for who does not read."""
        for _ in range(times):
            key = secret(f"message-{len(self.post.sent)}")
            self.post.sent[key] = Sent(visitor.user, to, payload)
            visitor.say(SendMessageToUser(id=to, message=Raw(json.dumps(payload).encode()), key=key))

    @rule(user=USERS, other=USERS)
    def drown(self, user: int, other: int) -> None:
        """Write more to somebody who does not read than is kept for it."""
        self.cure()
        sleeper, writer = self.enter(), self.enter()
        self.hello(sleeper, user, UNSET)
        self.hello(writer, other, UNSET)
        self.pause(sleeper)
        self.write(writer, user, LARGE, 6)
        self.hear_all()

    @rule(user=USERS)
    def expire(self, user: int) -> None:
        """Let a user's token be revoked until no socket of the user is left."""
        self.cure()
        self.api.revoked.add(token_of(user))
        for _ in range(100):
            if any(guest.user == user for guest in self.staying):
                self.wait(1)
        self.quiet()

    @rule(to=ANYONE, payload=PAYLOADS)
    def all_write(self, to: int, payload: object) -> None:
        """Let everybody send a message to the same user."""
        for guest in list(self.guests):
            self.write(guest, to, payload, 1)

    @rule(visitor=visitors, text=st.sampled_from(BLUNDERS))
    def blunder(self, visitor: Guest, text: bytes) -> None:
        """Send what is no request."""
        visitor.blunder(_fill_in(text), names_ref=True)

    @rule(visitor=visitors, text=st.sampled_from(NAMELESS), times=st.integers(1, 12))
    def blunder_without_ref(self, visitor: Guest, text: bytes, times: int) -> None:
        """Send what is no request, and names no ref either."""
        for _ in range(times):
            visitor.blunder(_fill_in(text), names_ref=False)

    @rule(visitor=visitors, data=st.sampled_from(BREACHES))
    def breach(self, visitor: Guest, data: bytes) -> None:
        """Break the rules of WebSockets, or close by them."""
        visitor.breach(data)

    def all_mistakes(self) -> None:
        """Let newcomers make every mistake there is; chance leaves some out."""
        for text in BLUNDERS:
            guest = self.enter()
            guest.blunder(_fill_in(text), names_ref=True)
            guest.vanish()
        for data in BREACHES:
            self.enter().breach(data)

    @rule(visitor=visitors, request=REQUESTS, times=st.integers(2, 150))
    def flood(self, visitor: Guest, request: Callable[[int], Request], times: int) -> None:
        """Ask for too much at once."""
        refused = visitor.refused
        for _ in range(times):
            visitor.send(request(visitor.user or 1))
        visitor.listen()
        assert visitor.left or visitor.refused - refused <= BURST, "nobody stops the flood"

    @rule(user=USERS)
    def flood_together(self, user: int) -> None:
        """Ask for too much with all sockets of a user, and with none of them alone."""
        self.cure()
        for _ in range(MOST_SOCKETS):
            guest = self.enter()
            self.hello(guest, user, UNSET)
            self.flood(guest, lambda _: GetAllOnline(), BURST - 5)

    @rule(visitor=visitors)
    def fall_silent(self, visitor: Guest) -> None:
        """Answer no pings, or answer them again."""
        visitor.silent, visitor.troublesome = not visitor.silent, True

    def cure(self) -> None:
        """Let the account API be well."""
        self.api.late = self.api.ill = False
        self.api.revoked.clear()

    @rule()
    def census(self) -> None:
        """Ask for everybody who is online, page by page."""
        self.cure()
        taker = self.enter()
        self.hello(taker, CENSUS_TAKER, UNSET)
        self.quiet()
        assert not taker.left, "an honest newcomer is turned away"
        cursor: str | UnsetType = UNSET
        online, sockets = [], []
        while True:
            taker.say(GetAllOnline(limit=2, cursor=cursor))
            page = taker.last_ok
            online += page["online"]
            sockets += [(socket["socket"], socket["userid"]) for socket in page["sockets"]]
            if "next" not in page:
                break
            cursor = page["next"]
        assert online == sorted(self.truth()), (online, self.truth())
        there = [(guest.socket, guest.user) for guest in self.staying if guest.user is not None]
        assert sorted(sockets) == sorted(there), (sockets, there)
        taker.say(Goodbye())
        taker.vanish()

    @property
    def staying(self) -> list[Guest]:
        """Those to whom the daemon has not said farewell."""
        return [guest for guest in self.guests if not guest.left]

    def hear_all(self) -> None:
        """Let all guests hear what came, and what comes of that."""
        heard = True
        while heard:
            self.daemon.clock.advance(0)
            heard = False
            for guest in self.guests:
                heard |= guest.listen()
        self.guests = [guest for guest in self.guests if not guest.client.over]

    def left(self, guest: Guest, code: int | None) -> None:
        """Note the end of a guest's session."""
        self.present.remove(guest)
        if code == CloseCode.TOO_MANY_SOCKETS:
            self.pushed_out.append(guest)
        if guest.user is not None and code not in NO_HOLD:
            self.held_until[guest.user] = self.now + self.settings.offline_delay

    def check_at_any_time(self) -> None:
        """Check that every question that can be answered is, and how many sockets each user has."""
        of_users = Counter(guest.user for guest in self.staying if guest.user is not None)
        assert all(count <= MOST_SOCKETS for count in of_users.values()), of_users
        for user in self.api.wanted:
            assert any(guest.waits_for(user) for guest in self.staying), "a check for nobody goes on"
        while self.pushed_out:
            old = self.pushed_out.pop()
            assert all(guest.came > old.came for guest in self.staying if guest.user == old.user)
        if not self.api.wanted and self.now >= self.settings.settle:
            for guest in self.staying:
                assert not guest.unanswered, guest

    def teardown(self) -> None:
        """Let everything come to its end, unless something failed: that is what is to be told."""
        try:
            if sys.exception() is None:
                self.end()
        finally:
            self.log.close()

    def end(self) -> None:
        """Look for what is left."""
        while self.api.wanted:
            self.decide()
            self.hear_all()
        for guest in list(self.present):
            self.read_on(guest)
        self.all_mistakes()
        self.census()
        self.check_at_any_time()
        self.post.check()
        for guest in self.guests:
            guest.vanish()
        self.wait(self.settings.offline_delay + WINDOW)
        assert not self.daemon.roster.journal.online, "somebody is still online"
        assert not self.daemon.clock.getDelayedCalls(), "a timer is left"
        assert not self.connections.open, "a connection is still known"
        assert not self.api.wanted, "a check for nobody goes on"
        assert_no_faults(self.events)
