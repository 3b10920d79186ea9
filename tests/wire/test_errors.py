"""What an error tells a client."""

from __future__ import annotations

import json

from msgspec import UNSET
from twisted.trial.unittest import SynchronousTestCase

from presence.wire.codec import encode_refusal
from presence.wire.errors import BadMessage, ErrorCode, Refused
from presence.wire.messages import Goodbye


class TemporaryTests(SynchronousTestCase):
    def test_which_errors_pass_by_themselves(self) -> None:
        """The same request can succeed later exactly where nothing about it has to change."""
        temporary = {"cancelled", "auth_unavailable", "rate_limited", "unavailable", "draining", "internal"}
        self.assertEqual({str(code) for code in ErrorCode if code.temporary}, temporary)

    def test_lasting_errors(self) -> None:
        """All other codes ask for a change first."""
        lasting = {
            "bad_json",
            "bad_message",
            "unknown_type",
            "not_identified",
            "already_identified",
            "token_rejected",
            "user_mismatch",
        }
        self.assertEqual({str(code) for code in ErrorCode if not code.temporary}, lasting)

    def test_one_refusal_may_know_better(self) -> None:
        """A refusal overrules its code, as where the account API names no user."""
        refusal = Refused(ErrorCode.AUTH_UNAVAILABLE, "no id", temporary=False)
        self.assertFalse(refusal.temporary)


class RefusalTests(SynchronousTestCase):
    def test_names_its_request(self) -> None:
        """An ERROR carries the type and the ref of what was refused."""
        refusal = Refused(ErrorCode.RATE_LIMITED, "slow down", after=2.5)
        expected = {
            "type": "ERROR",
            "re": "GOODBYE",
            "ref": 4,
            "code": "rate_limited",
            "text": "slow down",
            "temporary": True,
            "after": 2.5,
        }
        self.assertEqual(json.loads(encode_refusal(refusal, Goodbye(ref=4))), expected)

    def test_without_a_request(self) -> None:
        """An ERROR that answers nothing in particular names nothing."""
        written = json.loads(encode_refusal(Refused(ErrorCode.INTERNAL, "sorry")))
        self.assertEqual(set(written), {"type", "code", "text", "temporary"})

    def test_bad_message_names_what_could_be_read(self) -> None:
        """A frame that is no request is answered with the type and ref found in it."""
        refusal = BadMessage(ErrorCode.BAD_MESSAGE, "no", re="PING", ref="a", path="$.x")
        written = json.loads(encode_refusal(refusal))
        self.assertEqual((written["re"], written["ref"], written["path"]), ("PING", "a", "$.x"))

    def test_nothing_could_be_read(self) -> None:
        """Where nothing could be read, the refusal says nothing about it."""
        refusal = BadMessage(ErrorCode.BAD_JSON, "no")
        self.assertEqual((refusal.re, refusal.ref, refusal.after), (UNSET, UNSET, UNSET))

    def test_says_its_text_in_a_traceback(self) -> None:
        """Code and text show where a refusal ends in a log."""
        self.assertIn("slow down", str(Refused(ErrorCode.RATE_LIMITED, "slow down")))
