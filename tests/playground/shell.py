"""What tests of the page begin with: a browser, a stage, and pages that may neither complain nor ask elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Error, Locator, Page, async_playwright, expect

from tests.playground.chromium import CHROMIUM
from tests.playground.conftest import without_proxies
from tests.playground.stage import Stage, stage

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        reason = f"there is no Chromium at {CHROMIUM}; AEGIS_TEST_CHROMIUM says where it is"
        if os.environ.get("AEGIS_TEST_LIVE") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def one(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    without_proxies(monkeypatch)
    async with stage() as running:
        yield running


class Watch:
    """Opens pages, and afterwards tells what no page may do: complain, or ask another host for something."""

    def __init__(self, browser: Browser, one: Stage) -> None:
        self.browser = browser
        self.one = one
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        # Chromium gives up a request when any network interface of the machine comes or goes, as with containers.
        self.forgiven = re.compile("ERR_NETWORK_CHANGED")

    async def open(self, viewport: dict[str, int] = WIDE, *, newcomer: bool = False, **more: object) -> Page:
        """Open the page; for a newcomer, who opened no thread so far, the first card opens its thread by itself."""
        context = await self.browser.new_context(viewport=viewport, **more)  # type: ignore[arg-type]
        if not newcomer:
            await context.add_init_script("sessionStorage.setItem('aegis-thread-opened', '1')")
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda line: self._hear(line.type, line.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))
        page.on("request", lambda request: self._ask(request.url))
        page.on("websocket", lambda socket: self._ask(socket.url.replace("ws://", "http://")))
        await self._until_there(page, lambda: page.goto(self.one.workspace.url))
        return page

    async def reload(self, page: Page) -> None:
        await self._until_there(page, page.reload)

    async def _until_there(self, page: Page, load: Callable[[], Awaitable[object]]) -> None:
        """Load the page; again where the browser drops what it loads, as when a network interface comes or goes."""
        for last in (False, False, True):
            try:
                await load()
                await expect(page.locator("#title")).not_to_be_empty()
                break
            except (AssertionError, Error):
                if last:
                    raise

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and not self.forgiven.search(text):
            self.complaints.append(text)

    def _ask(self, url: str) -> None:
        if not url.startswith((f"{self.one.workspace.url}/", "data:")):
            self.elsewhere.append(url)


@pytest_asyncio.fixture(loop_scope="module")
async def watch(browser: Browser, one: Stage) -> AsyncIterator[Watch]:
    watching = Watch(browser, one)
    yield watching
    for context in browser.contexts:
        await context.close()
    assert watching.complaints == []
    assert watching.elsewhere == []


def row(page: Page, text: str, within: str = "#stream") -> Locator:
    return page.locator(f"{within} .message", has_text=text)


async def be(page: Page, user: str) -> None:
    await page.locator("#who").select_option(user)
    await expect(page.locator("#who")).to_have_value(user)


async def no_sideways_scrolling(page: Page) -> None:
    wide = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]


async def focused(page: Page) -> str:
    found: str = await page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
    return found
