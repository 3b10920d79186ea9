"""``presencectl token``."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from twisted.python import usage

from presence.ctl.command import API, CA, Command, Failed, Shell


class Token(Command):
    """Get an access token."""

    synopsis = "token --user NAME [options]"
    longdesc = (
        "Gets an access token from the account API, by a password grant, and prints it on stdout and "
        "nothing else. The password is asked for, unless --password-stdin or the environment variable "
        "PRESENCE_PASSWORD gives it; it is never an argument, because other users can read those."
    )
    examples = (
        "token --user user@volunteer-vision.com",
        "token --user user@volunteer-vision.com --password-stdin < password > token",
        "token --user me@example.com --api https://api.example.com --client-id 7 --client-secret abc",
    )
    optParameters: ClassVar = [
        API,
        ["user", "u", None, "The user name at the account API; required."],
        ["client-id", None, "1", "The OAuth client."],
        ["client-secret", None, "non-secret", "Its secret, which is none for a public client."],
        CA,
    ]
    optFlags: ClassVar = [["password-stdin", None, "Read the password from the first line of stdin."]]

    def postOptions(self) -> None:
        """Check what is required."""
        if self["user"] is None:
            raise usage.UsageError("say whose token, by --user")

    async def run(self, shell: Shell) -> None:
        """Print a token."""
        grant = {
            "grant_type": "password",
            "client_id": self["client-id"],
            "client_secret": self["client-secret"],
            "username": self["user"],
            "password": self._password(shell),
        }
        status, body = await self.ask_api(shell, "POST", "/oauth/token", json=grant)
        match body:
            case {"access_token": str(token)} if status == HTTPStatus.OK:
                shell.say(token)
            case {"error": str(error)}:
                raise Failed(f"no token: {error}; {body.get('error_description', f'status {status}')}")
            case _:
                raise Failed(f"no token: {self['api']} answered {status} without one")

    def _password(self, shell: Shell) -> str:
        if self["password-stdin"]:
            return shell.stdin.readline().rstrip("\r\n")
        if "PRESENCE_PASSWORD" in shell.environ:
            return shell.environ["PRESENCE_PASSWORD"]
        try:
            return shell.ask_password(f"Password of {self['user']}: ")
        except EOFError:
            raise Failed("no password was given") from None
