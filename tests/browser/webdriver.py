"""
Chromium by the W3C WebDriver protocol, which chromedriver speaks over HTTP.

What is waited for is waited for inside the page: it says so as soon as it has changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import treq
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, TestCase

from tests.real.processes import new_path, spawn

CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")

WAIT_MILLISECONDS = 15_000

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)

_UNTIL = """
const done = arguments[arguments.length - 1];
const holds = () => %s;
if (holds()) {
  done();
} else {
  const observer = new MutationObserver(() => {
    if (!holds()) return;
    observer.disconnect();
    done();
  });
  observer.observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
}
"""

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key of an element's reference, which the standard fixed."""


class WebDriverError(Exception):
    """The browser could not do what it was told."""


@attrs.frozen
class Browser:
    """
    A browser with a profile of its own.

    :ivar url: Of its session at chromedriver.
    """

    url: str

    async def visit(self, url: str) -> None:
        """Open a page."""
        await _ask("POST", f"{self.url}/url", url=url)

    async def until(self, expression: str) -> None:
        """Wait until an expression of JavaScript is true, as the page changes."""
        await _ask("POST", f"{self.url}/execute/async", script=_UNTIL % expression, args=[])

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - whatever it is
        """Return the value of an expression of JavaScript."""
        return await _ask("POST", f"{self.url}/execute/sync", script=f"return {expression}", args=[])

    async def click(self, selector: str) -> None:
        """Click on the first element that a CSS selector finds."""
        await _ask("POST", f"{await self._find(selector)}/click")

    async def type(self, selector: str, text: str) -> None:
        """Type into an element."""
        await _ask("POST", f"{await self._find(selector)}/value", text=text)

    async def complaints(self) -> list[str]:
        """Return what the browser's console says since it was last asked."""
        return [entry["message"] for entry in await _ask("POST", f"{self.url}/se/log", type="browser")]

    async def close(self) -> None:
        """Close the window."""
        await _ask("DELETE", f"{self.url}/window")

    async def _find(self, selector: str) -> str:
        found = await _ask("POST", f"{self.url}/element", using="css selector", value=selector)
        return f"{self.url}/element/{found[_ELEMENT]}"


async def start_chromedriver(test: TestCase) -> str:
    """
    Start chromedriver for a test, and return its address; after the test it closes all its browsers.

    :raises SkipTest: Where there is no Chromium.
    """
    for program in (CHROMIUM, CHROMEDRIVER):
        if not program.exists():
            raise SkipTest(f"there is no {program}")
    driver = spawn(test, CHROMEDRIVER, "--port=0", environment={"HOME": str(new_path(test))})
    port = (await driver.prints(r"started successfully on port (\d+)"))[1]
    url = f"http://127.0.0.1:{port}"

    async def shut_down() -> None:
        await _ask("GET", f"{url}/shutdown")
        await driver.ended

    test.addCleanup(lambda: Deferred.fromCoroutine(shut_down()))
    return url


async def start_browser(test: TestCase, chromedriver: str) -> Browser:
    """Start a browser with an empty profile, which takes every certificate."""
    capabilities = {
        "browserName": "chrome",
        "acceptInsecureCerts": True,
        "timeouts": {"script": WAIT_MILLISECONDS, "pageLoad": WAIT_MILLISECONDS},
        "goog:chromeOptions": {
            "binary": str(CHROMIUM),
            "args": [*_FLAGS, f"--user-data-dir={new_path(test)}"],
        },
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    session = await _ask("POST", f"{chromedriver}/session", capabilities={"alwaysMatch": capabilities})
    return Browser(f"{chromedriver}/session/{session['sessionId']}")


async def _ask(method: str, url: str, /, **parameters: object) -> Any:  # noqa: ANN401 - any JSON
    if method == "POST":
        response = await treq.post(url, json=parameters, persistent=False)
    else:
        response = await treq.request(method, url, persistent=False)
    value = (await response.json())["value"]
    if response.code != 200:
        raise WebDriverError(f"{value['error']}: {value['message']}")
    return value
