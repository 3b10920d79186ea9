"""
The first property: whatever bytes come, and however they are cut, the daemon answers by the book.

Each request that could be read gets one reply, in order; each ping its pong; each breach of the
rules the close code that is for it. After a close frame comes nothing, and after the end of the
connection nothing is left.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from itertools import pairwise

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from twisted.logger import LogEvent, LogLevel, capturedLogs, eventAsText

from presence.config import Settings
from presence.wire.closing import CloseCode
from presence.wire.codec import decode_answer
from presence.wire.messages import Event, Reply
from tests.fuzz import frames
from tests.fuzz.reading import ClientReader, Opcode, Read, read_server
from tests.fuzz.requests import judge
from tests.websocket.peer import Connections, Peer, make_daemon

SETTINGS = Settings(settle=0, offline_delay=0, broadcast_interval=0, max_message_bytes=frames.LARGEST)

BAD = {"bad_json", "bad_message"}
MISTAKES = {*BAD, "unknown_type"}

MALFORMED_COST = 10
"""How many requests a text counts for that is none."""


@attrs.frozen
class Stream:
    """
    What a client sends.

    :ivar burst: How many requests at once the daemon lets it make.
    :ivar chunks: Its bytes, each with the seconds that pass before it.
    """

    burst: int
    chunks: list[tuple[float, bytes]]


@st.composite
def streams(draw: DrawFn) -> Stream:
    """Return what a client sends: a good while of sense, and then anything."""
    # Of several strategies that are the same st.one_of takes one.
    opening = draw(frames.odd_openings() if draw(st.integers(0, 7)) == 7 else frames.good_opening)
    begin = draw(st.lists(frames.messages | frames.pings, min_size=draw(st.integers(0, 20)), max_size=40))
    end = draw(st.lists(_anything, max_size=6))
    data = b"".join([opening, *begin, *end, draw(frames.broken)])
    cuts = [0, *sorted(draw(st.lists(st.integers(0, len(data)), max_size=8))), len(data)]
    chunks = [(0.0, data[start:end]) for start, end in pairwise(cuts)]
    if draw(st.booleans()):
        late = draw(st.integers(0, len(chunks) - 1))
        chunks[late] = (draw(st.sampled_from([0.5, 4, 9, 12, 30])), chunks[late][1])
    return Stream(draw(st.sampled_from([30, 1000])), chunks)


_anything: SearchStrategy[bytes] = st.one_of(
    frames.messages, frames.floods, frames.endless, frames.closes, frames.broken, frames.garbage
)


def check_stream(stream: Stream) -> None:
    """Check the property for what a client sends."""
    with capturedLogs() as events:
        client = Client(attrs.evolve(SETTINGS, request_burst=stream.burst))
        for wait_seconds, chunk in stream.chunks:
            client.wait(wait_seconds)
            client.send(chunk)
        client.end()
    assert_no_faults(events)


def assert_no_faults(events: Iterable[LogEvent]) -> None:
    """Assert that nothing was logged as a fault, a secret that was told among them."""
    faults = [event for event in events if event.get("log_level") in {LogLevel.error, LogLevel.critical}]
    assert not faults, "\n".join(map(eventAsText, faults))


class Client:
    """
    A client of a daemon of its own, and what it may expect.

    :ivar expected: What has been read of it and is not answered yet.
    :ivar spent: How many requests all that was read counts for, pings and pongs among them.
    """

    def __init__(self, settings: Settings) -> None:
        self.daemon = make_daemon(settings)
        self.connections = Connections()
        self.peer = Peer(self.daemon, self.connections)
        self.expected: deque[Read] = deque()
        self.bad_messages = 0
        self.spent = 0
        self.burst = settings.request_burst
        self.last_code: str | None = None
        self._opening = b""
        self._sent = b""
        self._reader: ClientReader | None = None
        self._closed = False

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.daemon.clock.advance(seconds)
        self._hear()

    def send(self, data: bytes) -> None:
        """Send bytes, as long as the connection is not aborted."""
        if self._gone:
            return
        self.peer.protocol.dataReceived(data)
        if self._reader is not None:
            self._expect(data)
        else:
            self._sent += data
        self._hear()
        self._skip_unanswered_pings()
        if not self._closed and not self._gone:
            assert not self.expected, f"no answer to {self.expected[0]}"

    def end(self) -> None:
        """Lose the connection, and look for what is left."""
        self.peer.vanish()
        assert not self.peer.take(), "something is written to a lost connection"
        assert not self.connections.open, "the connection is still known"
        assert not self.daemon.clock.getDelayedCalls(), "a timer is left"
        assert not self.daemon.roster.journal.online, "somebody is still online"

    @property
    def _gone(self) -> bool:
        return self.peer.transport.disconnected

    def _expect(self, data: bytes) -> None:
        assert self._reader is not None
        found = self._reader.read(data)
        self.spent += len(found)
        self.expected.extend(read for read in found if read.opcode is not Opcode.PONG)

    def _hear(self) -> None:
        written = self.peer.take()
        if self._reader is None:
            written = self._hear_opening(written)
        for opcode, payload in read_server(written):
            assert not self._closed, "something is written after the close frame"
            if opcode is Opcode.TEXT:
                self._hear_text(payload)
            elif opcode is Opcode.CLOSE:
                self._hear_close(payload)
            elif opcode is Opcode.PONG:
                self._skip_unanswered_pings(payload)
                read = self._next()
                assert (read.opcode, read.payload) == (Opcode.PING, payload)
        assert self._reader is None or self._closed or not self._gone, "dropped without a close frame"

    def _hear_opening(self, written: bytes) -> bytes:
        self._opening += written
        head, end, rest = self._opening.partition(b"\r\n\r\n")
        if not end:
            assert not head, "half an answer to an opening handshake"
            return b""
        if not head.startswith(b"HTTP/1.1 101 "):
            assert head.startswith(b"HTTP/1.1 "), head
            assert self._gone or self.peer.aborted, "refused, and still there"
            assert not rest, rest
            return b""
        self._reader = ClientReader(SETTINGS.max_message_bytes)
        self._expect(self._sent.partition(b"\r\n\r\n")[2])
        return rest

    def _hear_text(self, payload: bytes) -> None:
        answer = decode_answer(payload)
        assert isinstance(answer, Reply | Event), "neither a reply nor a known event"
        if isinstance(answer, Event):
            return
        self._skip_unanswered_pings()
        read = self._next()
        assert read.opcode is Opcode.TEXT, f"a reply to {read}"
        fields = json.loads(payload)
        self.last_code = fields.get("code")
        kind, ref, mistake = judge(read.payload)
        assert (fields.get("re"), fields.get("ref")) == (kind, ref)
        if mistake is not None or self.last_code in {"bad_json", "unknown_type"}:
            assert self.last_code == mistake, f"{self.last_code} for {mistake}"
        assert self.last_code != "internal", payload
        self.bad_messages += self.last_code in BAD
        self.spent += (MALFORMED_COST - 1) * (self.last_code in MISTAKES)
        assert self.last_code != "rate_limited" or self.spent > self.burst, "limited for nothing"
        assert self.bad_messages <= 10, "the eleventh bad message is answered"

    def _hear_close(self, payload: bytes) -> None:
        self._closed = True
        self._skip_unanswered_pings()
        code = int.from_bytes(payload[:2])
        if self.bad_messages == 10:
            assert code == CloseCode.TOO_MANY_BAD_MESSAGES
        elif code == CloseCode.TOO_MANY_REQUESTS:
            assert self.spent > self.burst, "closed for too many requests, which were few"
        elif self.expected:
            read = self._next()
            if read.opcode is Opcode.CLOSE and read.code is None:
                assert code in {1000, int.from_bytes(read.payload[:2])}, code
            else:
                assert code == read.code, f"{code} answers {read}"
        else:
            assert code in {CloseCode.NO_HELLO, CloseCode.POLICY_VIOLATION}, f"closed with {code} for nothing"

    def _skip_unanswered_pings(self, until: bytes | None = None) -> None:
        # Who asks for too much gets no more pongs.
        while self.spent > self.burst and self.expected and self.expected[0].opcode is Opcode.PING:
            if self.expected[0].payload == until:
                return
            self.expected.popleft()

    def _next(self) -> Read:
        assert self.expected, "an answer to nothing"
        return self.expected.popleft()
