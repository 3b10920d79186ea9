"""What a web site of ours needs beyond Twisted's: bounds, and answers to every request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from importlib.resources.abc import Traversable
from io import BytesIO
from ipaddress import ip_address
from pathlib import PurePath
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
from twisted.web.http import Request as HttpRequest
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site


class _BoundedBody(BytesIO):
    """The body of a request; of one that is too large just enough is kept to know it."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most_bytes = most_bytes

    def write(self, data: Any) -> int:  # noqa: ANN401 - BytesIO takes any buffer
        room = self._most_bytes + 1 - self.tell()
        return super().write(data[: max(room, 0)])


class BoundedRequest(Request):
    """
    A request whose body takes a bounded part of memory, whatever is sent.

    :cvar largest_body: The most bytes that a request may carry.
    """

    largest_body = 8192

    def gotLength(self, length: int | None) -> None:  # noqa: ARG002 - what is promised binds nobody
        """Provide the place of the body."""
        self.content = _BoundedBody(self.largest_body)

    def read_body(self) -> bytes | None:
        """Return the body; None where it is too large."""
        body: bytes = self.content.read()  # type: ignore[union-attr]  # a request that arrived has one
        return body if len(body) <= self.largest_body else None

    def finish(self) -> None:
        """End, in a turn of its own: a thousand more may follow that came in the same read."""
        self.site.reactor.callLater(0, self._finish)  # type: ignore[union-attr]  # one that was asked has one

    def _finish(self) -> None:
        if self.channel is not None:  # else the client is gone meanwhile
            super().finish()


class QuietSite(Site):
    """A web site without an access log, which would drown everything else."""

    noisy = False
    requestFactory = BoundedRequest

    def log(self, request: HttpRequest) -> None:
        """Write nothing."""


class Place(Resource):
    """
    A place that says no in words of its own, also to a wrong method and below itself.

    :cvar refuse: Answers a request with a status, a stable code, and a text for people.
    """

    allowedMethods: Sequence[bytes] = (b"GET", b"HEAD")

    refuse: ClassVar[Callable[[Any, IRequest, HTTPStatus, str, str], bytes]]

    def getChild(self, path: bytes, request: Request) -> Resource:  # noqa: ARG002 - Twisted passes both
        """Find nothing."""
        return _Nothing(self)

    def render(self, request: Request) -> bytes | int:
        """Answer, or refuse the method."""
        if request.method in self.allowedMethods:
            return super().render(request)  # type: ignore[no-any-return]  # untyped in Twisted
        allowed = b", ".join(self.allowedMethods).decode()
        request.setHeader("Allow", allowed)
        return self.refuse(
            request, HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", f"try one of {allowed}"
        )


class _Nothing(Resource):
    isLeaf = True

    def __init__(self, parent: Place) -> None:
        super().__init__()
        self._parent = parent

    def render(self, request: Request) -> bytes:
        return self._parent.refuse(request, HTTPStatus.NOT_FOUND, "not_found", "there is nothing here")


_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(Place):
    """A file of a page, read once."""

    def __init__(self, file: Traversable) -> None:
        super().__init__()
        self._content_type = _CONTENT_TYPES.get(PurePath(file.name).suffix, "application/octet-stream")
        self._content = file.read_bytes()

    def render_GET(self, request: Request) -> bytes:
        """Give it; whoever has kept it asks again."""
        request.setHeader("Cache-Control", "no-cache")
        return answer(request, HTTPStatus.OK, self._content_type, self._content)


def add_page(root: Resource, directory: Traversable, make_asset: Callable[[Traversable], Asset]) -> None:
    """Add the files of a page to the top of a site; ``index.html`` has its empty path too."""
    for file in directory.iterdir():
        root.putChild(file.name.encode(), make_asset(file))
    root.putChild(b"", root.children[b"index.html"])


def answer(request: IRequest, status: HTTPStatus, content_type: str, body: bytes) -> bytes:
    """Set the head of a response and return its body, which a HEAD request goes without."""
    request.setResponseCode(status, status.phrase.encode())
    request.setHeader("Content-Type", content_type)
    request.setHeader("Content-Length", str(len(body)))
    return b"" if request.method == b"HEAD" else body


def answer_json(
    request: IRequest, status: HTTPStatus, body: object, content_type: str = "application/json"
) -> bytes:
    """Answer with JSON that no cache keeps."""
    request.setHeader("Cache-Control", "no-store")
    return answer(request, status, content_type, msgspec.json.encode(body))


def host_name(header: str) -> str:
    """Return the name in a ``Host`` header, without a port; nothing where there is none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def is_address(name: str) -> bool:
    """Return whether the name of a host is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
