"""The operator page in a browser, in front of a daemon with clients."""

from __future__ import annotations

import os
import signal

from twisted.trial.unittest import TestCase

from tests.browser.webdriver import Browser, start_browser, start_chromedriver
from tests.canary import secret
from tests.real.account_api import CLIENT, USER, serve_api
from tests.real.processes import TWISTD, Running, new_path, reserve_port, spawn
from tests.real.talker import Talker, talk
from tests.real.test_endpoints import to

KEY = secret("ops-key")
MAIN = "document.querySelector('main')"


def text_of(selector: str) -> str:
    """Return the expression of the text of an element, empty where there is none."""
    return f"(document.querySelector(`{selector}`)?.textContent ?? '')"


def says(selector: str, text: str) -> str:
    """Return the expression of whether an element says something."""
    return f"{text_of(selector)}.includes(`{text}`)"


def value(tile: str) -> str:
    """Return the expression of the number that a tile shows."""
    return f"parseFloat({text_of(f'#tile-{tile} .value')})"


def tells(user_id: int, to_state: str, cause: str) -> str:
    """Return the expression of whether the feed tells of a transition."""
    return says(f'#feed li[data-user="{user_id}"][data-to="{to_state}"] code', cause)


class OpsPageTests(TestCase):
    timeout = 60

    async def open(self) -> Browser:
        """Return a browser with the page of a daemon, which nobody has given the key."""
        self.api = await serve_api(self)
        self.port, self.ops_port = reserve_port(self), reserve_port(self)
        self.key_file = new_path(self)
        self.key_file.write_text(KEY)
        self.daemon = await self.start_daemon()
        self.browser = await start_browser(self, await start_chromedriver(self))
        await self.browser.visit(f"http://127.0.0.1:{self.ops_port}/")
        return self.browser

    async def start_daemon(self) -> Running:
        """Start the daemon, on the same ports each time."""
        daemon = spawn(
            self,
            *(*TWISTD, "presence", "--api-url", self.api.url, "--drain=0", "--settle=0"),
            *("-e", f"tcp:{self.port}:interface=127.0.0.1", "--log-level=debug"),
            *("--ops-endpoint", f"tcp:{self.ops_port}:interface=127.0.0.1"),
            *("--ops-key-file", self.key_file),
        )
        await daemon.prints(f"listening on tcp:{self.port}")
        return daemon

    async def open_with_key(self) -> Browser:
        """Return a browser with the page, which was given the key and follows."""
        browser = await self.open()
        await self.give(KEY)
        await browser.until(says("#following", "live"))
        return browser

    async def give(self, key: str) -> None:
        """Type a key."""
        await self.browser.type("#key", key)
        await self.browser.click("#access button")

    async def come(self, user_id: int = USER.id) -> Talker:
        """Return a client that is online."""
        client = await talk(self, to(self.port))
        await client.hello(user_id, self.api.token(user_id), client="a test")
        return client

    async def test_numbers(self) -> None:
        """The numbers are there for everybody, and move; users are not."""
        browser = await self.open()
        await browser.until(f"{value('connections')} === 0 && {says('#state', 'ready')}")
        client = await self.come()
        await browser.until(f"{value('users')} === 1 && {value('connections')} === 1")
        await client.ask("sendMessageToUser", id=USER.id, message={})
        await browser.until(f"{value('messages')} > 0 && {value('deliveries')} > 0")
        await browser.until(f"{value('lag')} >= 0 && {value('messages')} === 0")
        drawn = "document.querySelector('#tile-users .line').getAttribute('d').split('L').length"
        self.assertGreater(await browser.evaluate(drawn), 1)
        self.assertEqual(await browser.evaluate(f"{MAIN}.checkVisibility()"), False)
        self.assertEqual(await browser.complaints(), [])

    async def test_feed(self) -> None:
        """A coming and a going are told with their causes, those of before the page too."""
        await self.open()
        early = await self.come(CLIENT.id)
        await self.give(KEY)
        await self.browser.until(tells(CLIENT.id, "online", "hello"))
        late = await self.come()
        await self.browser.until(tells(USER.id, "online", "hello"))
        await late.ask("GOODBYE")
        early.transport.abortConnection()
        await self.browser.until(tells(USER.id, "offline", "goodbye"))
        await self.browser.until(tells(CLIENT.id, "offline", "lost"))
        rows = "document.querySelectorAll('#feed li').length"
        self.assertEqual(await self.browser.evaluate(rows), 4)
        self.assertEqual(await self.browser.complaints(), [])

    async def test_search(self) -> None:
        """A user is found with the sockets, and followed; one of the feed is a click away."""
        browser = await self.open_with_key()
        client = await talk(self, to(self.port))
        socket = (await client.hello(USER.id, self.api.token(USER.id), client="a test"))["socket"]
        await browser.type("#user", str(USER.id))
        await browser.click("#search button")
        await browser.until(says(".sockets", socket) + " && " + says(".sockets", "a test"))
        await client.ask("GOODBYE")
        await browser.until(says(".verdict", f"offline user {USER.id}") + " && " + says(".past", "goodbye"))
        await self.come(CLIENT.id)
        await browser.until(tells(CLIENT.id, "online", "hello"))
        await browser.click(f'#feed [data-user="{CLIENT.id}"] button')
        await browser.until(says(".verdict", f"online user {CLIENT.id}"))
        self.assertEqual(await browser.complaints(), [])

    async def test_refusals(self) -> None:
        """A refusal is told by its code and with the address, and so is a close with its reason."""
        browser = await self.open_with_key()
        client = await talk(self, to(self.port))
        await client.hello(USER.id, secret("wrong"))
        await browser.until(says('#codes [data-code="token_rejected"]', "1"))
        self.assertTrue(await browser.evaluate(says("#refusals li", "127.0.0.1")))
        client.sendMessage(b"", isBinary=True)
        await browser.until(says('#codes [data-code="1003"]', "only text frames"))

    async def test_wrong_key(self) -> None:
        """A wrong key is told in a line, also one that no header can carry, and not kept."""
        browser = await self.open()
        for key in ("wrong", "schlüssel ☃"):
            await self.give(secret(key))
            await browser.until(says("#access-note", "does not take this key"))
            await browser.until("document.activeElement.id === 'key'")
        self.assertEqual(await browser.evaluate("sessionStorage.length"), 0)
        self.assertEqual(await browser.evaluate(f"{MAIN}.checkVisibility()"), False)

    async def test_key_stays_in_the_tab(self) -> None:
        """The key outlasts a reload, and is nowhere but in the session of the tab."""
        browser = await self.open_with_key()
        await browser.visit(f"http://127.0.0.1:{self.ops_port}/")
        await browser.until(says("#following", "live"))
        kept = "[document.cookie, localStorage.length, location.pathname + location.search + location.hash]"
        self.assertEqual(await browser.evaluate(kept), ["", 0, "/"])
        asked = "performance.getEntriesByType('resource').map(({ name }) => name).join()"
        self.assertNotIn(KEY, await browser.evaluate(asked))

    async def test_forget(self) -> None:
        """With the key everything goes that it opened."""
        browser = await self.open_with_key()
        await self.come()
        await browser.until(tells(USER.id, "online", "hello"))
        await browser.click("#forget")
        await browser.until(says("#access-note", "forgotten"))
        self.assertEqual(await browser.evaluate("sessionStorage.length"), 0)
        self.assertEqual(await browser.evaluate(text_of("#feed")), "")

    async def test_silence(self) -> None:
        """The page says when the daemon does not answer, and when it does again."""
        browser = await self.open_with_key()
        self.daemon.signal("STOP")
        await browser.until(says("#notice", "does not answer") + " && " + says("#state", "no answer"))
        os.kill(self.daemon.pid, signal.SIGCONT)
        await browser.until("document.querySelector('#notice').hidden && " + says("#state", "ready"))

    async def test_restart(self) -> None:
        """The feed goes on with another process, and says that it is one."""
        browser = await self.open_with_key()
        await self.come()
        await browser.until(tells(USER.id, "online", "hello"))
        self.daemon.signal("TERM")
        await self.daemon.ended
        await self.start_daemon()
        await browser.until(says("#feed .more", "started anew"))
        await self.come(CLIENT.id)
        await browser.until(tells(CLIENT.id, "online", "hello"))

    async def test_hidden(self) -> None:
        """A page that nobody sees asks nothing; once seen, it shows what came meanwhile."""
        browser = await self.open_with_key()
        turn = (
            "[performance.now(),"
            " Object.defineProperty(document, 'hidden', { configurable: true, value: %s }),"
            " document.dispatchEvent(new Event('visibilitychange'))][0]"
        )
        hidden_at = await browser.evaluate(turn % "true")
        client = await self.come()
        await client.ask("GOODBYE")
        seen_at = await browser.evaluate(turn % "false")
        await browser.until(tells(USER.id, "offline", "goodbye"))
        asked = "performance.getEntriesByType('resource').map(({ startTime }) => startTime)"
        self.assertEqual([at for at in await browser.evaluate(asked) if hidden_at < at < seen_at], [])
