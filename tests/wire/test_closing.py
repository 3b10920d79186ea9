"""The table of close codes, and what follows from them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.wire.closing import CloseCode

TABLE = {
    # code: whether a client comes back by itself
    1001: True,
    1003: True,
    1007: True,
    1008: True,
    1009: True,
    1011: True,
    1012: True,
    1013: True,
    4400: False,
    4401: False,
    4409: False,
    4410: False,
    4508: True,
    4513: True,
    4529: True,
}


class CloseCodeTests(SynchronousTestCase):
    def test_the_table(self) -> None:
        """Every code says whether a client comes back by itself."""
        self.assertEqual({int(code): code.reconnects for code in CloseCode}, TABLE)

    def test_reasons_fit_into_a_close_frame(self) -> None:
        """Every code has a reason of its own, of at most the 123 bytes that RFC 6455 leaves for it."""
        reasons = {code.reason for code in CloseCode}
        self.assertEqual(len(reasons), len(CloseCode))
        self.assertTrue(all(0 < len(reason.encode()) <= 123 for reason in reasons))

    def test_a_code_is_its_number(self) -> None:
        """A code from the wire finds its member."""
        found = CloseCode(4508)  # type: ignore[call-arg] # mypy takes the look-up for a call of __new__
        self.assertIs(found, CloseCode.NO_HELLO)
        self.assertEqual(CloseCode.NO_HELLO, 4508)
