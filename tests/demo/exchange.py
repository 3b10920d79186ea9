"""A browser's side of the demo's site, in memory."""

from __future__ import annotations

from itertools import count
from urllib.parse import urlencode

from twisted.internet.task import Clock

import tests.exchange
from presence.demo.accounts import SAMPLE_ACCOUNTS, SAMPLE_PASSWORD, Accounts
from presence.demo.faults import Faults
from presence.demo.site import make_site
from presence.demo.visitors import make_visitors
from tests.canary import secret
from tests.exchange import Response

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


class Exchange(tests.exchange.Exchange):
    """One connection to the demo's site."""

    def __init__(self, websocket_url: str = "ws://127.0.0.1:8080/", expires_in_seconds: int = 3600) -> None:
        clock = Clock()
        self.accounts = make_accounts(clock, expires_in_seconds=expires_in_seconds)
        self.faults = Faults()
        site = make_site(self.accounts, make_visitors(2), self.faults, lambda: websocket_url, clock)
        super().__init__(site, clock)

    def ask_for_token(self, **changes: str) -> Response:
        """Ask for a token by a form."""
        form = urlencode(password_grant(**changes)).encode()
        return self.ask("POST /oauth/token", form, Content_Type="application/x-www-form-urlencoded")

    def ask_who(self, authorization: str) -> Response:
        """Ask whose a token is."""
        return self.ask("GET /users/me", Authorization=authorization)
