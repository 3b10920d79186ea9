"""
The account API of the sample platform, for development.

``POST /oauth/token`` grants a token by password, ``GET /users/me`` says whose a
token is. Every answer is JSON, the errors too.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl

import attrs
import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from presence.demo.accounts import Account, Accounts, NotGranted, OAuthError, TokenRequest
from presence.demo.faults import Fault, Faults, respond
from presence.host.serving import BoundedRequest, Place, answer_json

LARGEST_BODY_BYTES = BoundedRequest.largest_body
"""The most that a request may carry."""

_REALM = 'realm="presence demo"'


def answer_error(request: IRequest, status: HTTPStatus, error: str, description: str) -> bytes:
    """Answer with an error, in the form that OAuth gives to errors."""
    return answer_json(request, status, {"error": error, "error_description": description})


class JsonResource(Place):
    """A place that answers with JSON, and with errors in the form of OAuth."""

    def refuse(self, request: IRequest, status: HTTPStatus, code: str, text: str) -> bytes:
        """Answer with an error."""
        return answer_error(request, status, code, text)


class NotFound(JsonResource):
    """A place where nothing is."""

    def render(self, request: Request) -> bytes | int:
        """Say so, whatever the method."""
        return answer_error(request, HTTPStatus.NOT_FOUND, "not_found", "there is nothing here")


class Directory(NotFound):
    """A place that only has places below it."""

    def __init__(self, **children: Resource) -> None:
        super().__init__()
        for name, child in children.items():
            self.putChild(name.encode(), child)


class TokenResource(JsonResource):
    """``POST /oauth/token``."""

    allowedMethods = (b"POST",)

    def __init__(self, accounts: Accounts) -> None:
        super().__init__()
        self._accounts = accounts

    def render_POST(self, request: Request) -> bytes:
        """Grant a token."""
        body = request.content.read()  # type: ignore[union-attr]  # a request that arrived has one
        if len(body) > LARGEST_BODY_BYTES:
            return answer_error(
                request,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                OAuthError.INVALID_REQUEST,
                f"the body is larger than {LARGEST_BODY_BYTES} bytes",
            )
        try:
            grant = self._accounts.grant(_read_token_request(request.getHeader("content-type"), body))
        except NotGranted as refusal:
            return self._refuse(request, refusal)
        request.setHeader("Pragma", "no-cache")
        return answer_json(request, HTTPStatus.OK, grant)

    def _refuse(self, request: Request, refusal: NotGranted) -> bytes:
        status = HTTPStatus.BAD_REQUEST
        if refusal.error is OAuthError.INVALID_CLIENT:
            status = HTTPStatus.UNAUTHORIZED
            if request.getHeader("authorization") is not None:
                # Only then: to this header a browser opens its own password window.
                request.setHeader("WWW-Authenticate", f"Basic {_REALM}")
        return answer_error(request, status, refusal.error, refusal.description)


def _read_token_request(content_type: str | None, body: bytes) -> TokenRequest:
    """Read a body by the media type it claims; a charset beside it changes nothing."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    try:
        if media_type == "application/json":
            return msgspec.json.decode(body, type=TokenRequest)
        if media_type == "application/x-www-form-urlencoded":
            return msgspec.convert(_read_form(body), TokenRequest)
    except (ValueError, RecursionError) as problem:
        raise NotGranted(OAuthError.INVALID_REQUEST, f"cannot read the body: {problem}") from None
    raise NotGranted(OAuthError.INVALID_REQUEST, "send application/json or application/x-www-form-urlencoded")


def _read_form(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=100)
    form = dict(pairs)
    if len(form) < len(pairs):
        raise ValueError("a parameter comes twice")
    return form


class MeResource(JsonResource):
    """``GET /users/me``."""

    def __init__(self, accounts: Accounts, faults: Faults, clock: IReactorTime) -> None:
        super().__init__()
        self._accounts = accounts
        self._faults = faults
        self._clock = clock

    def render_GET(self, request: Request) -> int:
        """Say whose the token is; sooner, later or never."""
        later = self._clock.callLater(self._faults.delay_seconds, self._respond, request)

        def give_up(_: Failure) -> None:
            if later.active():
                later.cancel()

        request.notifyFinish().addErrback(give_up)
        return NOT_DONE_YET

    def _respond(self, request: Request) -> None:
        respond(request, self._decide(request), self._faults, self._clock)

    def _decide(self, request: Request) -> bytes:
        scheme, _, token = (request.getHeader("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            request.setHeader("WWW-Authenticate", f"Bearer {_REALM}")
            return answer_error(
                request, HTTPStatus.UNAUTHORIZED, "unauthorized", "an access token is missing"
            )
        account = self._accounts.account_of(token.strip())
        if account is None:
            return answer_error(
                request, HTTPStatus.FORBIDDEN, "invalid_token", "the access token is unknown or expired"
            )
        if self._faults.fault is Fault.WRONG_ID:
            account = attrs.evolve(account, id=account.id + 1)
        return answer_json(request, HTTPStatus.OK, describe(account))


def describe(account: Account) -> dict[str, object]:
    """Return what the API tells about an account."""
    return attrs.asdict(account)
