"""Tests of the commands that talk to the operations endpoint."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.web.resource import Resource
from twisted.web.server import Request as HTTPRequest
from twisted.web.server import Site

from presence.ctl.command import API_SECONDS
from presence.ctl.who import TRANSITIONS_SHOWN
from tests.canary import secret
from tests.ctl.world import CtlTestCase

KEY = secret("ops-key")


class Ops(Resource):
    """An operations endpoint with prepared answers, by what is asked."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, tuple[int, object]] = {}
        self.asked: list[str] = []
        self.keys: list[str | None] = []

    def render(self, request: HTTPRequest) -> bytes:
        """Note what was asked, and answer."""
        asked = f"{request.method.decode()} {request.uri.decode()}"
        self.asked.append(asked)
        self.keys.append(request.getHeader("authorization"))
        status, body = self.answers[asked]
        request.setResponseCode(status)
        return body if isinstance(body, bytes) else json.dumps(body).encode()


class OpsTestCase(CtlTestCase):
    def setUp(self) -> None:
        """Have an operations endpoint."""
        super().setUp()
        self.ops = Ops()
        self.reactor.listenTCP(8081, Site(self.ops, reactor=self.reactor))

    def run_on(self, asked: str, status: int, body: object, *argv: str) -> None:
        """Run a command that asks one thing, and gets an answer."""
        self.ops.answers[asked] = status, body
        self.run_command(*argv, PRESENCE_OPS_KEY=KEY)
        self.connect()
        self.flush()

    def assert_said(self, *lines: str) -> None:
        """Check that the command succeeded, and what it printed."""
        self.assert_done()
        self.assertEqual(self.terminal.lines, list(lines))


class HealthTests(OpsTestCase):
    def test_ready(self) -> None:
        """Of a daemon that is ready it says so, and needs no key for it."""
        self.run_on("GET /ready", 200, {"ready": True, "reasons": {}}, "health")
        self.assert_said("ready")
        self.assertEqual(self.ops.keys, [None])

    def test_not_ready(self) -> None:
        """Of one that is not it tells all reasons in one line, and fails."""
        reasons = {"draining": "it ends", "roster": "it lags"}
        self.run_on("GET /ready", 503, {"ready": False, "reasons": reasons}, "health")
        self.assert_failed(1, "not ready: it ends; it lags")

    def test_something_else(self) -> None:
        """What is no answer is no health."""
        bodies: tuple[object, ...] = ({"ready": True}, {}, [], {"ready": False})
        for body in bodies:
            self.terminal.stderr.truncate(0)
            self.terminal.stderr.seek(0)
            self.run_on("GET /ready", 404, body, "health")
            self.assert_failed(1, "http://127.0.0.1:8081/ answered 404, and not whether it is ready")

    def test_no_json(self) -> None:
        """An address of something else is named as such."""
        self.run_on("GET /ready", 200, b"<html>", "health")
        url = "http://127.0.0.1:8081/ready"
        self.assert_failed(1, f"{url} answered 200 without JSON; is this the operations endpoint?")

    def test_other_address(self) -> None:
        """Another address is asked, if it is given."""
        self.run_on("GET /ready", 200, {"ready": True}, "health", "http://127.0.0.2:8081")
        self.assert_said("ready")

    def test_silent(self) -> None:
        """A daemon that does not answer is not waited for."""
        self.run_command("health")
        self.reactor.advance(API_SECONDS)
        self.assert_failed(1, "http://127.0.0.1:8081/ready did not answer in 10 s")


class KeyTests(OpsTestCase):
    def test_environment(self) -> None:
        """The key can stand in the environment."""
        self.run_on("GET /api/v1/online", 200, {"online": []}, "who")
        self.assertEqual(self.ops.keys, [f"Bearer {KEY}"])

    def test_file(self) -> None:
        """A file with the key counts more."""
        file = Path(self.mktemp())
        file.write_text(f"{KEY}-of-the-file\n")
        self.run_on("GET /api/v1/online", 200, {"online": []}, "who", "--key-file", str(file))
        self.assertEqual(self.ops.keys, [f"Bearer {KEY}-of-the-file"])

    def test_stdin(self) -> None:
        """The key can come from stdin."""
        self.terminal.type(f"{KEY}-typed\n")
        self.run_on("GET /api/v1/online", 200, {"online": []}, "who", "-k", "-")
        self.assertEqual(self.ops.keys, [f"Bearer {KEY}-typed"])

    def test_none(self) -> None:
        """Without a key, or with what cannot be one, nothing is asked."""
        for environ in ({}, {"PRESENCE_OPS_KEY": "a\udcffb"}):
            self.terminal.stderr.truncate(0)
            self.terminal.stderr.seek(0)
            self.run_command("who", **environ)
            self.assert_failed(2, "no key that can be one; give --key-file or set PRESENCE_OPS_KEY")

    def test_problem(self) -> None:
        """What the endpoint says against it is told."""
        self.run_on("GET /api/v1/online", 401, {"detail": "show the key"}, "who")
        self.assert_failed(1, "http://127.0.0.1:8081/ answered 401: show the key")

    def test_something_else(self) -> None:
        """What does not answer as the endpoint does is not taken for it."""
        for status, body in ((200, []), (500, {})):
            self.terminal.stderr.truncate(0)
            self.terminal.stderr.seek(0)
            self.run_on("GET /api/v1/online", status, body, "who")
            self.assert_failed(
                1, f"http://127.0.0.1:8081/ answered {status}; is this the operations endpoint?"
            )


class WhoTests(OpsTestCase):
    def test_all(self) -> None:
        """All who are online stand in one line."""
        self.run_on("GET /api/v1/online", 200, {"online": [1, 7]}, "who")
        self.assert_said("online: 1, 7")

    def test_nobody(self) -> None:
        """Nobody is said to be nobody."""
        self.run_on("GET /api/v1/online", 200, {"online": []}, "who")
        self.assert_said("online: nobody")

    def test_pages(self) -> None:
        """A long list is asked for page by page."""
        self.ops.answers["GET /api/v1/online?cursor=1"] = 200, {"online": [7]}
        self.run_on("GET /api/v1/online", 200, {"online": [1], "next": "1"}, "who")
        self.connect()
        self.assert_said("online: 1, 7")

    def test_user(self) -> None:
        """Of a user its sockets are told, how long it is held, and when and why it came and went."""
        user = {
            "online": True,
            "sockets": [
                {"socket": "5f", "since": 1, "peer": "tcp4:192.0.2.1:9", "client": "phone"},
                {"socket": "6a", "since": 2.5, "peer": "tcp4:192.0.2.1:10"},
            ],
            "held_until": 60,
            "transitions": [{"at": 1, "to": "online", "cause": "hello"}],
        }
        self.run_on("GET /api/v1/users/7", 200, user, "who", "7")
        self.assert_said(
            "7 is online",
            "  socket 5f since 1970-01-01 00:00:01, tcp4:192.0.2.1:9 phone",
            "  socket 6a since 1970-01-01 00:00:02, tcp4:192.0.2.1:10",
            "  held online until 1970-01-01 00:01:00",
            "  1970-01-01 00:00:01 went online: hello",
        )

    def test_long_past(self) -> None:
        """Of a long past the latest is told."""
        past = [{"at": at, "to": "offline", "cause": "lost"} for at in range(30, 0, -1)]
        user = {"online": False, "sockets": [], "transitions": past}
        self.run_on("GET /api/v1/users/7", 200, user, "who", "7", "http://127.0.0.1:8081/")
        self.assert_done()
        self.assertEqual(len(self.terminal.lines), 1 + TRANSITIONS_SHOWN)
        self.assertEqual(
            self.terminal.lines[:2], ["7 is offline", "  1970-01-01 00:00:30 went offline: lost"]
        )

    def test_something_else(self) -> None:
        """An answer of another kind is none."""
        self.run_on("GET /api/v1/users/7", 200, {"online": 1}, "who", "7")
        self.assertEqual(self.failureResultOf(self.running, SystemExit).value.code, 1)
        self.assertIn("answered something else: ", self.terminal.complaint)


class KickTests(OpsTestCase):
    def test_user(self) -> None:
        """All connections of a user are closed, and counted."""
        self.run_on("DELETE /api/v1/users/7/connections", 200, {"closed": 2}, "kick", "7")
        self.assert_said("2 connections closed")

    def test_socket(self) -> None:
        """One connection is closed by the id of its socket."""
        url = "http://127.0.0.1:8081/"
        self.run_on("DELETE /api/v1/sockets/5%2Ff", 200, {"closed": 1}, "kick", url, "--socket", "5/f")
        self.assert_said("1 connection closed")

    def test_no_socket(self) -> None:
        """A socket that is not there is not closed."""
        problem = {"detail": "there is nothing here"}
        self.run_on("DELETE /api/v1/sockets/5f", 404, problem, "kick", "-s", "5f")
        self.assert_failed(1, "http://127.0.0.1:8081/ answered 404: there is nothing here")
