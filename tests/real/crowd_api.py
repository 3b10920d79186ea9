"""An account API that knows any number of users, and costs next to nothing."""

from __future__ import annotations

import re

from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from tests.canary import secret
from tests.real.account_api import serve

_TOKEN = re.compile(rb"Bearer %s(\d+)\r\n" % secret("user").encode())


def token(user_id: int) -> str:
    """Return a user's token."""
    return f"{secret('user')}{user_id}"


class _Accounts(Protocol):
    """Answers ``GET /users/me``."""

    transport: ITCPTransport

    def __init__(self) -> None:
        self._received = b""

    def dataReceived(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            owner = _TOKEN.search(request + b"\r\n")
            status, body = (b"200 OK", b'{"id":%s}' % owner[1]) if owner else (b"403 Forbidden", b"{}")
            self.transport.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


class _AccountsFactory(Factory):
    noisy = False
    protocol = _Accounts


async def serve_accounts(test: TestCase) -> str:
    """Serve during a test an account API that knows every user's :func:`token`; return its URL."""
    return (await serve(test, _AccountsFactory())).url
