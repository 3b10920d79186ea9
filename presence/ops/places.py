"""The places of the operations endpoint: what they have in common."""

from __future__ import annotations

from hmac import compare_digest
from http import HTTPStatus

import attrs
from msgspec import UNSET, UnsetType
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import Request

from presence.host.serving import Place, answer_json
from presence.ops.bodies import ProblemBody

PROBLEM = "application/problem+json"
"""The media type of an error (:rfc:`9457`)."""


@attrs.define
class Access:
    """
    Who may ask; to be changed at any time.

    :ivar key: What the platform shows as its bearer token; None for nobody.
    :ivar hosts: Names that the endpoint is known by, beside ``localhost`` and IP addresses.
    """

    key: str | None = None
    hosts: frozenset[str] = frozenset()


def answer_problem(
    request: IRequest, status: HTTPStatus, code: str, detail: str, path: str | UnsetType = UNSET
) -> bytes:
    """
    Answer with an error, in the form of :rfc:`9457`.

    :param code: Stable, for programs.
    :param detail: For people.
    :param path: The place that is wrong, where that is known.
    """
    problem = ProblemBody(
        kind="about:blank", title=status.phrase, status=status, code=code, detail=detail, path=path
    )
    return answer_json(request, status, problem, PROBLEM)


class OpsPlace(Place):
    """A place of the operations endpoint."""

    def refuse(self, request: IRequest, status: HTTPStatus, code: str, text: str) -> bytes:
        """Answer with an error."""
        return answer_problem(request, status, code, text)


class Directory(OpsPlace):
    """A place that only has places below it."""

    def render(self, request: Request) -> bytes:
        """Say so, whatever the method."""
        return self.refuse(request, HTTPStatus.NOT_FOUND, "not_found", "there is nothing here")


class Problem(OpsPlace):
    """A place that only says what is wrong, whatever is asked there."""

    isLeaf = True

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__()
        self._problem = status, code, detail

    def render(self, request: Request) -> bytes:
        """Say it."""
        return answer_problem(request, *self._problem)


class Guarded(Directory):
    """The places for those who have the key."""

    def __init__(self, access: Access) -> None:
        super().__init__()
        self._access = access

    def getChildWithDefault(self, path: bytes, request: Request) -> Resource:
        """Let those through who show the key."""
        key = self._access.key
        if key is None:
            text = "this daemon has no key for its HTTP API; start it with --ops-key-file"
            return Problem(HTTPStatus.FORBIDDEN, "no_key", text)
        scheme, _, shown = (request.getHeader(b"authorization") or b"").partition(b" ")
        if scheme.lower() != b"bearer" or not compare_digest(shown.strip(), key.encode()):
            request.setHeader("WWW-Authenticate", 'Bearer realm="presence"')
            return Problem(HTTPStatus.UNAUTHORIZED, "unauthorized", "show the key as a bearer token")
        return super().getChildWithDefault(path, request)  # type: ignore[no-any-return]  # untyped in Twisted
