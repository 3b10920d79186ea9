"""Commands that talk to the operations endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from twisted.python import usage

from presence.ctl.command import CA, Failed, Shell, Verb, http_url

DEFAULT_URL = "http://127.0.0.1:8081/"

_ENDPOINT = "the operations endpoint"


class OpsCommand(Verb):
    """A command that asks the operations endpoint."""

    optParameters: ClassVar = [CA]

    def set_url(self, text: str = DEFAULT_URL) -> None:
        """Take the address of the endpoint."""
        try:
            self["url"] = http_url(text, f"of {_ENDPOINT}; {DEFAULT_URL}")
        except ValueError as problem:
            raise usage.UsageError(str(problem)) from None

    async def ask_ops(self, shell: Shell, method: str, path: str, **options: Any) -> tuple[int, Any]:  # noqa: ANN401 - treq's options and any JSON
        """Return the status and the body of an answer."""
        return await self.ask(shell, method, self["url"], path, _ENDPOINT, **options)


class KeyCommand(OpsCommand):
    """A command that needs the key of the HTTP API."""

    optParameters: ClassVar = [
        ["key-file", "k", None, "File with the key; - is stdin. [default: PRESENCE_OPS_KEY]"],
        CA,
    ]

    def take_url(self, words: Sequence[str]) -> Sequence[str]:
        """Take the address from the end of the arguments, if it is there, and return the rest."""
        if words and "://" in words[-1]:
            self.set_url(words[-1])
            return words[:-1]
        self.set_url()
        return words

    async def ask_with_key(self, shell: Shell, method: str, path: str) -> Any:  # noqa: ANN401 - any JSON
        """
        Return the body of a good answer.

        :raises Failed: With what a problem says.
        """
        bearer = {"Authorization": f"Bearer {self._key(shell)}"}
        status, body = await self.ask_ops(shell, method, f"/api/v1/{path}", headers=bearer)
        match body:
            case {"detail": str(detail)} if status != HTTPStatus.OK:
                raise Failed(f"{self['url']} answered {status}: {detail}")
            case dict() if status == HTTPStatus.OK:
                return body
            case _:
                raise Failed(f"{self['url']} answered {status}; is this {_ENDPOINT}?")

    def _key(self, shell: Shell) -> str:
        key = shell.read_secret(self["key-file"], "PRESENCE_OPS_KEY")
        if not (key and key.isascii() and key.isprintable()):
            raise usage.UsageError("no key that can be one; give --key-file or set PRESENCE_OPS_KEY")
        return key
