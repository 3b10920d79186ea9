"""Who may connect."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.admission.origins import admits_origin, normalize_origin


class OriginTests(SynchronousTestCase):
    def test_one_spelling(self) -> None:
        """An origin has one spelling, with its port only where it matters."""
        for origin, normal in {
            "https://www.example.com": "https://www.example.com",
            "HTTPS://WWW.Example.Com:443": "https://www.example.com",
            "https://www.example.com/": "https://www.example.com",
            "http://localhost:80": "http://localhost",
            "http://localhost:8000": "http://localhost:8000",
            "http://[::1]:8000": "http://[::1]:8000",
        }.items():
            self.assertEqual(normalize_origin(origin), normal)

    def test_no_origin(self) -> None:
        """What is no origin is refused with a line that says what one looks like."""
        for text in (
            "",
            "null",
            "www.example.com",
            "ftp://x",
            "https://",
            "https://u@x",
            "https://x:y",
            "http://[::1",
        ):
            with self.assertRaises(ValueError):
                normalize_origin(text)

    def test_more_than_an_origin(self) -> None:
        """An address with a path, a query or a fragment is no origin."""
        for text in ("https://x/path", "https://x?q", "https://x#f"):
            with self.assertRaisesRegex(ValueError, "more than scheme, host and port"):
                normalize_origin(text)

    def test_all(self) -> None:
        """Without a list every page may connect."""
        self.assertTrue(admits_origin(frozenset(), "https://anywhere.example"))

    def test_listed(self) -> None:
        """With a list only its pages may, whatever the spelling."""
        allowed = frozenset({"https://www.example.com"})
        self.assertTrue(admits_origin(allowed, "https://www.example.com:443"))
        self.assertFalse(admits_origin(allowed, "https://www.example.com.evil.example"))
        self.assertFalse(admits_origin(allowed, "null"))

    def test_no_browser(self) -> None:
        """A program that is no browser sends no origin, and may connect."""
        self.assertTrue(admits_origin(frozenset({"https://www.example.com"}), None))
