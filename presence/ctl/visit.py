"""Commands that talk to the daemon."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from random import random
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, DeferredQueue, TimeoutError  # noqa: A004 - Twisted's name
from twisted.python import usage

from presence.client import ConnectionEnded, NotConnected, PresenceClient
from presence.ctl.command import API, CA, Failed, Shell, Verb, user_id, with_remedy

EVENT_SECONDS = 15.0


class SocketCommand(Verb):
    """A command that talks to the daemon."""

    optParameters: ClassVar = [
        [
            "userid",
            "u",
            None,
            "The user id; without it, the account API is asked whose the token is.",
            user_id,
        ],
        ["token-file", "t", None, "File with the access token; - is stdin. [default: PRESENCE_TOKEN]"],
        API,
        CA,
    ]

    def parseArgs(self, url: str) -> None:  # type: ignore[override]  # Twisted calls it with what there is
        """Take the address of the daemon."""
        self["url"] = url

    async def run(self, shell: Shell) -> None:
        """Do the job, and tell if it is the connection that kept it from that."""
        try:
            await self.talk(shell)
        except (ConnectionEnded, NotConnected) as problem:
            raise Failed(str(problem)) from None

    async def talk(self, shell: Shell) -> None:
        """Do the job; each command has its own."""

    async def identity(self, shell: Shell) -> tuple[int, str]:
        """Return the user id and the access token."""
        token = self._token(shell)
        if self["userid"] is not None:
            return self["userid"], token
        bearer = {"Authorization": f"Bearer {token}"}
        status, body = await self.ask_api(shell, "GET", "/users/me", headers=bearer)
        match body:
            case {"id": found} | {"data": {"id": found}} if (
                status == HTTPStatus.OK and str(found).isdecimal()
            ):
                return int(found), token
            case _:
                raise Failed(
                    f"{self['api']} answered {status} and no user id; give --userid or another token"
                )

    def _token(self, shell: Shell) -> str:
        token = shell.read_secret(self["token-file"], "PRESENCE_TOKEN")
        if not token:
            raise usage.UsageError("no access token; give --token-file or set PRESENCE_TOKEN")
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise usage.UsageError("an access token has visible ASCII characters only")
        return token

    def make_client(self, shell: Shell, **listeners: Any) -> PresenceClient:  # noqa: ANN401 - as PresenceClient has them
        """Return a client of the daemon."""
        try:
            return PresenceClient(
                self["url"], **listeners, trust_root=self.trust_root(), random=random, reactor=shell.reactor
            )
        except ValueError as problem:
            raise usage.UsageError(f"{problem}; an address looks like ws://127.0.0.1:8080/") from None


class Visit:
    """What happens to a client, in a queue: connections (None), events, and ends (``ConnectionEnded``)."""

    def __init__(self, command: SocketCommand, shell: Shell, **listeners: Any) -> None:  # noqa: ANN401 - as PresenceClient has them
        self._shell = shell
        self._happenings: DeferredQueue[Any] = DeferredQueue()
        self.client = command.make_client(
            shell,
            on_connected=lambda: self._happenings.put(None),
            on_event=self._happenings.put,
            on_disconnected=lambda code, reason: self._happenings.put(ConnectionEnded(code, reason)),
            **listeners,
        )

    async def begin(self) -> None:
        """Connect, at the first attempt or not at all."""
        self.client.start()
        try:
            await self.wait_for("the connection", lambda happening: happening is None)
        except ConnectionEnded as ended:
            raise Failed(f"cannot connect to {self.client.url}: {with_remedy(ended.reason)}") from None

    async def next(self) -> Any:  # noqa: ANN401 - whatever happens
        """
        Return what happens next.

        :raises ConnectionEnded: Where that is an end.
        """
        happening = await self._happenings.get()
        if isinstance(happening, ConnectionEnded):
            raise happening
        return happening

    async def wait_for(self, what: str, wanted: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - whatever happens
        """
        Return the first that is wanted of what happens.

        :raises Failed: When it does not come in time.
        :raises ConnectionEnded: When the connection ends first.
        """

        async def search() -> Any:  # noqa: ANN401 - whatever happens
            while True:
                if wanted(happening := await self.next()):
                    return happening

        try:
            return await Deferred.fromCoroutine(search()).addTimeout(EVENT_SECONDS, self._shell.reactor)
        except TimeoutError:
            raise Failed(f"waited {EVENT_SECONDS:g} s for {what}") from None
