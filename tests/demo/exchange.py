"""A browser's side of HTTP, in memory: bytes into the demo's site and a response out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import urlencode

import attrs
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection

from presence.demo.accounts import SAMPLE_ACCOUNTS, SAMPLE_PASSWORD, Accounts
from presence.demo.faults import Faults
from presence.demo.site import make_site
from presence.demo.visitors import make_visitors
from tests.canary import secret

USER = SAMPLE_ACCOUNTS[0]


def make_accounts(clock: Clock, **options: int) -> Accounts:
    """Return the accounts, with the tokens ``token-1``, ``token-2`` and so on."""
    numbers = count(1)
    return Accounts(clock, lambda: secret(f"token-{next(numbers)}"), **options)


def password_grant(**changes: str) -> dict[str, str]:
    """Return the parameters that get a token for the first sample account, or others."""
    return {
        "grant_type": "password",
        "client_id": "1",
        "client_secret": "non-secret",
        "username": USER.email,
        "password": SAMPLE_PASSWORD,
        **changes,
    }


@attrs.frozen
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - the point of JSON
        """The body, read as JSON."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


class Exchange:
    """One connection to the site, which answers as time goes by."""

    def __init__(self, websocket_url: str = "ws://127.0.0.1:8080/", expires_in_seconds: int = 3600) -> None:
        self.clock = Clock()
        self.accounts = make_accounts(self.clock, expires_in_seconds=expires_in_seconds)
        self.faults = Faults()
        self.transport = StringTransportWithDisconnection()
        self.site = make_site(self.accounts, make_visitors(2), self.faults, lambda: websocket_url, self.clock)
        self.channel = self.site.buildProtocol(None)
        assert self.channel is not None
        self.transport.protocol = self.channel
        self.channel.makeConnection(self.transport)

    def send(self, request: str, body: bytes = b"", **headers: str) -> None:
        """Send a request such as ``GET /``."""
        fields = {"Host": "127.0.0.1:8000"}
        if "Transfer_Encoding" not in headers:
            fields["Content-Length"] = str(len(body))
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.channel.dataReceived(f"{request} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)

    def ask(self, request: str, body: bytes = b"", **headers: str) -> Response:
        """Send a request and return its response."""
        self.send(request, body, **headers)
        self.clock.advance(0)
        return self.response

    def ask_for_token(self, **changes: str) -> Response:
        """Ask for a token by a form."""
        form = urlencode(password_grant(**changes)).encode()
        return self.ask("POST /oauth/token", form, Content_Type="application/x-www-form-urlencoded")

    def ask_who(self, authorization: str) -> Response:
        """Ask whose a token is."""
        return self.ask("GET /users/me", Authorization=authorization)

    @property
    def answered(self) -> bool:
        """Whether anything has come back."""
        return bool(self.transport.value())

    @property
    def response(self) -> Response:
        """What came back."""
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        self.transport.clear()
        status, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        return Response(int(status.split(" ")[1]), headers, body)
