"""The door of the HTTP API: what is read of a request, and how it is refused."""

from __future__ import annotations

from http import HTTPStatus
from math import ceil
from typing import TypeVar
from urllib.parse import parse_qs

from msgspec import UNSET, UnsetType
from msgspec.json import Decoder
from twisted.web.iweb import IRequest
from twisted.web.server import Request

from presence.host.serving import BoundedRequest
from presence.ops.places import OpsPlace, answer_problem
from presence.wire.codec import decode_object
from presence.wire.errors import ErrorCode, Refused

T = TypeVar("T")

_STATUSES = {
    ErrorCode.BAD_JSON: HTTPStatus.BAD_REQUEST,
    ErrorCode.BAD_MESSAGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
}
"""The status of what the parts of the daemon refuse; whatever else they do passes by itself."""


class Trouble(Exception):  # noqa: N818 - an answer to a request, not a fault of the program
    """
    A request was refused, and nothing changed.

    :param code: Stable, for programs.
    :param detail: For people.
    :param path: The place in the body, or the parameter, that is wrong.
    :param after_seconds: When to try again, where that helps.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        path: str | UnsetType = UNSET,
        after_seconds: float | UnsetType = UNSET,
    ) -> None:
        super().__init__(status, code)
        self._problem = status, code, detail, path
        self._after_seconds = after_seconds

    @classmethod
    def of(cls, refusal: Refused) -> Trouble:
        """Return what a refusal of the parts of the daemon is in HTTP."""
        status = _STATUSES.get(refusal.code, HTTPStatus.SERVICE_UNAVAILABLE)
        return cls(status, refusal.code, refusal.text, path=refusal.path, after_seconds=refusal.after)

    def answer(self, request: IRequest) -> bytes:
        """Answer with the problem."""
        if not isinstance(self._after_seconds, UnsetType):
            request.setHeader("Retry-After", str(max(1, ceil(self._after_seconds))))
        return answer_problem(request, *self._problem)


class ApiPlace(OpsPlace):
    """A place of the HTTP API, whose methods may raise :class:`Trouble` and ``Refused``."""

    def render(self, request: Request) -> bytes | int:
        """Answer."""
        try:
            return super().render(request)
        except Trouble as trouble:
            return trouble.answer(request)
        except Refused as refusal:
            return Trouble.of(refusal).answer(request)


def read_object(request: BoundedRequest, decoder: Decoder[T], most_bytes: int) -> T:
    """
    Read the body of a request.

    :raises Trouble: Where it is too large, or says of itself that it is no JSON.
    :raises BadMessage: Where it is no JSON, or none of the kind.
    """
    media_type = (request.getHeader("content-type") or "application/json").partition(";")[0]
    if media_type.strip().lower() != "application/json":
        text = "send application/json"
        raise Trouble(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text)
    body = request.read_body()
    if body is None or len(body) > most_bytes:
        text = f"the body is larger than {most_bytes} bytes"
        raise Trouble(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", text)
    return decode_object(body, decoder)


def read_parameters(request: Request, *names: str) -> dict[str, str]:
    """
    Read the query of a request.

    :param names: The parameters that there are.
    :raises Trouble: Where there is another one, or one more than once.
    """
    found = {}
    # Twisted's request.args has the fields of a form in the body too.
    query = request.uri.decode("latin-1").partition("?")[2]
    for name, values in parse_qs(query, keep_blank_values=True).items():
        if name not in names or len(values) > 1:
            raise bad_parameter(
                name, f"give each of {', '.join(names)} once at most" if names else "give none"
            )
        found[name] = values[0]
    return found


def bad_parameter(name: str, text: str) -> Trouble:
    """Return what is wrong with a parameter."""
    return Trouble(HTTPStatus.UNPROCESSABLE_ENTITY, ErrorCode.BAD_MESSAGE, text, path=name)
