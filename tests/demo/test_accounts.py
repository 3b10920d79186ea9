"""Tests of ``presence.demo.accounts``."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.demo.accounts import (
    SAMPLE_ACCOUNTS,
    Account,
    Accounts,
    NotGranted,
    OAuthError,
    TokenRequest,
)
from tests.canary import secret
from tests.demo.exchange import USER, make_accounts, password_grant


class PasswordGrantTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Stop the clock."""
        self.clock = Clock()
        self.accounts = make_accounts(self.clock)

    def assert_refused(self, error: OAuthError, **changes: str) -> None:
        """Check that a request gets this error, and no token is made."""
        request = TokenRequest(**password_grant(**changes))
        refusal = self.assertRaises(NotGranted, self.accounts.grant, request)
        self.assertIs(refusal.error, error)
        self.assertEqual(self.accounts.live_tokens, 0)

    def test_token_is_the_accounts(self) -> None:
        """A granted token leads to the account whose password was given."""
        for account in SAMPLE_ACCOUNTS:
            grant = self.accounts.grant(TokenRequest(**password_grant(username=account.email)))
            self.assertEqual(self.accounts.account_of(grant.access_token), account)

    def test_sample_accounts(self) -> None:
        """There are three accounts, with the ids and addresses that are written down."""
        names = ("user", "client", "service")
        self.assertEqual(
            [(account.id, account.email) for account in SAMPLE_ACCOUNTS],
            [(n, f"{name}@volunteer-vision.com") for n, name in enumerate(names, 1)],
        )

    def test_says_how_long_it_lasts(self) -> None:
        """A grant is a Bearer token for an hour, unless chosen otherwise."""
        grant = self.accounts.grant(TokenRequest(**password_grant()))
        self.assertEqual((grant.token_type, grant.expires_in), ("Bearer", 3600))
        self.assertEqual(make_accounts(self.clock, expires_in_seconds=60).mint(USER).expires_in, 60)

    def test_wrong_password(self) -> None:
        """A wrong password or an unknown user is an invalid grant."""
        self.assert_refused(OAuthError.INVALID_GRANT, password="start124")
        self.assert_refused(OAuthError.INVALID_GRANT, username="nobody@volunteer-vision.com")

    def test_wrong_client(self) -> None:
        """A wrong client id or secret is refused before anything else is looked at."""
        self.assert_refused(OAuthError.INVALID_CLIENT, client_id="2", grant_type="")
        self.assert_refused(OAuthError.INVALID_CLIENT, client_secret="secret", password="wrong")

    def test_missing_parameter(self) -> None:
        """A request without grant type, user name or password is invalid."""
        for name in ("grant_type", "username", "password"):
            self.assert_refused(OAuthError.INVALID_REQUEST, **{name: ""})

    def test_other_grant_type(self) -> None:
        """Only the password grant is supported."""
        self.assert_refused(OAuthError.UNSUPPORTED_GRANT_TYPE, grant_type="client_credentials")


class TokenLifeTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Stop the clock."""
        self.clock = Clock()

    def assert_good(self, accounts: Accounts, *tokens: str) -> None:
        """Check that these tokens are good, and no others."""
        known = [
            token
            for token in (secret("token-1"), secret("token-2"), secret("token-3"))
            if accounts.account_of(token)
        ]
        self.assertEqual(known, list(tokens))

    def test_expires(self) -> None:
        """A token is good until its time is over, and then is forgotten."""
        accounts = make_accounts(self.clock, expires_in_seconds=10)
        accounts.mint(USER)
        self.clock.advance(9.9)
        self.assert_good(accounts, secret("token-1"))
        self.clock.advance(0.1)
        self.assert_good(accounts)
        self.assertEqual(accounts.live_tokens, 0)

    def test_expired_tokens_are_forgotten_unasked(self) -> None:
        """Expired tokens take no memory, also when nobody asks for them."""
        accounts = make_accounts(self.clock, expires_in_seconds=10)
        accounts.mint(USER)
        self.clock.advance(5)
        accounts.mint(USER)
        self.clock.advance(5)
        accounts.mint(USER)
        self.assertEqual(accounts.live_tokens, 2)

    def test_oldest_goes(self) -> None:
        """Beyond the most tokens that are kept, the oldest is forgotten."""
        accounts = make_accounts(self.clock, most_tokens=2)
        for _ in range(3):
            accounts.mint(USER)
        self.assert_good(accounts, secret("token-2"), secret("token-3"))
        self.assertEqual(accounts.live_tokens, 2)

    def test_revoke(self) -> None:
        """A revoked token is nobody's; revoking it again changes nothing."""
        accounts = make_accounts(self.clock)
        for _ in range(2):
            accounts.mint(USER)
        accounts.revoke(secret("token-1"))
        accounts.revoke(secret("token-1"))
        self.assert_good(accounts, secret("token-2"))

    def test_mint_for_anybody(self) -> None:
        """A token can be made for an account that has no password."""
        accounts = make_accounts(self.clock)
        visitor = Account(101, "visitor101@volunteer-vision.com", "visitor 101")
        self.assertEqual(accounts.account_of(accounts.mint(visitor).access_token), visitor)
