"""Tests of ``presence.demo.faults``, over HTTP in memory."""

from __future__ import annotations

import gzip
import json

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from presence.demo.faults import LARGE_BODY_BYTES, Fault
from tests.demo.exchange import USER, Exchange
from tests.exchange import Response


class FaultTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Hold a good token."""
        self.exchange = Exchange()
        self.authorization = f"Bearer {self.exchange.accounts.mint(USER).access_token}"

    def send_with(self, fault: Fault) -> None:
        """Send the question whose the token is to an API that misbehaves."""
        self.exchange.faults.fault = fault
        self.exchange.send("GET /users/me", Authorization=self.authorization)
        self.exchange.clock.advance(0)

    def ask_with(self, fault: Fault) -> Response:
        """Return the answer of an API that misbehaves."""
        self.send_with(fault)
        return self.exchange.response

    def test_error(self) -> None:
        """It can fail by itself."""
        self.assertEqual(self.ask_with(Fault.ERROR).status, 500)

    def test_too_many_requests(self) -> None:
        """It can ask for patience."""
        self.exchange.faults.retry_after_seconds = 12
        response = self.ask_with(Fault.TOO_MANY_REQUESTS)
        self.assertEqual((response.status, response.headers["retry-after"]), (429, "12"))

    def test_redirect(self) -> None:
        """It can send the asker round in circles."""
        response = self.ask_with(Fault.REDIRECT)
        self.assertEqual((response.status, response.headers["location"]), (302, "/users/me"))

    def test_wrong_id(self) -> None:
        """It can name somebody else."""
        self.assertEqual(self.ask_with(Fault.WRONG_ID).json["id"], USER.id + 1)

    def test_truncated(self) -> None:
        """It can send half of an answer as if it were whole."""
        response = self.ask_with(Fault.TRUNCATED)
        self.assertEqual(len(response.body), int(response.headers["content-length"]))
        self.assertRaises(ValueError, json.loads, response.body)

    def test_huge(self) -> None:
        """It can give the right answer at great length."""
        response = self.ask_with(Fault.HUGE)
        self.assertGreater(len(response.body), LARGE_BODY_BYTES)
        self.assertEqual(response.json["id"], USER.id)

    def test_gzip_bomb(self) -> None:
        """It can give the right answer at a length that only shows when it is decoded."""
        response = self.ask_with(Fault.GZIP_BOMB)
        self.assertEqual(response.headers["content-encoding"], "gzip")
        self.assertLess(len(response.body), 20_000)
        whole = gzip.decompress(response.body)
        self.assertGreater(len(whole), LARGE_BODY_BYTES)
        self.assertEqual(json.loads(whole)["id"], USER.id)

    def test_drip(self) -> None:
        """It can give an answer that never ends."""
        response = self.ask_with(Fault.DRIP)
        self.assertNotIn("content-length", response.headers)
        for _ in range(100):
            self.exchange.clock.advance(0.1)
            self.assertTrue(self.exchange.answered)
            self.exchange.transport.clear()

    def test_drop(self) -> None:
        """It can end the connection without an answer."""
        self.send_with(Fault.DROP)
        self.assertFalse(self.exchange.answered)
        self.assertFalse(self.exchange.transport.connected)

    def test_reset(self) -> None:
        """It can break the connection without an answer."""
        self.send_with(Fault.RESET)
        self.assertFalse(self.exchange.answered)
        self.assertTrue(self.exchange.transport.disconnected)

    def test_hang(self) -> None:
        """It can say nothing, for ever, on a connection that stays."""
        self.send_with(Fault.HANG)
        self.exchange.clock.advance(1e6)
        self.assertFalse(self.exchange.answered)
        self.assertTrue(self.exchange.transport.connected)

    def test_asker_leaves(self) -> None:
        """An asker who leaves what never ends breaks nothing, and leaves no delayed call behind."""
        for fault in (Fault.HANG, Fault.DRIP):
            self.setUp()
            self.send_with(fault)
            self.exchange.channel.connectionLost(Failure(ConnectionDone()))
            self.assertEqual(self.exchange.clock.getDelayedCalls(), [], fault)

    def test_back_to_normal(self) -> None:
        """Without a fault it does its job again."""
        self.ask_with(Fault.ERROR)
        self.assertEqual(self.ask_with(Fault.NONE).status, 200)
