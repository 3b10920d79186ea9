"""What the decoder takes, what it refuses, and in which order it judges."""

from __future__ import annotations

import json
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET, Raw, UnsetType
from msgspec.json import Decoder
from twisted.trial.unittest import SynchronousTestCase

from presence.wire.codec import (
    check_depth,
    decode_answer,
    decode_object,
    decode_request,
    encode,
    nests_deeper_than,
    number_in,
)
from presence.wire.errors import BadMessage, ErrorCode
from presence.wire.messages import (
    REQUESTS,
    Error,
    Goodbye,
    Hello,
    HelloOk,
    Ok,
    Ping,
    Position,
    SendMessageToUser,
    SubscribeOnlineStatus,
)
from tests.wire.strategies import messages

SEND = b'{"type":"sendMessageToUser","id":1,"message":%s}'
frames = st.one_of(*[messages(kind).map(encode) for kind in REQUESTS.values()])
fragments = st.sampled_from(
    [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\ud800", b"\xff", b"1.0", b"null", b""]
)


class RefusalTests(SynchronousTestCase):
    def assert_refused(
        self,
        frame: bytes,
        code: ErrorCode,
        *,
        re: str | UnsetType = UNSET,
        ref: str | int | UnsetType = UNSET,
        path: str | UnsetType = UNSET,
    ) -> None:
        """Assert that a frame is refused, and how much of it the refusal names."""
        refusal = self.assertRaises(BadMessage, decode_request, frame)
        self.assertEqual((refusal.code, refusal.re, refusal.ref, refusal.path), (code, re, ref, path))


class GarbageTests(SynchronousTestCase):
    def assert_judged(self, frame: bytes) -> None:
        """Assert that a frame is a request or is refused, and nothing else happens."""
        try:
            decode_request(frame)
        except BadMessage as refusal:
            self.assertIn(refusal.code, {"bad_json", "unknown_type", "bad_message"})

    @given(st.binary())
    @example(b"[" * 100_000)
    @example(b'{"a":' * 100_000)
    @example(b'{"type":"PING","x":' + b"[" * 60_000 + b"]" * 60_000 + b"}")
    @example(b'{"type":"HELLO","userid":1.0,"x":' + b"[" * 60_000 + b"]" * 60_000 + b"}")
    def test_any_bytes(self, frame: bytes) -> None:
        """Whatever a client sends, the worst that happens is a refusal."""
        self.assert_judged(frame)

    @given(frames, fragments, st.data())
    def test_frames_with_a_fault(self, frame: bytes, fragment: bytes, data: st.DataObject) -> None:
        """A request with a piece overwritten is a request or is refused."""
        start = data.draw(st.integers(0, len(frame)))
        end = data.draw(st.integers(start, min(len(frame), start + 8)))
        self.assert_judged(frame[:start] + fragment + frame[end:])

    @given(
        st.dictionaries(
            st.sampled_from(["type", "ref", "userid", "id", "since", "x"]), st.text() | st.integers()
        )
    )
    def test_objects_of_any_shape(self, fields: dict[str, object]) -> None:
        """An object with our keys and wrong values is a request or is refused."""
        self.assert_judged(json.dumps(fields).encode())

    def test_every_depth_around_the_limit_of_the_interpreter(self) -> None:
        """No depth of nesting makes the decoder fail in a way of its own, also not on its second look."""
        for depth in range(500, 1100):
            nested = b"[" * depth + b"]" * depth
            self.assert_judged(SEND % nested)
            self.assert_judged(b'{"type":"HELLO","userid":1.0,"x":' + nested + b"}")


class BadJsonTests(RefusalTests):
    def assert_bad_json(self, *values: bytes) -> None:
        """Assert that each of some values spoils the frame: as a payload, as an unknown field, alone."""
        for value in values:
            for frame in (SEND % value, b'{"type":"PING","x":' + value + b"}", b"[" + value + b"]"):
                self.assert_refused(frame, ErrorCode.BAD_JSON)

    def test_syntax(self) -> None:
        """What breaks the grammar of RFC 8259 is refused wherever it stands."""
        self.assert_bad_json(
            b"tru", b"[1,]", b'{"a":1,}', b"{1:2}", b"01", b"1.", b".5", b"+1", b"'a'", b"/**/1"
        )

    def test_numbers_that_json_does_not_have(self) -> None:
        """NaN and the infinities are no JSON."""
        self.assert_bad_json(b"NaN", b"Infinity", b"-Infinity", b'{"a":[NaN]}')

    def test_lone_surrogates(self) -> None:
        """Half a character is no text, neither as an escape nor as bytes, neither in values nor in keys."""
        self.assert_bad_json(b'"\\ud800"', b'"\\udc00\\ud800"', b'{"\\ud800":1}', b'"\xed\xa0\x80"')

    def test_invalid_utf8(self) -> None:
        """Bytes that are no UTF-8 are no JSON."""
        self.assert_bad_json(b'"\xff"', b'"\xc3"', b'"\xc0\xaf"', b'"\xf4\x90\x80\x80"')

    def test_control_characters(self) -> None:
        """A raw control character inside a string is refused."""
        self.assert_bad_json(b'"\x00"', b'"\n"', b'"\x1f"')

    def test_byte_order_mark(self) -> None:
        """A frame does not begin with a byte order mark."""
        self.assert_refused(b'\xef\xbb\xbf{"type":"PING"}', ErrorCode.BAD_JSON)

    def test_trailing_text(self) -> None:
        """Nothing follows the object."""
        self.assert_refused(b'{"type":"PING"}{}', ErrorCode.BAD_JSON)

    def test_too_deep_to_read(self) -> None:
        """A frame too deep to be read at all says so."""
        refusal = self.assertRaises(BadMessage, decode_request, SEND % (b"[" * 60_000))
        self.assertEqual((refusal.code, refusal.text), (ErrorCode.BAD_JSON, "not JSON: nested too deeply"))


class OrderOfJudgementTests(RefusalTests):
    def test_bad_json_before_unknown_type(self) -> None:
        """Text after an unknown type is what is wrong first."""
        self.assert_refused(b'{"type":"nope"} x', ErrorCode.BAD_JSON)

    def test_bad_json_before_bad_message(self) -> None:
        """A broken end is found although the frame was wrong before."""
        self.assert_refused(b'{"type":"HELLO","userid":null', ErrorCode.BAD_JSON)

    def test_bad_json_in_what_is_no_object(self) -> None:
        """A broken list is bad JSON before it is no object."""
        self.assert_refused(b"[1,", ErrorCode.BAD_JSON)

    def test_unknown_type_before_bad_message(self) -> None:
        """An unknown type is named although the ref is bad too."""
        self.assert_refused(b'{"ref":null,"type":"nope"}', ErrorCode.UNKNOWN_TYPE, re="nope", path="$.type")

    def test_types_are_case_sensitive(self) -> None:
        """A type is spelt exactly."""
        self.assert_refused(
            b'{"type":"hello","ref":1}', ErrorCode.UNKNOWN_TYPE, re="hello", ref=1, path="$.type"
        )

    def test_answers_are_no_requests(self) -> None:
        """What only a server sends is unknown from a client."""
        self.assert_refused(b'{"type":"OK"}', ErrorCode.UNKNOWN_TYPE, re="OK", path="$.type")

    def test_long_types_are_not_echoed(self) -> None:
        """An unknown type comes back only up to 64 characters."""
        longest, longer = "x" * 64, "x" * 65
        frame = b'{"type":"%s"}'
        self.assert_refused(frame % longest.encode(), ErrorCode.UNKNOWN_TYPE, re=longest, path="$.type")
        self.assert_refused(frame % longer.encode(), ErrorCode.UNKNOWN_TYPE, path="$.type")

    def test_unknown_type_lists_the_known_ones(self) -> None:
        """The refusal of an unknown type says what there is."""
        refusal = self.assertRaises(BadMessage, decode_request, b'{"type":"nope"}')
        self.assertTrue(all(name in refusal.text for name in REQUESTS))

    def test_values_that_are_no_objects(self) -> None:
        """A JSON value that is no object is a bad message."""
        for value in (b"[]", b"7", b'"HELLO"', b"null", b"true"):
            self.assert_refused(value, ErrorCode.BAD_MESSAGE, path="$")

    def test_type_missing_or_no_string(self) -> None:
        """Without a type that is a string the ref still comes back."""
        for frame in (
            b'{"ref":1}',
            b'{"type":7,"ref":1}',
            b'{"type":null,"ref":1}',
            b'{"type":["PING"],"ref":1}',
        ):
            self.assert_refused(frame, ErrorCode.BAD_MESSAGE, ref=1, path="$.type")


class DuplicateKeyTests(RefusalTests):
    def test_last_type(self) -> None:
        """The last type is the type."""
        self.assertEqual(decode_request(b'{"type":"PING","type":"GOODBYE","ref":1}'), Goodbye(ref=1))
        self.assertEqual(decode_request(b'{"type":7,"type":"PING"}'), Ping())

    def test_last_type_is_judged(self) -> None:
        """A good type does not help when a bad one follows."""
        self.assert_refused(b'{"type":"PING","type":"x"}', ErrorCode.UNKNOWN_TYPE, re="x", path="$.type")
        self.assert_refused(b'{"type":"PING","type":7}', ErrorCode.BAD_MESSAGE, path="$.type")

    def test_last_value(self) -> None:
        """The last value counts, also where the first was wrong."""
        self.assertEqual(decode_request(b'{"type":"PING","ref":1,"ref":"b"}'), Ping(ref="b"))
        self.assertEqual(decode_request(b'{"type":"PING","ref":null,"ref":2}'), Ping(ref=2))

    def test_last_value_is_judged(self) -> None:
        """A good value does not help when a bad one follows."""
        frame = b'{"type":"PING","ref":1,"ref":null}'
        self.assert_refused(frame, ErrorCode.BAD_MESSAGE, re="PING", path="$.ref")

    def test_last_payload(self) -> None:
        """The last message is the one that is passed on, and whose depth counts."""
        deep = b"[" * 65 + b"]" * 65
        request = cast("SendMessageToUser", decode_request(SEND % (deep + b',"message":2')))
        self.assertEqual(bytes(request.message), b"2")

    def test_escaped_key(self) -> None:
        """A key written with escapes is the same key."""
        self.assertEqual(decode_request(b'{"\\u0074ype":"PING","r\\u0065f":1}'), Ping(ref=1))


class StrictFieldTests(RefusalTests):
    def assert_bad_fields(self, kind: bytes, field: str, *values: bytes, rest: bytes = b"") -> None:
        """Assert that a field takes none of some values, and that the refusal finds the place."""
        for value in values:
            frame = b'{"type":"%s","ref":5,"%s":%s%s}' % (kind, field.encode(), value, rest)
            self.assert_refused(frame, ErrorCode.BAD_MESSAGE, re=kind.decode(), ref=5, path=f"$.{field}")

    def test_user_ids(self) -> None:
        """A user id is an integer from 1 to 2^53-1, written as one."""
        values = (
            b"0",
            b"-1",
            b"9007199254740992",
            b"1" * 400,
            b"1.0",
            b"1e0",
            b'"1"',
            b"null",
            b"true",
            b"[1]",
        )
        self.assert_bad_fields(b"HELLO", "userid", *values, rest=b',"accesstoken":"a"')
        self.assert_bad_fields(b"sendMessageToUser", "id", *values, rest=b',"message":1')

    def test_tokens(self) -> None:
        """A token is a string."""
        self.assert_bad_fields(b"HELLO", "accesstoken", b"null", b"1", b"true", rest=b',"userid":1')

    def test_switches(self) -> None:
        """True and false are the only truths."""
        rest = b',"userid":1,"accesstoken":"a"'
        self.assert_bad_fields(b"HELLO", "broadcast", b"null", b"1", b"0", b'"true"', rest=rest)

    def test_labels(self) -> None:
        """A label of the client has at most 64 characters, and each can be printed."""
        values = (
            b"null",
            b"1",
            b'"%s"' % (b"x" * 65),
            b'"a\\nb"',
            b'"\\u001b[2J"',
            b'"\\u202e"',
            b'"\\u0000"',
        )
        self.assert_bad_fields(b"HELLO", "client", *values, rest=b',"userid":1,"accesstoken":"a"')

    def test_printable_label(self) -> None:
        """Any letters and spaces make a label."""
        hello = Hello(userid=1, accesstoken="a", client="Büro 東京 ✓")
        self.assertEqual(decode_request(encode(hello)), hello)

    def test_keys(self) -> None:
        """A key is a string of at most 64 characters."""
        values = (b"null", b"1", b'"%s"' % (b"x" * 65))
        self.assert_bad_fields(b"sendMessageToUser", "key", *values, rest=b',"id":1,"message":1')

    def test_watched_users(self) -> None:
        """A subscription names from 1 to 1000 users."""
        too_many = b"[" + b",".join([b"1"] * 1001) + b"]"
        self.assert_bad_fields(b"subscribeOnlineStatus", "users", b"null", b"[]", b"7", too_many)

    def test_the_most_watched_users(self) -> None:
        """A thousand users can be watched at once."""
        request = SubscribeOnlineStatus(users=list(range(1, 1001)))
        self.assertEqual(decode_request(encode(request)), request)

    def test_one_bad_watched_user(self) -> None:
        """One bad id spoils the subscription, and its place is named."""
        frame = b'{"type":"subscribeOnlineStatus","users":[1,0]}'
        self.assert_refused(frame, ErrorCode.BAD_MESSAGE, re="subscribeOnlineStatus", path="$.users[1]")

    def test_positions(self) -> None:
        """A position has an epoch and a version."""
        values = (b"null", b"7", b"{}", b'{"epoch":"a"}', b'{"version":1}')
        for value in values:
            frame = b'{"type":"subscribeOnlineStatus","since":%s}' % value
            self.assert_refused(frame, ErrorCode.BAD_MESSAGE, re="subscribeOnlineStatus", path="$.since")

    def test_a_position_with_more(self) -> None:
        """Unknown keys are ignored inside of a position too."""
        frame = b'{"type":"subscribeOnlineStatus","since":{"epoch":"a","version":0,"x":1}}'
        self.assertEqual(decode_request(frame), SubscribeOnlineStatus(since=Position("a", 0)))

    def test_page_limits(self) -> None:
        """A page holds from 1 to 10000 users."""
        self.assert_bad_fields(b"getAllOnline", "limit", b"0", b"10001", b"1.0", b"null", b"true", b'"5"')
        no_numbers = (b"", b"x", b"-1", b"+1", b" 1", b"1 ", b"01", b"00", b"1_0", b"1.0", b"\\u0663")
        no_users = (b"0", b"9007199254740992", b"9" * 17, b"9" * 5000)
        values = (b'"%s"' % text for text in (*no_numbers, *no_users))
        self.assert_bad_fields(b"getAllOnline", "cursor", b"null", b"1", *values)

    def test_required_fields(self) -> None:
        """A request without one of its required fields is refused."""
        for name, rest in (
            ("HELLO", b',"userid":1'),
            ("HELLO", b',"accesstoken":"a"'),
            ("sendMessageToUser", b""),
        ):
            frame = b'{"type":"%s"%s}' % (name.encode(), rest)
            self.assert_refused(frame, ErrorCode.BAD_MESSAGE, re=name, path="$")

    def test_unknown_fields_are_ignored(self) -> None:
        """What a newer client adds does not disturb."""
        self.assertEqual(decode_request(b'{"type":"PING","hash":[1e400],"want":{}}'), Ping())


class RefTests(RefusalTests):
    def test_bad_refs(self) -> None:
        """A bad ref is a bad message, answered without a ref."""
        refs = (b"null", b"true", b"1.0", b"1e3", b"[]", b"{}", b"9007199254740992", b"-9007199254740992")
        for ref in (*refs, b'"%s"' % (b"x" * 65)):
            frame = b'{"type":"PING","ref":%s}' % ref
            self.assert_refused(frame, ErrorCode.BAD_MESSAGE, re="PING", path="$.ref")

    def test_ref_of_an_unknown_type(self) -> None:
        """Even a request of an unknown type gets its ref back."""
        self.assert_refused(b'{"type":"x","ref":"a"}', ErrorCode.UNKNOWN_TYPE, re="x", ref="a", path="$.type")

    def test_empty_ref(self) -> None:
        """An empty string is a ref."""
        self.assertEqual(decode_request(b'{"type":"PING","ref":""}'), Ping(ref=""))


class DepthTests(RefusalTests):
    def assert_depth(self, deepest: bytes, *, too_deep: bytes) -> None:
        """Assert which of two payloads is taken and which is refused."""
        taken = cast("SendMessageToUser", decode_request(SEND % deepest))
        self.assertEqual(bytes(taken.message), deepest)
        self.assert_refused(SEND % too_deep, ErrorCode.BAD_MESSAGE, re="sendMessageToUser", path="$.message")

    def test_lists(self) -> None:
        """Lists nest 64 deep and no deeper."""
        self.assert_depth(b"[" * 64 + b"]" * 64, too_deep=b"[" * 65 + b"]" * 65)

    def test_objects(self) -> None:
        """Objects nest 64 deep and no deeper."""
        self.assert_depth(b'{"a":' * 63 + b"{}" + b"}" * 63, too_deep=b'{"a":' * 64 + b"{}" + b"}" * 64)

    def test_mixed(self) -> None:
        """Lists and objects count alike."""
        self.assert_depth(b'[{"a":' * 32 + b"1" + b"}]" * 32, too_deep=b'[{"a":' * 32 + b"[]" + b"}]" * 32)

    def test_breadth_is_not_depth(self) -> None:
        """Many brackets side by side are not deep."""
        wide = b"[" + b",".join([b'[{"a":[]}]'] * 500) + b"]"
        self.assert_depth(wide, too_deep=b"[" * 62 + wide + b"]" * 62)

    def test_brackets_in_strings(self) -> None:
        """Brackets inside of strings, escaped quotes among them, do not count."""
        text = b'"' + b'\\"[{' * 100 + b'\\\\"'
        self.assert_depth(text, too_deep=b"[" * 65 + text + b"]" * 65)

    def test_other_fields_may_be_deep(self) -> None:
        """The depth of what is ignored anyway does not matter."""
        self.assertEqual(decode_request(b'{"type":"PING","x":' + b"[" * 100 + b"]" * 100 + b"}"), Ping())

    @given(
        st.recursive(
            st.text('[]{}"\\ ,'), lambda inner: st.lists(inner) | st.dictionaries(st.text('[{"'), inner)
        )
    )
    def test_against_a_plain_count(self, value: object) -> None:
        """The quick count of levels agrees with a plain one."""
        text, depth = json.dumps(value).encode(), _depth(value)
        self.assertFalse(nests_deeper_than(text, depth))
        self.assertEqual(nests_deeper_than(text, depth - 1), depth > 0)


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


class PayloadTests(SynchronousTestCase):
    def test_scalars(self) -> None:
        """A payload need not be an object."""
        for value in (b"null", b"true", b"0", b"-0.0", b'""', b'"\\ud83d\\ude00"', b'"\xf0\x9f\x98\x80"'):
            self.assertEqual(decode_request(SEND % value), SendMessageToUser(id=1, message=Raw(value)))

    def test_outer_white_space_goes(self) -> None:
        """Only the white space around the payload is lost."""
        request = cast("SendMessageToUser", decode_request(SEND % b" \n\t[ 1 , 2 ]\r "))
        self.assertEqual(bytes(request.message), b"[ 1 , 2 ]")

    def test_payload_survives_the_second_look(self) -> None:
        """A frame with duplicate keys keeps its payload byte for byte as well."""
        frame = b'{"type":"sendMessageToUser","id":0,"id":1,"message":{"a":1e999, "a":"\\u0041"}}'
        request = cast("SendMessageToUser", decode_request(frame))
        self.assertEqual(bytes(request.message), b'{"a":1e999, "a":"\\u0041"}')


class AnswerTests(SynchronousTestCase):
    def refusal_of(self, frame: bytes) -> BadMessage:
        """Return how the client refuses a frame."""
        return cast("BadMessage", self.assertRaises(BadMessage, decode_answer, frame))

    def test_reply_by_its_request(self) -> None:
        """The type of the request tells what an OK carries."""
        frame = b'{"type":"OK","re":"HELLO","userid":1,"socket":"a","ping":25,"maxbytes":9,"features":[]}'
        self.assertIsInstance(decode_answer(frame), HelloOk)
        self.assertEqual(decode_answer(b'{"type":"OK","re":"GOODBYE","ref":4}'), Ok(re="GOODBYE", ref=4))

    def test_bare_ok(self) -> None:
        """An OK to nothing known carries nothing."""
        self.assertEqual(decode_answer(b'{"type":"OK"}'), Ok())
        self.assertEqual(decode_answer(b'{"type":"OK","re":"new"}'), Ok(re="new"))

    def test_newer_errors(self) -> None:
        """An error code that this client does not know passes, to be judged by ``temporary``."""
        error = decode_answer(b'{"type":"ERROR","code":"new","text":"t","temporary":true,"more":1}')
        self.assertEqual(error, Error(code="new", text="t", temporary=True))

    def test_newer_events(self) -> None:
        """An event that this client does not know is none."""
        self.assertIsNone(decode_answer(b'{"type":"lastSeen"}'))
        self.assertIsNone(decode_answer(b"{}"))

    def test_broken_answers(self) -> None:
        """An answer that is no JSON object is refused."""
        self.assertEqual(self.refusal_of(b"{").code, ErrorCode.BAD_JSON)
        self.assertEqual(self.refusal_of(b'{"type":"OK","x":"\xff"}').code, ErrorCode.BAD_JSON)
        self.assertEqual(self.refusal_of(b"[" * 60_000).code, ErrorCode.BAD_JSON)
        self.assertEqual(self.refusal_of(b"[]").code, ErrorCode.BAD_MESSAGE)

    def test_wrong_answers(self) -> None:
        """An answer with a wrong field is refused, with its place."""
        refusal = self.refusal_of(b'{"type":"OK","re":"sendMessageToUser","delivered":"2"}')
        found = (refusal.code, refusal.re, refusal.path)
        self.assertEqual(found, (ErrorCode.BAD_MESSAGE, "sendMessageToUser", "$.delivered"))
        self.assertEqual(self.refusal_of(b'{"type":"OK","re":7}').path, "$.re")

    @given(st.binary() | st.builds(lambda a, b, c: a + b + c, frames, fragments, frames))
    def test_any_bytes(self, frame: bytes) -> None:
        """Whatever a server sends, the worst that happens is a refusal."""
        try:
            decode_answer(frame)
        except BadMessage as refusal:
            self.assertIn(refusal.code, {"bad_json", "bad_message"})


class ObjectTests(SynchronousTestCase):
    positions = Decoder(Position)

    def assert_refused(self, data: bytes, code: ErrorCode, path: str | UnsetType = UNSET) -> None:
        """Assert that an object is refused, and which place is named."""
        refusal = self.assertRaises(BadMessage, decode_object, data, self.positions)
        self.assertEqual((refusal.code, refusal.path), (code, path))

    def test_object(self) -> None:
        """An object that is no message is decoded by its type."""
        self.assertEqual(decode_object(b'{"epoch":"a","version":1}', self.positions), Position("a", 1))

    def test_last_key(self) -> None:
        """Of a key that stands there twice the later one counts, as in a message."""
        data = b'{"epoch":"a","version":"x","version":2}'
        self.assertEqual(decode_object(data, self.positions), Position("a", 2))

    def test_bad(self) -> None:
        """What is wrong is judged in the order of messages: JSON first, then the object, then its fields."""
        self.assert_refused(b'{"version":"x",]', ErrorCode.BAD_JSON)
        self.assert_refused(b'{"epoch":"\xff","version":1}', ErrorCode.BAD_JSON)
        self.assert_refused(b"[" * 100_000, ErrorCode.BAD_JSON)
        self.assert_refused(b"[]", ErrorCode.BAD_MESSAGE, "$")
        self.assert_refused(b'{"epoch":"a","version":-1}', ErrorCode.BAD_MESSAGE, "$.version")

    def test_depth(self) -> None:
        """A payload that comes otherwise may nest as deeply as one of a message, and no deeper."""
        check_depth(Raw(b"[" * 64 + b"]" * 64))
        refusal = self.assertRaises(BadMessage, check_depth, Raw(b"[" * 65 + b"]" * 65))
        self.assertEqual((refusal.re, refusal.path), (UNSET, "$.message"))

    def test_user_id(self) -> None:
        """A user id in a text is decimal, without a sign or zeros, and within bounds."""
        self.assertEqual(number_in("9007199254740991"), 2**53 - 1)
        for bad in ("", "0", "07", "+7", "-7", " 7", "7 ", "7\n", "1.0", "1e3", "\u0667", "9007199254740992"):
            self.assertIsNone(number_in(bad), bad)
