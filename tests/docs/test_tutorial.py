"""The tutorial, gone through from its first line to its last."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.browser.webdriver import start_browser, start_chromedriver
from tests.canary import keep
from tests.docs.pages import DOCS, ROOT, pages, shell_commands
from tests.real.account_api import CLIENT, USER
from tests.real.processes import Running, new_path, reserve_port, spawn

TUTORIAL = pages()["docs/tutorial.rst"]

SHIPPED = ("presence", "twisted", "setup.py", "pyproject.toml", "MANIFEST.in", "README.rst", "LICENSE")

STAYS = {"twistd": "WebSocket: ", "presencectl watch": "(?m)^online: "}
"""The commands that run until they are ended, with what they print once they work."""


def copy_checkout(place: Path) -> None:
    """Copy what is installed to a directory, where the tutorial leaves what it makes."""
    place.mkdir()
    for name in SHIPPED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, place / name)


class TutorialTests(TestCase):
    timeout = 240

    def setUp(self) -> None:
        """Take ports that are nobody's in place of the default ones."""
        self.place = new_path(self)
        self.port, self.api_port = reserve_port(self), reserve_port(self)

    def elsewhere(self, command: str) -> str:
        """Return a command with our ports, where the tutorial has the default ones or leaves them out."""
        if "--demo" in command:
            endpoint, site = (f"tcp:{port}:interface=127.0.0.1" for port in (self.port, self.api_port))
            return f"{command} -e {endpoint} --demo-endpoint {site} --log-level=debug"
        if "presencectl" in command:
            return f"{command} --api http://127.0.0.1:{self.api_port}".replace(":8080", f":{self.port}")
        return command

    async def run_command(self, command: str, **environment: str) -> Running:
        """Let the shell run a command, until it has ended or says that it works."""
        signs = [sign for part, sign in STAYS.items() if part in command]
        line = f"cd {self.place} && {'exec ' if signs else ''}{self.elsewhere(command)}"
        process = spawn(self, "/bin/sh", "-c", line, environment=environment)
        if signs:
            await process.prints(signs[0])
        else:
            self.assertEqual(await process.ended, 0, process.printed)
        return process

    async def test_every_command(self) -> None:
        """All commands work one after the other, and the last one writes to a page that nobody opened."""
        copy_checkout(self.place)
        commands = shell_commands(TUTORIAL)
        for command in commands:
            process = await self.run_command(command, PYTHONPATH="")
        self.assertEqual((len(commands), process.printed), (7, "0 sockets took it\n"))

    async def test_page(self) -> None:
        """The page shows the list and the message, with the tutorial's commands around it."""
        browser = await start_browser(self, await start_chromedriver(self))
        self.place.mkdir()
        (self.place / ".venv").symlink_to(sys.prefix)
        demo, token, _, print_token, send = shell_commands(TUTORIAL)[2:]
        await self.run_command(demo)
        await self.run_command(token)
        page = (DOCS / "examples" / "page.html").read_text(encoding="utf-8")
        (self.place / "page.html").write_text(page.replace(":8080", f":{self.port}"), encoding="utf-8")
        await browser.visit((self.place / "page.html").as_uri())
        printed = (await self.run_command(print_token)).printed
        await browser.type("[name=token]", keep(printed.strip()))
        await browser.click("button")
        await browser.until(f"/\\b{USER.id}\\b/.test(document.querySelector('#online').value)")
        self.assertEqual((await self.run_command(send)).printed, "1 socket took it\n")
        await browser.until(f"document.querySelector('li')?.textContent === '{CLIENT.id} writes hi'")
        self.assertEqual(await browser.complaints(), [])
