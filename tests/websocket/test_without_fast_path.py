"""Without the fast path a peer sees the same."""

from __future__ import annotations

from tests.websocket import (
    test_compression,
    test_faults,
    test_guard,
    test_messages,
    test_protocol,
    test_replies,
)


class OpeningTests(test_protocol.OpeningTests):
    fast_path = False


class FrameTests(test_protocol.FrameTests):
    fast_path = False


class SlowReaderTests(test_protocol.SlowReaderTests):
    fast_path = False


class LogTests(test_protocol.LogTests):
    fast_path = False


class HandshakeTests(test_guard.HandshakeTests):
    fast_path = False


class BoundsTests(test_guard.BoundsTests):
    fast_path = False


class ClosingTests(test_guard.ClosingTests):
    fast_path = False


class UnfinishedTests(test_messages.UnfinishedTests):
    fast_path = False


class FaultTests(test_faults.FaultTests):
    fast_path = False


class RepliesTests(test_replies.RepliesTests):
    fast_path = False


class AgreementTests(test_compression.AgreementTests):
    fast_path = False


class ConnectionTests(test_compression.ConnectionTests):
    fast_path = False
