"""
The sample accounts and their access tokens: the rules, without HTTP.

The password grant is that of :rfc:`6749`, section 4.3, and its errors those of
section 5.2. Tokens live in memory only.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import attrs
import msgspec
from twisted.internet.interfaces import IReactorTime

CLIENT_ID = "1"
CLIENT_SECRET = "non-secret"  # noqa: S105 - public by its very name
SAMPLE_PASSWORD = "start123"  # noqa: S105 - printed on the demo page


@attrs.frozen
class Account:
    """A user of the platform."""

    id: int
    email: str
    name: str


SAMPLE_ACCOUNTS = (
    Account(1, "user@volunteer-vision.com", "User"),
    Account(2, "client@volunteer-vision.com", "Client"),
    Account(3, "service@volunteer-vision.com", "Service"),
)
"""Who can log in; all of them with :data:`SAMPLE_PASSWORD`."""


class OAuthError(StrEnum):
    """Why no token was granted, in the words of :rfc:`6749`."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"


class NotGranted(Exception):  # noqa: N818 - an answer to a request, not a fault of the program
    """
    No token was granted.

    :ivar error: The stable code.
    :ivar description: What is wrong, for people.
    """

    def __init__(self, error: OAuthError, description: str) -> None:
        """Refuse with a code and a description."""
        super().__init__(error, description)
        self.error = error
        self.description = description


class TokenRequest(msgspec.Struct, kw_only=True):
    """A request for a token; an empty parameter counts as an absent one."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""
    username: str = ""
    password: str = ""
    scope: str = ""


class Grant(msgspec.Struct, kw_only=True):
    """
    A granted token, as the platform's API writes it.

    :ivar expires_in: How many seconds the token is good for.
    """

    token_type: str = "Bearer"  # noqa: S105 - a kind of token, no token
    expires_in: int
    access_token: str


@attrs.frozen
class _Live:
    account: Account
    until: float


class Accounts:
    """
    The sample accounts, and which tokens are whose.

    :param make_token: Returns a new random token at each call.
    :param expires_in_seconds: How long a token is good.
    :param most_tokens: How many tokens are remembered; beyond, the oldest goes.
    """

    def __init__(
        self,
        clock: IReactorTime,
        make_token: Callable[[], str],
        expires_in_seconds: int = 3600,
        most_tokens: int = 10_000,
    ) -> None:
        self._clock = clock
        self._make_token = make_token
        self._expires_in_seconds = expires_in_seconds
        self._most_tokens = most_tokens
        # All tokens live equally long, so the order they came in is the order they go.
        self._live: dict[str, _Live] = {}

    def grant(self, asked: TokenRequest) -> Grant:
        """
        Grant a token to an account by its password.

        :raises NotGranted: Where client, account, password or request are wrong.
        """
        if (asked.client_id, asked.client_secret) != (CLIENT_ID, CLIENT_SECRET):
            raise NotGranted(OAuthError.INVALID_CLIENT, "client_id or client_secret is wrong")
        if not asked.grant_type:
            raise NotGranted(OAuthError.INVALID_REQUEST, "grant_type is missing")
        if asked.grant_type != "password":
            raise NotGranted(OAuthError.UNSUPPORTED_GRANT_TYPE, "the only grant_type here is password")
        if not asked.username or not asked.password:
            raise NotGranted(OAuthError.INVALID_REQUEST, "username or password is missing")
        for account in SAMPLE_ACCOUNTS:
            if (account.email, SAMPLE_PASSWORD) == (asked.username, asked.password):
                return self.mint(account)
        raise NotGranted(OAuthError.INVALID_GRANT, "username or password is wrong")

    def mint(self, account: Account) -> Grant:
        """Make a token for any account, known or not, without a password."""
        self._forget_expired()
        if len(self._live) >= self._most_tokens:
            del self._live[next(iter(self._live))]
        token = self._make_token()
        self._live[token] = _Live(account, self._clock.seconds() + self._expires_in_seconds)
        return Grant(expires_in=self._expires_in_seconds, access_token=token)

    def account_of(self, token: str) -> Account | None:
        """Return whose token this is, or None for one that is unknown, expired or revoked."""
        self._forget_expired()
        live = self._live.get(token)
        return None if live is None else live.account

    def revoke(self, token: str) -> None:
        """Forget a token; fine for one that is gone already."""
        self._live.pop(token, None)

    @property
    def live_tokens(self) -> int:
        """How many tokens are remembered."""
        return len(self._live)

    def _forget_expired(self) -> None:
        now = self._clock.seconds()
        while self._live:
            oldest = next(iter(self._live))
            if self._live[oldest].until > now:
                return
            del self._live[oldest]
