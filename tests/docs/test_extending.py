"""The daemon of docs/howto/extending.rst, started as the page says."""

from __future__ import annotations

import os
import shutil
import sysconfig
from time import time

from twisted.trial.unittest import TestCase

from tests.canary import keep, new_token
from tests.docs.examples.signed_tokens import sign
from tests.docs.pages import ROOT, pages, shell_commands
from tests.real.processes import new_path, reserve_port, spawn
from tests.real.talker import talk
from tests.real.test_endpoints import to

PATH = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])

EXAMPLES = ROOT / "tests" / "docs" / "examples"


class ExtendingTests(TestCase):
    timeout = 30

    async def test_daemon(self) -> None:
        """The daemon of the page lets in who has a signed token."""
        place, port, key = new_path(self), reserve_port(self), new_token().encode()
        place.mkdir()
        shutil.copy(EXAMPLES / "signed_tokens.py", place)
        text = (EXAMPLES / "daemon.tac").read_text(encoding="utf-8")
        (place / "daemon.tac").write_text(text.replace(":8080:", f":{port}:"), encoding="utf-8")
        (place / "token-key").write_bytes(key)
        (command,) = (
            line for line in shell_commands(pages()["docs/howto/extending.rst"]) if "twistd" in line
        )
        line = command.replace(" twistd", " exec twistd")  # the shell would not pass a signal on
        daemon = spawn(self, "/bin/sh", "-c", f"cd {place} && {line}", environment={"PATH": PATH})
        await daemon.prints("listening on ")
        client = await talk(self, to(port))
        reply = await client.hello(7, keep(sign(key, 7, int(time()) + 60)))
        self.assertEqual((reply["type"], reply.get("userid")), ("OK", 7))
