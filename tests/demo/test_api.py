"""Tests of ``presence.demo.api``, over HTTP in memory."""

from __future__ import annotations

import json
from io import SEEK_END

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyChannel

from presence.demo.api import LARGEST_BODY_BYTES
from tests.canary import secret
from tests.demo.exchange import USER, Exchange, password_grant
from tests.exchange import Response


class TokenTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Connect to the site."""
        self.exchange = Exchange()

    def send(self, content_type: str, body: bytes) -> Response:
        """Ask for a token with any body."""
        return self.exchange.ask("POST /oauth/token", body, Content_Type=content_type)

    def assert_error(self, response: Response, status: int, error: str) -> None:
        """Check that no token came, in the way of OAuth."""
        self.assertEqual((response.status, response.json["error"]), (status, error))
        self.assertTrue(response.json["error_description"])
        self.assertEqual(response.headers["cache-control"], "no-store")

    def test_form(self) -> None:
        """A form with the right password gets a token that no cache keeps."""
        response = self.exchange.ask_for_token()
        self.assertEqual(response.status, 200)
        self.assertEqual(
            response.json, {"token_type": "Bearer", "expires_in": 3600, "access_token": secret("token-1")}
        )
        self.assertEqual(response.headers["cache-control"], "no-store")

    def test_json(self) -> None:
        """JSON does as well, with a charset or without, with a scope, and with unknown parameters."""
        body = json.dumps({**password_grant(scope="*"), "remember": [1]}).encode()
        for content_type in ("application/json", "Application/JSON; charset=utf-8"):
            self.assertEqual(self.send(content_type, body).status, 200, content_type)

    def test_form_with_charset(self) -> None:
        """A form may have a charset too."""
        body = b"grant_type=password&client_id=1&client_secret=non-secret"
        response = self.send("application/x-www-form-urlencoded; charset=UTF-8", body)
        self.assert_error(response, 400, "invalid_request")
        self.assertIn("username", response.json["error_description"])

    def test_wrong_password(self) -> None:
        """A wrong password is 400 with OAuth's error."""
        self.assert_error(self.exchange.ask_for_token(password="no"), 400, "invalid_grant")

    def test_unsupported_grant_type(self) -> None:
        """Another grant type is 400 with OAuth's error."""
        response = self.exchange.ask_for_token(grant_type="refresh_token")
        self.assert_error(response, 400, "unsupported_grant_type")

    def test_wrong_client(self) -> None:
        """A wrong client is 401, without a challenge that would make a browser ask for a password."""
        response = self.exchange.ask_for_token(client_secret="no")
        self.assert_error(response, 401, "invalid_client")
        self.assertNotIn("www-authenticate", response.headers)

    def test_client_in_the_header(self) -> None:
        """A client that tried the Authorization header is told its scheme, as OAuth demands."""
        response = self.exchange.ask("POST /oauth/token", b"{}", Authorization="Basic MTox")
        self.assertEqual(response.status, 400)
        response = self.exchange.ask(
            "POST /oauth/token", b"{}", Authorization="Basic MTox", Content_Type="application/json"
        )
        self.assert_error(response, 401, "invalid_client")
        self.assertIn("Basic", response.headers["www-authenticate"])

    def test_unreadable_bodies(self) -> None:
        """Whatever cannot be read is 400 with OAuth's error."""
        form, json_ = "application/x-www-form-urlencoded", "application/json"
        for content_type, body in (
            (json_, b"{"),
            (json_, b"[]"),
            (json_, b'{"client_id":1}'),
            (json_, b'{"client_id":null}'),
            (json_, b'{"client_id":"\xff"}'),
            (json_, b'{"x":' + b"[" * 5000),
            (form, b"client_id=1&client_id=1"),
            (form, b"client_id=%ff"),
            (form, b"client_id=\xff"),
            (form, b"&".join(b"%d=1" % n for n in range(101))),
            ("text/plain", b"client_id=1"),
        ):
            self.assert_error(self.send(content_type, body), 400, "invalid_request")

    def test_large_body(self) -> None:
        """A body is read up to its limit and refused beyond."""
        body = json.dumps(password_grant()).encode().ljust(LARGEST_BODY_BYTES)
        self.assertEqual(self.send("application/json", body).status, 200)
        self.assert_error(self.send("application/json", body + b" "), 413, "invalid_request")

    def test_endless_body(self) -> None:
        """A body in pieces, of a length that nobody announced, is refused too."""
        self.exchange.send("POST /oauth/token", Transfer_Encoding="chunked")
        for _ in range(3):
            self.exchange.channel.dataReceived(b"1000\r\n%s\r\n" % (b"x" * 0x1000))
        self.exchange.channel.dataReceived(b"0\r\n\r\n")
        self.assert_error(self.exchange.response, 413, "invalid_request")

    def test_memory_of_a_body(self) -> None:
        """Of a body that is too large no more is kept than shows that it is."""
        request = self.exchange.site.requestFactory(DummyChannel())
        request.gotLength(10 * LARGEST_BODY_BYTES)
        for _ in range(10):
            request.handleContentChunk(b"x" * LARGEST_BODY_BYTES)
        assert request.content is not None
        self.assertEqual(request.content.seek(0, SEEK_END), LARGEST_BODY_BYTES + 1)

    def test_other_methods(self) -> None:
        """A token is only had by POST."""
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "NONSENSE"):
            response = self.exchange.ask(f"{method} /oauth/token")
            self.assertEqual((response.status, response.headers["allow"]), (405, "POST"), method)


class MeTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Hold a good token."""
        self.exchange = Exchange()
        self.token = self.exchange.accounts.mint(USER).access_token

    def test_good_token(self) -> None:
        """A good token is answered with its account; the scheme may be in any case."""
        for scheme in ("Bearer", "bearer"):
            response = self.exchange.ask_who(f"{scheme} {self.token}")
            self.assertEqual(response.status, 200)
            self.assertEqual(response.json, {"id": 1, "email": USER.email, "name": USER.name})

    def test_head(self) -> None:
        """A HEAD request gets the head alone."""
        response = self.exchange.ask("HEAD /users/me", Authorization=f"Bearer {self.token}")
        self.assertEqual((response.status, response.body), (200, b""))

    def test_bad_token(self) -> None:
        """A token that nobody has is 403."""
        response = self.exchange.ask_who("Bearer nonsense")
        self.assertEqual((response.status, response.json["error"]), (403, "invalid_token"))

    def test_expired_token(self) -> None:
        """An expired token is 403."""
        exchange = Exchange(expires_in_seconds=10)
        token = exchange.accounts.mint(USER).access_token
        exchange.clock.advance(10)
        self.assertEqual(exchange.ask_who(f"Bearer {token}").status, 403)

    def test_no_token(self) -> None:
        """Without a Bearer token it is 401, with a challenge."""
        for authorization in ("", "Bearer", "Bearer  ", "Basic MTox", self.token):
            response = self.exchange.ask_who(authorization)
            self.assertEqual(response.status, 401, authorization)
            self.assertIn("Bearer", response.headers["www-authenticate"])

    def test_other_methods(self) -> None:
        """Only GET and HEAD ask whose a token is."""
        response = self.exchange.ask("POST /users/me")
        self.assertEqual((response.status, response.headers["allow"]), (405, "GET, HEAD"))
        self.assertEqual(response.json["error"], "method_not_allowed")

    def test_delay(self) -> None:
        """It can take its time and answer then."""
        self.exchange.faults.delay_seconds = 5
        self.exchange.send("GET /users/me", Authorization=f"Bearer {self.token}")
        self.exchange.clock.advance(4.9)
        self.assertFalse(self.exchange.answered)
        self.exchange.clock.advance(0.1)
        self.assertEqual(self.exchange.response.status, 200)

    def test_asker_gives_up(self) -> None:
        """An asker who leaves during the delay leaves no delayed call behind."""
        self.exchange.faults.delay_seconds = 5
        self.exchange.send("GET /users/me", Authorization=f"Bearer {self.token}")
        self.exchange.channel.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.exchange.clock.getDelayedCalls(), [])
