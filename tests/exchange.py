"""A browser's side of HTTP, in memory: bytes into a site and a response out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.web.server import Site


@attrs.frozen
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - the point of JSON
        """The body, read as JSON."""
        assert self.headers["content-type"] in {"application/json", "application/problem+json"}
        return json.loads(self.body)


class Exchange:
    """
    One connection to a site, which answers as time goes by.

    :ivar transport: What the site writes to.
    """

    def __init__(self, site: Site, clock: Clock) -> None:
        self.clock = clock
        self.site = site
        self.transport = StringTransportWithDisconnection()
        self.channel = site.buildProtocol(None)
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

    def hang_up(self) -> None:
        """Break the connection."""
        self.transport.loseConnection()

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
