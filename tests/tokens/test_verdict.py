"""What an answer of the account API means."""

from __future__ import annotations

from random import Random

from msgspec import UNSET
from twisted.trial.unittest import SynchronousTestCase

from presence.tokens.verdict import Judge, Undecided, check_shape, spread
from presence.wire.errors import ErrorCode, Refused


class ShapeTests(SynchronousTestCase):
    def test_tokens(self) -> None:
        """1 to 8192 visible ASCII characters can be a token."""
        for token in ("x", "!~", "x" * 8192):
            check_shape(token)

    def test_no_tokens(self) -> None:
        """Nothing else can, a second header least of all."""
        for token in ("", "x" * 8193, "a b", "a\r\nCookie: b", "\x7f", "ä", "\x00"):
            with self.assertRaises(Refused) as caught:
                check_shape(token)
            self.assertEqual(caught.exception.code, ErrorCode.TOKEN_REJECTED)


class JudgeTests(SynchronousTestCase):
    def assert_accepts(self, body: bytes, judge: Judge | None = None) -> None:
        """Check that user 7's token is accepted."""
        (judge or Judge()).judge(200, body, 7)

    def assert_refuses(self, code: ErrorCode, status: int, body: bytes = b"{}") -> None:
        """Check that user 7's token is refused for good."""
        with self.assertRaises(Refused) as caught:
            Judge().judge(status, body, 7)
        self.assertEqual((caught.exception.code, caught.exception.temporary), (code, False))

    def assert_undecided(self, status: int, body: bytes = b"{}", *, temporary: bool = True) -> None:
        """Check that nothing is decided about user 7's token."""
        with self.assertRaises(Undecided) as caught:
            Judge().judge(status, body, 7)
        self.assertEqual(caught.exception.temporary, temporary)

    def test_accepted(self) -> None:
        """A 200 that names the claimed user accepts, as a number or a decimal string."""
        for body in (b'{"id":7}', b'{"id":"7"}', b'{"data":{"id":7}}', b'{"data":{"id":"7"},"id":null}'):
            self.assert_accepts(body)

    def test_rejected(self) -> None:
        """401 and 403 reject the token, whatever the body says."""
        for status in (401, 403):
            self.assert_refuses(ErrorCode.TOKEN_REJECTED, status, b'{"id":7}')

    def test_mismatch(self) -> None:
        """A 200 that names another user refuses the claim."""
        for body in (
            b'{"id":8}',
            b'{"id":"8"}',
            b'{"id":0}',
            b'{"data":{"id":8}}',
            b'{"id":8,"data":{"id":7}}',
        ):
            self.assert_refuses(ErrorCode.USER_MISMATCH, 200, body)

    def test_other_statuses(self) -> None:
        """Every other status decides nothing."""
        for status in (201, 204, 301, 302, 400, 404, 429, 500, 502, 503):
            self.assert_undecided(status, b'{"id":7}')

    def test_patience(self) -> None:
        """A 429 or 503 may say how many seconds to wait; a date, or too many, is not believed."""
        for status, header, after in (
            (429, b"7", 7),
            (503, b"7", 7),
            (429, b"60", 60),
            (429, b"9" * 1000, 60),
            (429, b"0", UNSET),
            (429, b"", UNSET),
            (429, b"-1", UNSET),
            (429, b"1.5", UNSET),
            (429, b"Fri, 31 Dec 1999 23:59:59 GMT", UNSET),
            (500, b"7", UNSET),
            (302, b"7", UNSET),
        ):
            with self.assertRaises(Undecided) as caught:
                Judge().judge(status, b"", 7, header)
            self.assertEqual(caught.exception.after, after, header)

    def test_no_json(self) -> None:
        """A 200 with a body that is no JSON decides nothing."""
        for body in (b"", b"<html>", b'{"id":7', b'{"id":"\xff"}', b"[" * 100_000):
            self.assert_undecided(200, body)

    def test_nobody(self) -> None:
        """A 200 that names nobody is refused, and asking again does not help."""
        for body in (
            b"{}",
            b"[]",
            b"7",
            b'{"id":null}',
            b'{"id":7.0}',
            b'{"id":true}',
            b'{"id":"7x"}',
            b'{"id":""}',
        ):
            self.assert_undecided(200, body, temporary=False)

    def test_trust(self) -> None:
        """With trust a 200 that names nobody accepts; one that names another still does not."""
        judge = Judge(trust_claimed_userid=True)
        self.assert_accepts(b"{}", judge)
        with self.assertRaises(Refused):
            judge.judge(200, b'{"id":8}', 7)

    def test_field(self) -> None:
        """The user may be named elsewhere; then the usual places do not count."""
        judge = Judge(user_id_field="user.uid")
        self.assert_accepts(b'{"id":8,"user":{"uid":7}}', judge)
        with self.assertRaises(Undecided):
            judge.judge(200, b'{"id":7}', 7)


class SpreadTests(SynchronousTestCase):
    def test_spread(self) -> None:
        """Clients come back after the time that is given, over several seconds and not at once."""
        random = Random(1)  # noqa: S311 - the same at each run
        hints = [spread(random, 100) for _ in range(1000)]
        self.assertTrue(all(101 <= hint <= 110 for hint in hints))
        self.assertEqual({int(hint) for hint in hints}, set(range(101, 110)))
