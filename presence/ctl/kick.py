"""``presencectl kick``."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from twisted.python import usage

from presence.ctl.command import Shell, user_id
from presence.ctl.operations import DEFAULT_URL, KeyCommand


class Kick(KeyCommand):
    """Close connections."""

    synopsis = "kick {USERID | --socket ID} [URL] [options]"
    longdesc = (
        "Closes all connections of a user with 4410, after which clients stay away, and the user is offline "
        f"at once; or with --socket one connection. URL is {DEFAULT_URL} unless you give another. Nothing "
        "keeps the user from coming back: that is for the account API to do."
    )
    examples = ("kick 7 --key-file key", "kick --socket 5f3a9c --key-file key")
    optParameters: ClassVar = [
        ["socket", "s", None, "The socket to close; who tells its id."],
        *KeyCommand.optParameters,
    ]

    def parseArgs(self, *words: str) -> None:
        """Take the user and the address."""
        match self.take_url(words), self["socket"]:
            case ([user], None):
                try:
                    self["path"] = f"users/{user_id(user)}/connections"
                except ValueError as problem:
                    raise usage.UsageError(str(problem)) from None
            case ([], str(socket)):
                self["path"] = f"sockets/{quote(socket, safe='')}"
            case _:
                raise usage.UsageError("say whom: a user id, or --socket and its id")

    async def run(self, shell: Shell) -> None:
        """Close them, and print how many there were."""
        answer = await self.ask_with_key(shell, "DELETE", self["path"])
        closed = answer.get("closed")
        shell.say(f"{closed} connection{'' if closed == 1 else 's'} closed")
