"""What the platform's backend asks and does over HTTP."""

from __future__ import annotations

import json
from typing import Any

import attrs
from msgspec import UNSET, Raw, UnsetType
from twisted.trial.unittest import SynchronousTestCase

from presence.backend import Backend
from presence.config import Settings
from presence.interfaces import Delivery
from presence.ops.site import make_site
from presence.relay import MOST_WAITING
from presence.slices import MOST_SENDS
from presence.wire.closing import CloseCode
from tests.canary import secret
from tests.exchange import Exchange, Response
from tests.ops.endpoint import Endpoint, with_key

PAYLOAD = secret("payload")
SETTINGS = Settings(
    settle=0, token_recheck=0, max_message_bytes=1024, offline_delay=5, max_sockets_per_user=1000
)


class ApiTestCase(SynchronousTestCase):
    settings = SETTINGS

    def setUp(self) -> None:
        """Have an endpoint, and two users: the first with two sockets."""
        self.endpoint = Endpoint(self.settings)
        self.daemon = self.endpoint.daemon
        self.clients = [self.daemon.hello(user, broadcast=False) for user in (1, 1, 2)]

    def get(self, path: str) -> Response:
        """Ask for something."""
        return self.endpoint.ask_with_key(f"GET /api/v1/{path}")

    def post(self, path: str, body: object, **headers: str) -> Response:
        """Send something, as JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.endpoint.ask_with_key(f"POST /api/v1/{path}", data, **headers)

    def delete(self, path: str) -> Response:
        """Delete something."""
        return self.endpoint.ask_with_key(f"DELETE /api/v1/{path}")

    def assert_answer(self, response: Response, expected: object) -> None:
        """Check that it went well, and what came back."""
        self.assertEqual((response.status, response.json), (200, expected))

    def assert_problem(self, response: Response, status: int, code: str, path: str | None = None) -> None:
        """Check that it was refused, and why."""
        problem = response.json
        found = response.status, problem["status"], problem["code"], problem.get("path")
        self.assertEqual(found, (status, status, code, path))

    def messages(self) -> list[list[Any]]:
        """Return the messages that each client got."""
        return [[event["message"] for event in client.take_of("message")] for client in self.clients]


class KeyTests(ApiTestCase):
    def test_no_key(self) -> None:
        """Whoever does not show the key is told nothing, and changes nothing, whatever there is."""
        for place in ("GET online", "POST broadcast", "DELETE users/1/connections", "GET nothing"):
            method, path = place.split()
            response = self.endpoint.ask(f"{method} /api/v1/{path}", b'{"message":1}')
            self.assert_problem(response, 401, "unauthorized")
        self.assertEqual(self.messages(), [[], [], []])

    def test_no_key_known(self) -> None:
        """A daemon without a key says how to give it one."""
        self.endpoint.access.key = None
        response = self.get("online")
        self.assert_problem(response, 403, "no_key")
        self.assertIn("--ops-key-file", response.json["detail"])

    def test_new_key(self) -> None:
        """A key that has changed counts from then on."""
        self.endpoint.access.key = secret("another")
        self.assert_problem(self.get("online"), 401, "unauthorized")


class MessageTests(ApiTestCase):
    def let_in_many(self) -> None:
        """Let user 7 have more sockets than are sent to in one turn."""
        for _ in range(MOST_SENDS + 1):
            self.daemon.hello(7, broadcast=False)

    def test_to_a_user(self) -> None:
        """A message goes to all sockets of its user, and the answer says how many took it."""
        response = self.post("users/1/messages", {"message": PAYLOAD, "key": "k"})
        self.assert_answer(response, {"delivered": 2})
        (event,) = self.clients[0].take()
        self.assertEqual(event, {"type": "message", "message": PAYLOAD, "key": "k", "ts": 0.0})
        self.assertEqual(self.messages()[1:], [[PAYLOAD], []])

    def test_to_nobody(self) -> None:
        """A message to a user who is not online reaches nobody, and that is no error."""
        self.assert_answer(self.post("users/9/messages", {"message": 1}), {"delivered": 0})

    def test_to_all(self) -> None:
        """A broadcast goes to the sockets of all users."""
        self.assert_answer(self.post("broadcast", {"message": None}), {"delivered": 3})
        self.assertEqual(self.messages(), [[None], [None], [None]])

    def test_unsettled(self) -> None:
        """A message does not need a list."""
        self.daemon.broadcast.stop()
        self.assert_answer(self.post("users/1/messages", {"message": 1}), {"delivered": 2})

    def test_waits(self) -> None:
        """A message to very many sockets is answered when they all had it."""
        self.let_in_many()
        self.endpoint.send("POST /api/v1/users/7/messages", b'{"message":1}', **with_key({}))
        self.assertFalse(self.endpoint.answered)
        self.endpoint.clock.pump([0, 0])
        self.assert_answer(self.endpoint.response, {"delivered": MOST_SENDS + 1})

    def test_gone(self) -> None:
        """Who hangs up before the answer gets none, and that is no fault."""
        self.let_in_many()
        self.endpoint.send("POST /api/v1/users/7/messages", b'{"message":1}', **with_key({}))
        self.endpoint.hang_up()
        self.endpoint.clock.pump([0, 0])
        self.assertEqual(self.daemon.relay.messages, 1)

    def test_too_many(self) -> None:
        """What the relay refuses says when to come back."""
        self.let_in_many()
        for _ in range(MOST_WAITING):
            connection = self.endpoint.another()
            connection.send("POST /api/v1/users/7/messages", b'{"message":1}', **with_key({}))
        response = self.post("users/7/messages", {"message": 1})
        self.assert_problem(response, 429, "rate_limited")
        self.assertEqual(response.headers["retry-after"], "1")


class Recorder(Backend):
    """A backend that notes messages and sends none."""

    def __init__(self, *parts: Any) -> None:  # noqa: ANN401 - those of a backend
        super().__init__(*parts)
        self.sent: list[bytes] = []

    def send(self, addressee: int | None, message: Raw, key: str | UnsetType = UNSET) -> Delivery:  # noqa: ARG002 - as in Backend
        """Note a message."""
        self.sent.append(bytes(message))
        return Delivery(0)


class BodyTests(ApiTestCase):
    def assert_refused(self, body: bytes, status: int, code: str, path: str | None = None) -> None:
        """Check that a message is refused, and that nobody gets it."""
        self.assert_problem(self.post("users/1/messages", body), status, code, path)
        self.assertEqual(self.messages(), [[], [], []])

    def test_bad_json(self) -> None:
        """What is no JSON, or no UTF-8, is 400."""
        for body in (b"", b"{", b'{"message":1}x', b'{"message":"\xff"}', b"[" * 1000):
            self.assert_refused(body, 400, "bad_json")

    def test_bad_fields(self) -> None:
        """A field that is wrong, missing or not known is 422, and is named."""
        self.assert_refused(b"[]", 422, "bad_message", "$")
        self.assert_refused(b"{}", 422, "bad_message", "$")
        self.assert_refused(b'{"message":1,"to":2}', 422, "bad_message", "$")
        self.assert_refused(b'{"message":1,"key":null}', 422, "bad_message", "$.key")
        self.assert_refused(b'{"message":1,"key":"%s"}' % (b"k" * 65), 422, "bad_message", "$.key")

    def test_depth(self) -> None:
        """A message may be 64 deep and no deeper."""
        deep = b'{"message":%s%s}'
        self.assertEqual(self.post("broadcast", deep % (b"[" * 64, b"]" * 64)).status, 200)
        self.messages()
        self.assert_refused(deep % (b"[" * 65, b"]" * 65), 422, "bad_message", "$.message")

    def test_size(self) -> None:
        """A body may be as large as a message of a client, and no larger."""
        body = json.dumps({"message": "x" * (1024 - len('{"message": ""}'))}).encode()
        self.assertEqual(self.post("users/9/messages", body).status, 200)
        self.assert_refused(body + b" ", 413, "too_large")

    def test_much_too_large(self) -> None:
        """A body that is larger than anything that is taken is not kept, and refused in the same way."""
        self.assert_refused(b" " * 1024 * 1025, 413, "too_large")

    def test_large_messages(self) -> None:
        """Where clients may send more than a mebibyte, so may the platform."""
        endpoint = Endpoint(Settings(settle=0, max_message_bytes=2**21))
        body = json.dumps({"message": "x" * 2**20}).encode()
        self.assertEqual(endpoint.ask_with_key("POST /api/v1/broadcast", body).status, 200)

    def test_byte_for_byte(self) -> None:
        """A message reaches the clients as it was written."""
        daemon = self.daemon
        backend = Recorder(daemon.roster, daemon.relay, daemon.clock)
        parts = attrs.evolve(self.endpoint.parts, backend=backend)
        site = make_site(
            parts, self.endpoint.tokens, self.endpoint.metrics, self.endpoint.access, daemon.clock
        )
        body = b'{"message": {"n": 1.0,  "a":"\\u00e9"}}'
        Exchange(site, daemon.clock).ask("POST /api/v1/broadcast", body, **with_key({}))
        self.assertEqual(backend.sent, [b'{"n": 1.0,  "a":"\\u00e9"}'])

    def test_media_type(self) -> None:
        """A body may say that it is JSON, with a charset even, but nothing else."""
        for named in ("application/json", "Application/JSON; charset=utf-8"):
            self.assertEqual(self.post("broadcast", {"message": 1}, Content_Type=named).status, 200)
        for named in ("text/plain", "application/json-patch+json", "x"):
            response = self.post("broadcast", {"message": 1}, Content_Type=named)
            self.assert_problem(response, 415, "unsupported_media_type")

    def test_form(self) -> None:
        """A form is no JSON either, and its fields are no parameters."""
        response = self.post("broadcast", b"message=1", Content_Type="application/x-www-form-urlencoded")
        self.assert_problem(response, 415, "unsupported_media_type")


class OnlineTests(ApiTestCase):
    def position(self) -> dict[str, object]:
        """Return where the list stands."""
        journal = self.daemon.roster.journal
        return {"epoch": journal.epoch, "version": journal.version}

    def setUp(self) -> None:
        """Let both users be on the published list."""
        super().setUp()
        self.daemon.clock.advance(1)

    def test_all(self) -> None:
        """The published list has an epoch and a version."""
        self.assert_answer(self.get("online"), {"online": [1, 2], **self.position()})

    def test_pages(self) -> None:
        """A page that is not the last says where the next one begins."""
        self.assert_answer(self.get("online?limit=1"), {"online": [1], **self.position(), "next": "1"})
        self.assert_answer(self.get("online?limit=1&cursor=1"), {"online": [2], **self.position()})

    def test_parameters(self) -> None:
        """A parameter that is wrong, there twice or not known is named."""
        for query, name in (
            ("limit=0", "limit"),
            ("limit=10001", "limit"),
            ("limit=x", "limit"),
            ("cursor=0", "cursor"),
            ("cursor=", "cursor"),
            ("limit=1&limit=2", "limit"),
            ("page=2", "page"),
            ("%C3%A4=1", "ä"),
            ("%FF=1", "\ufffd"),
            ("limit=%C3%A4", "limit"),
        ):
            self.assert_problem(self.get(f"online?{query}"), 422, "bad_message", name)
        self.assert_problem(self.get("users/1?verbose=1"), 422, "bad_message", "verbose")

    def test_query(self) -> None:
        """Of many users those who are online are told."""
        expected = {"online": [1, 2], **self.position()}
        self.assert_answer(self.post("online/query", {"users": [9, 2, 1, 2]}), expected)

    def test_large_query(self) -> None:
        """A query takes 10,000 users, which is more than a message does, and no more."""
        users = list(range(2**53 - 10_000, 2**53))
        self.assert_answer(self.post("online/query", {"users": users}), {"online": [], **self.position()})
        response = self.post("online/query", {"users": [*users, 1]})
        self.assert_problem(response, 422, "bad_message", "$.users")

    def test_bad_query(self) -> None:
        """Who is no user is named by the place."""
        for bad in (0, -1, 2**53, 1.5, "1", None):
            response = self.post("online/query", {"users": [1, bad]})
            self.assert_problem(response, 422, "bad_message", "$.users[1]")

    def test_unsettled(self) -> None:
        """Before the list has settled there is none, and the answer says when to come back."""
        self.endpoint = Endpoint(Settings(settle=7.5))
        for response in (self.get("online"), self.post("online/query", {"users": [1]})):
            self.assert_problem(response, 503, "unsettled")
            self.assertEqual(response.headers["retry-after"], "8")
        self.endpoint.clock.pump([6.5, 1])
        self.assertEqual(self.get("online").status, 200)

    def test_stopped(self) -> None:
        """When the daemon has ended there is no list either."""
        self.daemon.broadcast.stop()
        response = self.get("online")
        self.assert_problem(response, 503, "unsettled")
        self.assertEqual(response.headers["retry-after"], "1")

    def test_head(self) -> None:
        """What can be read has a head too."""
        response = self.endpoint.ask_with_key("HEAD /api/v1/online")
        self.assertEqual((response.status, response.body), (200, b""))


class UserTests(ApiTestCase):
    def test_online(self) -> None:
        """A user has sockets, which tell where and since when, and a past."""
        self.clients[2].vanish()
        self.daemon.hello(2, broadcast=False, client="phone")
        self.daemon.clock.advance(1)
        (socket,) = self.daemon.backend.about(2).sockets
        expected = {
            "id": 2,
            "online": True,
            "sockets": [
                {"socket": socket.id, "since": 0.0, "client": "phone", "peer": socket.connection.peer}
            ],
            "held_until": 5.0,
            "transitions": [{"at": 0.0, "to": "online", "cause": "hello", "version": 2}],
        }
        self.assert_answer(self.get("users/2"), expected)

    def test_offline(self) -> None:
        """A user who went has a past only."""
        self.clients[2].vanish(CloseCode.DISCONNECTED)
        about = self.get("users/2").json
        self.assertEqual((about["online"], about["sockets"], "held_until" in about), (False, [], False))
        causes = [(one["to"], one["cause"]) for one in about["transitions"]]
        self.assertEqual(causes, [("offline", "disconnected"), ("online", "hello")])

    def test_stranger(self) -> None:
        """Whoever never came is offline."""
        self.assert_answer(self.get("users/9"), {"id": 9, "online": False, "sockets": [], "transitions": []})

    def test_no_user(self) -> None:
        """What cannot be the id of a user is nowhere."""
        for bad in ("0", "x", "-1", "1.0", "01", "%31%00", "9007199254740992", "%ff", ""):
            self.assert_problem(self.get(f"users/{bad}"), 404, "not_found")
            self.assert_problem(self.post(f"users/{bad}/messages", {"message": 1}), 404, "not_found")

    def test_nothing_else(self) -> None:
        """There is nothing between the places."""
        for path in ("", "users", "sockets", "users/1/", "users/1/x", "online/", "broadcast/1"):
            self.assert_problem(self.get(path), 404, "not_found")
        for path in ("/api", "/api/", "/api/v1", "/api/v2/online"):
            self.assert_problem(self.endpoint.ask_with_key(f"GET {path}"), 404, "not_found")

    def test_methods(self) -> None:
        """A wrong method is told the right one."""
        for request, allowed in (
            ("GET users/1/messages", "POST"),
            ("PUT users/1", "GET, HEAD"),
            ("GET users/1/connections", "DELETE"),
            ("POST online", "GET, HEAD"),
            ("GET online/query", "POST"),
            ("POST events", "GET, HEAD"),
        ):
            method, path = request.split()
            response = self.endpoint.ask_with_key(f"{method} /api/v1/{path}")
            self.assert_problem(response, 405, "method_not_allowed")
            self.assertEqual(response.headers["allow"], allowed, request)


class DisconnectTests(ApiTestCase):
    def codes(self) -> list[CloseCode | None]:
        """Return what each client was closed with."""
        return [client.connection.closed_with for client in self.clients]

    def test_user(self) -> None:
        """All connections of a user are closed with 4410, and nobody else's."""
        self.assert_answer(self.delete("users/1/connections"), {"closed": 2})
        self.assertEqual(self.codes(), [CloseCode.DISCONNECTED, CloseCode.DISCONNECTED, None])

    def test_nobody(self) -> None:
        """A user without connections has none to close."""
        self.assert_answer(self.delete("users/9/connections"), {"closed": 0})

    def test_held(self) -> None:
        """A user whom only a hold keeps online is offline at once."""
        self.clients[2].vanish()
        self.delete("users/2/connections")
        self.assertFalse(self.get("users/2").json["online"])

    def test_socket(self) -> None:
        """One connection of a user is closed by the id of its socket."""
        socket = self.get("users/1").json["sockets"][1]["socket"]
        self.assert_answer(self.delete(f"sockets/{socket}"), {"closed": 1})
        self.assertEqual(self.codes(), [None, CloseCode.DISCONNECTED, None])

    def test_no_socket(self) -> None:
        """A socket that is not there is nowhere."""
        for bad in ("nothing", "%ff", ""):
            self.assert_problem(self.delete(f"sockets/{bad}"), 404, "not_found")
