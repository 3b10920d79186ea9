"""Every example frame is one that the daemon takes or sends."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from presence.wire.codec import decode_answer, decode_request
from presence.wire.errors import BadMessage
from tests.docs.pages import frames, pages


def is_request(frame: bytes) -> bool:
    """Return whether the daemon understands a frame."""
    try:
        decode_request(frame)
    except BadMessage:
        return False
    return True


class FrameTests(SynchronousTestCase):
    def test_requests(self) -> None:
        """The daemon takes every request that a page shows."""
        wrong = [(name, f) for name, text in pages().items() for f in frames(text, "→") if not is_request(f)]
        self.assertEqual(wrong, [])

    def test_answers(self) -> None:
        """A client knows every answer that a page shows."""
        wrong = [
            (name, f) for name, text in pages().items() for f in frames(text, "←") if decode_answer(f) is None
        ]
        self.assertEqual(wrong, [])

    def test_no_frame_without_its_direction(self) -> None:
        """Every frame that a page shows is among those."""
        for name, text in pages().items():
            shown = len(frames(text, "→")) + len(frames(text, "←"))
            problems = text.count('{"type":"about:blank"')  # of HTTP, which go in one direction only
            self.assertEqual(text.count('{"type":') - problems, shown, name)
