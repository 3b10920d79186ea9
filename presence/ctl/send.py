"""``presencectl send``."""

from __future__ import annotations

import msgspec
from msgspec import Raw
from twisted.python import usage

from presence.ctl.command import Shell, user_id
from presence.ctl.visit import SocketCommand, Visit


class Send(SocketCommand):
    """Send a message to a user."""

    synopsis = "send URL USERID JSON [options]"
    longdesc = (
        "Sends one message, any JSON value, to every socket of a user, and prints how many sockets took "
        "it; 0 when the user is not online. JSON may be -, for stdin. You are online while it runs."
    )
    examples = (
        """send ws://127.0.0.1:8080/ 2 '{"text": "hi"}' --token-file token""",
        "send wss://presence.example.com/ 2 - --userid 1 --ca authority.pem < message.json",
    )

    def parseArgs(self, url: str, to: str, message: str) -> None:  # type: ignore[override]  # more than others
        """Take the address of the daemon, the addressee and the message."""
        super().parseArgs(url)
        try:
            self["to"] = user_id(to)
        except ValueError as problem:
            raise usage.UsageError(str(problem)) from None
        self["message"] = message

    async def talk(self, shell: Shell) -> None:
        """Send the message and print how many sockets took it."""
        message = self._message(shell)
        userid, token = await self.identity(shell)
        visit = Visit(self, shell)
        try:
            await visit.begin()
            await visit.client.hello(userid, token, broadcast=False, client="presencectl")
            reply = await visit.client.send_message_to_user(self["to"], message)
            await visit.client.goodbye()
        finally:
            await visit.client.stop()
        at_least = "at least " if reply.uncertain is True else ""
        shell.say(f"{at_least}{reply.delivered} socket{'' if reply.delivered == 1 else 's'} took it")

    def _message(self, shell: Shell) -> Raw:
        if self["message"] == "-" and self["token-file"] == "-":
            raise usage.UsageError("stdin cannot be both the token and the message")
        text = shell.stdin.read() if self["message"] == "-" else self["message"]
        try:
            return msgspec.json.decode(text, type=Raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
            raise usage.UsageError(f"the message is not JSON: {problem}; a string needs quotes too") from None
