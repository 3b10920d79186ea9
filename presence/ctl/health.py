"""``presencectl health``."""

from __future__ import annotations

from http import HTTPStatus

from presence.ctl.command import Failed, Shell
from presence.ctl.operations import DEFAULT_URL, OpsCommand


class Health(OpsCommand):
    """Ask whether new clients are welcome."""

    synopsis = "health [URL] [options]"
    longdesc = (
        "Asks the operations endpoint whether the daemon is ready for clients, without a key. Exits with 0 "
        f"if it is, and else with 1 and a line of reasons. URL is {DEFAULT_URL} unless you give another."
    )
    examples = ("health http://127.0.0.1:9000/", "health")

    def parseArgs(self, url: str = DEFAULT_URL) -> None:
        """Take the address."""
        self.set_url(url)

    async def run(self, shell: Shell) -> None:
        """Ask."""
        status, body = await self.ask_ops(shell, "GET", "/ready")
        match body:
            case {"ready": True} if status == HTTPStatus.OK:
                shell.say("ready")
            case {"ready": False, "reasons": dict(reasons)}:
                raise Failed(f"not ready: {'; '.join(map(str, reasons.values()))}")
            case _:
                raise Failed(f"{self['url']} answered {status}, and not whether it is ready")
