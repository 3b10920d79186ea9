"""Two browsers on the demo page see each other come, write and go."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from tests.browser.webdriver import Browser, start_browser, start_chromedriver
from tests.real.account_api import CLIENT, USER
from tests.real.certificates import Authority
from tests.real.processes import PRESENCE, TWISTD, spawn

TCP = "tcp:0:interface=127.0.0.1"
OFFLINE_DELAY = "0.5"


def panel(user_id: int, selector: str) -> str:
    """Return the CSS selector of something in the panel of an account."""
    return f"#panel-{user_id} {selector}"


def shows(user_id: int, selector: str) -> str:
    """Return the expression of whether the panel of an account has something."""
    return f"document.querySelector(`{panel(user_id, selector)}`) !== null"


def lists(user_id: int, other: int) -> str:
    """Return the expression of whether the panel of an account shows another as online."""
    return shows(user_id, f'.people li[data-id="{other}"]:not(.left)')


class DemoPageTests(TestCase):
    timeout = 40

    async def open(self, count: int, endpoint: str = TCP) -> list[Browser]:
        """Return some browsers, each with the page of a demo that listens there."""
        chromedriver = await start_chromedriver(self)
        options = ("--demo", "--demo-visitors=2", "--demo-endpoint", TCP, "-e", endpoint)
        demo = self.demo = spawn(self, *TWISTD, *PRESENCE, *options, "--offline-delay", OFFLINE_DELAY)
        page = (await demo.prints(r"demo page: +(\S+)"))[1]
        browsers = [await start_browser(self, chromedriver) for _ in range(count)]
        for browser in browsers:
            await browser.visit(page)
            await browser.until(shows(USER.id, ".login"))
        return browsers

    async def log_in(self, browser: Browser, user_id: int) -> None:
        """Log in in the panel of an account."""
        await browser.click(panel(user_id, ".login"))
        await browser.until(lists(user_id, user_id))

    async def test_come_write_and_go(self) -> None:
        """Each sees the other come, what the other writes, and the other log out."""
        user, client = await self.open(2)
        await self.log_in(user, USER.id)
        await self.log_in(client, CLIENT.id)
        await user.until(lists(USER.id, CLIENT.id))
        await client.until(lists(CLIENT.id, USER.id))

        await user.type(panel(USER.id, ".send input"), "grüß dich")
        await user.click(panel(USER.id, f'.targets button[value="{CLIENT.id}"]'))
        heard = f"document.querySelector('{panel(CLIENT.id, '.bubbles')}').textContent"
        await client.until(f"{heard}.includes('grüß dich')")
        self.assertEqual(await client.evaluate(heard), "from Usergrüß dich")

        await client.click(panel(CLIENT.id, ".logout"))
        await user.until(f"!({lists(USER.id, CLIENT.id)})")
        for browser in (user, client):
            self.assertEqual(await browser.complaints(), [])

    async def test_closed_window(self) -> None:
        """Who closes the window goes, a little later."""
        user, client = await self.open(2)
        await self.log_in(user, USER.id)
        await self.log_in(client, CLIENT.id)
        await user.until(lists(USER.id, CLIENT.id))
        await client.close()
        await user.until(f"!({lists(USER.id, CLIENT.id)})")

    async def test_log_out_of_a_hung_daemon(self) -> None:
        """Who logs out is out, also when the daemon does not answer any more."""
        (user,) = await self.open(1)
        await self.log_in(user, USER.id)
        self.demo.signal("STOP")
        await user.click(panel(USER.id, ".logout"))
        await user.until(f"document.querySelector('#panel-{USER.id}').dataset.state === 'offline'")

    async def test_wss(self) -> None:
        """A browser gets through to a TLS endpoint; unlike most programs it offers protocols by ALPN."""
        pem = Authority(self).write_pem("127.0.0.1")
        (user,) = await self.open(1, f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1")
        await self.log_in(user, USER.id)

    async def test_visitors(self) -> None:
        """Somebody comes by alone, so that something moves at once."""
        (user,) = await self.open(1)
        await self.log_in(user, USER.id)
        await user.until(shows(USER.id, ".people li:not(.self)"))
