"""Who comes and goes, as Server-Sent Events."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.ops.events import HEARTBEAT_SECONDS, MOST_STREAMS
from presence.roster.journal import PUBLICATIONS_REMEMBERED
from presence.wire.closing import CloseCode
from tests.exchange import Exchange
from tests.ops.endpoint import Endpoint, with_key

INTERVAL = 0.25


@attrs.frozen
class Event:
    """An event of a stream."""

    id: str
    name: str
    data: Any


def fill(connection: Exchange) -> None:
    """Do what a transport does whose buffer is full."""
    producer: Any = connection.transport.producer
    producer.pauseProducing()


class Reader:
    """The other end of a stream."""

    def __init__(self, connection: Exchange, last: str | None = None) -> None:
        self.connection = connection
        fields = {} if last is None else {"Last-Event-ID": last}
        connection.send("GET /api/v1/events", b"", **with_key(fields))
        self.head, _, self._rest = connection.transport.value().partition(b"\r\n\r\n")
        connection.transport.clear()

    def stop_reading(self) -> None:
        """Leave everything in the buffers of the daemon's system."""
        fill(self.connection)

    def read_on(self) -> None:
        """Take what there is."""
        producer: Any = self.connection.transport.producer
        producer.resumeProducing()

    def text(self) -> str:
        """Return what came since the last call, without the chunks' lengths."""
        data = self._rest + self.connection.transport.value()
        self.connection.transport.clear()
        self._rest = text = b""
        while data:
            length, _, data = data.partition(b"\r\n")
            size = int(length, 16)
            text += data[:size] if size else b"<end>"
            data = data[size + 2 :]
        return text.decode()

    def events(self) -> list[Event]:
        """Return the events that came since the last call."""
        events = []
        for block in self.text().split("\n\n")[:-1]:
            if not block.startswith(":"):
                fields = dict(line.split(": ", 1) for line in block.split("\n"))
                events.append(Event(fields["id"], fields["event"], json.loads(fields["data"])))
        return events


class StreamTestCase(SynchronousTestCase):
    settings = Settings(settle=0, token_recheck=0, broadcast_interval=INTERVAL)

    def setUp(self) -> None:
        """Have an endpoint, with user 1 online."""
        self.endpoint = Endpoint(self.settings)
        self.daemon = self.endpoint.daemon
        self.streams = self.endpoint.parts.streams
        self.journal = self.daemon.roster.journal
        self.client = self.daemon.hello(1, broadcast=False)
        self.publish()

    def publish(self) -> None:
        """Let the published list follow."""
        self.daemon.clock.pump([INTERVAL, 0, 0])

    def read(self, last: str | None = None) -> Reader:
        """Begin to read a stream."""
        return Reader(self.endpoint.another(), last)

    def event_id(self, version: int) -> str:
        """Return the id of an event."""
        return f"{self.journal.epoch}:{version}"

    def assert_reset(self, reader: Reader, *online: int) -> None:
        """Check that a reader was told the whole list, and nothing else."""
        journal = self.journal
        data = {"online": list(online), "epoch": journal.epoch, "version": journal.version}
        self.assertEqual(reader.events(), [Event(self.event_id(journal.version), "reset", data)])

    def assert_change(self, reader: Reader, previous: int, came: list[int], went: list[int]) -> None:
        """Check that a reader was told who came and went, and nothing else."""
        journal = self.journal
        data = {
            "previous": previous,
            "version": journal.version,
            "epoch": journal.epoch,
            "wentOnline": came,
            "wentOffline": went,
        }
        self.assertEqual(reader.events(), [Event(self.event_id(journal.version), "change", data)])


class StreamTests(StreamTestCase):
    def test_head(self) -> None:
        """A stream says what it is, and that nobody is to keep it or hold it back."""
        head = self.read().head
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "))
        self.assertIn(b"\r\nContent-Type: text/event-stream\r\n", head)
        self.assertIn(b"\r\nCache-Control: no-store", head)
        self.assertIn(b"\r\nX-Accel-Buffering: no", head)

    def test_list(self) -> None:
        """The first event is the whole list."""
        self.assert_reset(self.read(), 1)

    def test_changes(self) -> None:
        """Each publication is an event, with the version before it."""
        reader = self.read()
        reader.events()
        self.daemon.hello(7)
        self.publish()
        self.assert_change(reader, 1, [7], [])
        self.client.vanish(CloseCode.DISCONNECTED)
        self.publish()
        self.assert_change(reader, 2, [], [1])

    def test_nothing_published(self) -> None:
        """What has cancelled out before it was published is no event."""
        reader = self.read()
        reader.events()
        self.daemon.hello(8)  # is published at once, and opens a window
        self.daemon.hello(7).vanish(CloseCode.DISCONNECTED)
        self.publish()
        self.assert_change(reader, 1, [8], [])

    def test_many(self) -> None:
        """Each reader is told the same."""
        readers = [self.read() for _ in range(3)]
        self.daemon.hello(7)
        self.publish()
        texts = {reader.text() for reader in readers}
        self.assertEqual(len(texts), 1)
        self.assertIn('"wentOnline":[7]', texts.pop())

    def test_heartbeat(self) -> None:
        """Every 15 seconds a comment shows that the stream lives."""
        reader = self.read()
        reader.text()
        for _ in range(2):
            self.daemon.clock.advance(HEARTBEAT_SECONDS)
            self.assertEqual(reader.text(), ":\n\n")

    def test_head_request(self) -> None:
        """A HEAD request tells the type and begins no stream."""
        response = self.endpoint.ask_with_key("HEAD /api/v1/events")
        self.assertEqual((response.status, response.body), (200, b""))
        self.assertEqual(response.headers["content-type"], "text/event-stream")
        self.assertEqual(self.streams.count, 0)

    def test_parameters(self) -> None:
        """There are no parameters."""
        for method in ("GET", "HEAD"):
            self.assertEqual(self.endpoint.ask_with_key(f"{method} /api/v1/events?users=1").status, 422)


class ResumeTests(StreamTestCase):
    def test_goes_on(self) -> None:
        """With the id of the last event a stream goes on with the net change since then."""
        for user in (7, 8):
            self.daemon.hello(user)
            self.publish()
        self.assert_change(self.read(self.event_id(1)), 1, [7, 8], [])

    def test_nothing_new(self) -> None:
        """Where nothing changed the first event says so."""
        reader = self.read(self.event_id(1))
        self.assert_change(reader, 1, [], [])
        self.daemon.hello(7)
        self.publish()
        self.assert_change(reader, 1, [7], [])

    def test_bad_ids(self) -> None:
        """With an id that is not remembered, or none at all, a stream begins with the list."""
        epoch = self.journal.epoch
        for bad in (
            "",
            "x",
            "other:1",
            f"{epoch}:9",
            f"{epoch}:",
            f"{epoch}:-1",
            f"{epoch}:{'1' * 5000}",
            ":1",
        ):
            self.assert_reset(self.read(bad), 1)

    def test_forgotten(self) -> None:
        """So it does with an id that was forgotten."""
        for user in range(2, PUBLICATIONS_REMEMBERED + 2):
            self.journal.record(user, user, online=True)
            self.journal.publish()
        (event,) = self.read(self.event_id(1)).events()
        self.assertEqual(event.name, "reset")


class SlowReaderTests(StreamTestCase):
    def setUp(self) -> None:
        """Have a reader that does not read."""
        super().setUp()
        self.reader = self.read()
        self.reader.events()
        self.reader.stop_reading()

    def test_net_change(self) -> None:
        """For who does not read nothing is kept; afterwards there is one event, with the net change."""
        visitor = self.daemon.hello(7)
        self.publish()
        self.daemon.hello(8)
        visitor.vanish(CloseCode.DISCONNECTED)
        self.publish()
        self.daemon.clock.advance(HEARTBEAT_SECONDS)
        self.assertEqual(self.reader.text(), "")
        self.reader.read_on()
        self.assert_change(self.reader, 1, [8], [])

    def test_nothing_on_balance(self) -> None:
        """What cancelled out meanwhile is not told, and the next change follows from what was."""
        visitor = self.daemon.hello(7)
        self.publish()
        visitor.vanish(CloseCode.DISCONNECTED)
        self.publish()
        self.reader.read_on()
        self.assertEqual(self.reader.text(), "")
        self.daemon.hello(8)
        self.publish()
        self.assert_change(self.reader, 1, [8], [])

    def test_too_slow(self) -> None:
        """Who slept through more than is remembered gets the list."""
        for user in range(2, PUBLICATIONS_REMEMBERED + 2):
            self.journal.record(user, user, online=True)
            self.journal.publish()
        self.reader.read_on()
        (event,) = self.reader.events()
        self.assertEqual((event.name, len(event.data["online"])), ("reset", PUBLICATIONS_REMEMBERED + 1))

    def test_full_at_once(self) -> None:
        """A stream whose first event fills the buffer is paused by it."""
        connection = self.endpoint.another()
        write = connection.transport.writeSequence

        def write_and_fill(data: list[bytes]) -> None:
            write(data)
            fill(connection)

        self.patch(connection.transport, "writeSequence", write_and_fill)
        reader = Reader(connection)
        self.assertEqual(reader.events(), [])
        reader.read_on()
        self.assert_reset(reader, 1)


class SettlingTests(StreamTestCase):
    settings = Settings(settle=5, broadcast_interval=INTERVAL)

    def setUp(self) -> None:
        """Begin to read while the list settles."""
        super().setUp()
        self.reader = self.read()

    def test_list(self) -> None:
        """Before the list has settled nothing is told, not even to who was there before; then the list is."""
        self.assertEqual(self.reader.text(), ":\n\n")
        self.daemon.clock.pump([4, 1, 0])
        self.assert_reset(self.reader, 1)

    def test_nobody(self) -> None:
        """A list of nobody is told too."""
        self.client.vanish(CloseCode.DISCONNECTED)
        self.daemon.clock.pump([4, 1, 0])
        self.assert_reset(self.reader)


class EndTests(StreamTestCase):
    def test_count(self) -> None:
        """A stream counts until its reader hangs up, and nothing is left of it."""
        readers = [self.read() for _ in range(2)]
        self.assertEqual(self.streams.count, 2)
        readers[0].connection.hang_up()
        self.assertEqual(self.streams.count, 1)
        self.daemon.hello(7)
        readers[1].connection.hang_up()
        self.publish()
        self.assertEqual((self.streams.count, self.daemon.broadcast.followers), (0, set()))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_no_beat(self) -> None:
        """Without readers there is no heartbeat, and with a new one there is again."""
        before = self.daemon.clock.getDelayedCalls()
        self.read().connection.hang_up()
        self.assertEqual(self.daemon.clock.getDelayedCalls(), before)
        reader = self.read()
        reader.text()
        self.daemon.clock.advance(HEARTBEAT_SECONDS)
        self.assertEqual(reader.text(), ":\n\n")

    def test_most(self) -> None:
        """There are 64 at once; one more is refused, until another ends."""
        readers = [self.read() for _ in range(MOST_STREAMS)]
        for method in ("GET", "HEAD"):
            response = self.endpoint.ask_with_key(f"{method} /api/v1/events")
            self.assertEqual((response.status, response.headers["retry-after"]), (503, "15"))
        readers[0].connection.hang_up()
        self.assertTrue(self.read().head.startswith(b"HTTP/1.1 200 "))

    def test_stop(self) -> None:
        """When the daemon stops the streams end, in an orderly way, and none begins."""
        readers = [self.read() for _ in range(2)]
        stopped = self.streams.stopService()
        self.assertNoResult(stopped)
        self.daemon.clock.advance(0)
        self.assertTrue(all(reader.text().endswith("<end>") for reader in readers))
        self.successResultOf(stopped)
        self.assertEqual(self.streams.count, 0)
        response = self.endpoint.ask_with_key("GET /api/v1/events")
        self.assertEqual((response.status, response.json["code"]), (503, "draining"))

    def test_stop_without(self) -> None:
        """Without a stream there is nothing to wait for."""
        self.successResultOf(self.streams.stopService())
