"""Every message survives encoding and decoding."""

from __future__ import annotations

import json
from typing import cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Raw
from twisted.trial.unittest import SynchronousTestCase

from presence.wire.codec import (
    decode_answer,
    decode_request,
    encode,
    encode_ok,
    encode_refusal,
)
from presence.wire.errors import Refused
from presence.wire.messages import (
    EVENTS,
    OK_OF,
    REQUESTS,
    Error,
    GetAllOnline,
    Hello,
    HelloOk,
    Message,
    Ok,
    OnlineStatus,
    Ping,
    Request,
    SendMessageToUser,
    timestamp,
)
from tests.wire.strategies import messages, refusals


class TimestampTests(SynchronousTestCase):
    @given(st.floats(0, 4e9))
    def test_rounded(self, seconds: float) -> None:
        """A time is told to the nearest millisecond, and one of whole milliseconds as it is."""
        told = timestamp(seconds)
        self.assertLess(abs(told - seconds), 0.00051)
        self.assertEqual((timestamp(told), round(told, 3)), (told, told))


class RoundTripTests(SynchronousTestCase):
    @settings(max_examples=30)  # each of them covers every type
    @given(st.data())
    def test_requests(self, data: st.DataObject) -> None:
        """The daemon reads of every request what the client wrote."""
        for kind in REQUESTS.values():
            request = data.draw(messages(kind))
            self.assertEqual(decode_request(encode(request)), request)

    @settings(max_examples=30)  # each of them covers every type
    @given(st.data())
    def test_replies(self, data: st.DataObject) -> None:
        """The client reads of every OK what the daemon wrote, and which request it answers."""
        for name, kind in REQUESTS.items():
            request = data.draw(messages(kind))
            reply = data.draw(messages(OK_OF.get(name, Ok)))
            expected = msgspec.structs.replace(reply, re=name, ref=request.ref)
            self.assertEqual(decode_answer(encode_ok(reply, request)), expected)

    @settings(max_examples=30)  # each of them covers every type
    @given(st.data())
    def test_events(self, data: st.DataObject) -> None:
        """The client reads of every event what the daemon wrote."""
        for kind in EVENTS.values():
            event = data.draw(messages(kind))
            self.assertEqual(decode_answer(encode(event)), event)

    @given(refusals, messages(Hello))
    def test_errors(self, refusal: Refused, request: Hello) -> None:
        """The client reads of every ERROR what the daemon refused, and why."""
        error = decode_answer(encode_refusal(refusal, request))
        expected = Error(
            re="HELLO",
            ref=request.ref,
            code=refusal.code,
            text=refusal.text,
            temporary=refusal.temporary,
            after=refusal.after,
            path=refusal.path,
        )
        self.assertEqual(error, expected)


class ShapeTests(SynchronousTestCase):
    def test_the_five_names_of_the_interface(self) -> None:
        """The requests carry the names that the platform agreed on, and two more."""
        agreed = ["HELLO", "sendMessageToUser", "subscribeOnlineStatus", "getAllOnline", "GOODBYE"]
        self.assertEqual(set(REQUESTS) - set(agreed), {"unsubscribeOnlineStatus", "PING"})
        self.assertLessEqual(set(agreed), set(REQUESTS))

    def test_the_events(self) -> None:
        """The server tells five things by itself."""
        names = ["onlineUsers", "onlineStatus", "message", "tokenRequired", "goingAway"]
        self.assertEqual(list(EVENTS), names)

    def test_every_reply_is_ok(self) -> None:
        """All replies to requests that were done have the type OK."""
        self.assertEqual({kind.__struct_config__.tag for kind in OK_OF.values()}, {"OK"})

    def test_absent_fields_are_not_written(self) -> None:
        """A field that is absent does not appear on the wire at all."""
        self.assertEqual(json.loads(encode(Ping())), {"type": "PING"})

    def test_sender_is_from_on_the_wire(self) -> None:
        """The sender of a message stands under ``from``."""
        event = Message(sender=2, message=Raw(b'{"text":"hi"}'), ts=1.5)
        told = {"type": "message", "from": 2, "message": {"text": "hi"}, "ts": 1.5}
        self.assertEqual(json.loads(encode(event)), told)

    def test_a_page_holds_ten_thousand_users_unless_asked_otherwise(self) -> None:
        """A getAllOnline without a limit asks for the largest page."""
        self.assertEqual(decode_request(b'{"type":"getAllOnline"}'), GetAllOnline(limit=10_000))

    def test_hello_says_nothing_about_broadcast_by_itself(self) -> None:
        """A HELLO without ``broadcast`` leaves the choice to the daemon."""
        hello = decode_request(b'{"type":"HELLO","userid":1,"accesstoken":"a"}')
        self.assertEqual(hello, Hello(userid=1, accesstoken="a", broadcast=UNSET))

    def test_reply_carries_type_and_ref_of_its_request(self) -> None:
        """An OK says which request it answers."""
        reply = HelloOk(userid=2, socket="5f", ping=25.0, maxbytes=65536, features=[])
        written = json.loads(encode_ok(reply, Hello(userid=2, accesstoken="a", ref="x")))
        self.assertEqual((written["type"], written["re"], written["ref"]), ("OK", "HELLO", "x"))

    def test_reset_replaces_the_change(self) -> None:
        """A reset carries the whole list and no change."""
        reset = OnlineStatus(epoch="e", version=3, reset=True, online=[1])
        written = {"type": "onlineStatus", "epoch": "e", "version": 3, "reset": True, "online": [1]}
        self.assertEqual(json.loads(encode(reset)), written)

    def test_payload_is_passed_on_byte_for_byte(self) -> None:
        """What no number of this machine can hold arrives as it was written, and its spaces too."""
        payload = b'{ "n": 1e999999, "big": ' + b"7" * 400 + b' , "f": 0.10000000000000000000, "n": 1 }'
        frame = b'{"type":"sendMessageToUser","id":1,"message":  ' + payload + b" }"
        request = cast("SendMessageToUser", decode_request(frame))
        event = Message(sender=2, message=request.message, ts=0.0)
        self.assertIn(b'"message":' + payload + b',"ts"', encode(event))


class LimitTests(SynchronousTestCase):
    def assert_taken(self, request: Request) -> None:
        """Assert that a request survives the way to the daemon."""
        self.assertEqual(decode_request(encode(request)), request)

    def test_the_largest_user_id(self) -> None:
        """A user id may be as large as every JSON implementation keeps exact."""
        self.assert_taken(Hello(userid=2**53 - 1, accesstoken="a"))

    def test_the_longest_ref_key_and_label(self) -> None:
        """References, keys and labels may have 64 characters, whatever their bytes."""
        self.assert_taken(SendMessageToUser(id=1, message=Raw(b"null"), key="é" * 64, ref="é" * 64))
        self.assert_taken(Hello(userid=1, accesstoken="a", client="é" * 64))

    def test_the_extreme_refs(self) -> None:
        """A ref may be any integer that every JSON implementation keeps exact."""
        self.assert_taken(Ping(ref=2**53 - 1))
        self.assert_taken(Ping(ref=-(2**53) + 1))

    def test_a_token_of_any_shape(self) -> None:
        """A token that cannot be one is a matter of the token check, not of the frame."""
        self.assert_taken(Hello(userid=1, accesstoken=""))
        self.assert_taken(Hello(userid=1, accesstoken="ü" * 9000))
