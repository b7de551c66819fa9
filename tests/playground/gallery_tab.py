"""The gallery of blocks in a browser tab, under the page's own content security policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route

from tests.playground import gallery
from tests.playground.chromium import chromium_or_skip

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "bot" / "playground" / "page"
SITE = "http://gallery.test"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; img-src 'self' data:"


@dataclass
class Gallery:
    """The gallery in one tab, with all that went wrong in it."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    def show(self, messages: dict[str, gallery.Json]) -> None:
        # As ASCII, since half characters do not get through to the browser otherwise.
        self.page.evaluate("text => gallery.show(JSON.parse(text))", json.dumps(gallery.stamped(messages)))

    def one(self, **message: Any) -> Locator:
        self.show({"one": message})
        return self.page.locator("article .bk-body")

    def open(self, view: gallery.Json) -> Locator:
        self.page.evaluate("text => gallery.page.openModal(JSON.parse(text), gallery.ctx)", json.dumps(view))
        return self.page.locator(f'dialog[data-view="{view["id"]}"]')

    def get(self, what: str) -> Any:
        return self.page.evaluate(f"gallery.{what}")

    def mrkdwn(self, text: str, **options: bool) -> str:
        found = self.page.evaluate("([text, options]) => gallery.skeleton(text, options)", [text, options])
        return str(found)

    @property
    def focus(self) -> str:
        return str(self.page.evaluate("document.activeElement.textContent || document.activeElement.tagName"))


def serve(route: Route) -> None:
    path = route.request.url.removeprefix(f"{SITE}/")
    file = PAGE / path.removeprefix("page/") if path.startswith("page/") else HERE / (path or "gallery.html")
    headers = {"Content-Security-Policy": POLICY}
    route.fulfill(body=file.read_bytes(), content_type=f"{TYPES[file.suffix]}; charset=utf-8", headers=headers)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from chromium_or_skip()


Opener = Callable[..., Gallery]


def opener(browser: Browser) -> Iterator[Opener]:
    """Open galleries; at the end, nothing may have been fetched from elsewhere and the console must be silent."""
    opened = []

    def make(**options: Any) -> Gallery:
        given: dict[str, Any] = {"viewport": {"width": 1280, "height": 844}, "timezone_id": "Europe/Berlin"}
        tab = browser.new_context(**given | options).new_page()
        made = Gallery(tab)
        opened.append(made)
        tab.set_default_timeout(5000)
        tab.on("console", lambda said: made.trouble.append(said.text) if said.type in {"error", "warning"} else None)
        tab.on("pageerror", lambda error: made.trouble.append(str(error)))
        tab.on("request", lambda asked: made.trouble.append(asked.url) if not asked.url.startswith(SITE) else None)
        tab.route(f"{SITE}/**", serve)
        tab.goto(f"{SITE}/")
        tab.wait_for_selector("html[data-ready]", state="attached")
        return made

    yield make
    trouble = [said for made in opened for said in made.trouble]
    for made in opened:
        made.page.context.close()
    assert not trouble


@pytest.fixture
def new(browser: Browser) -> Iterator[Opener]:
    yield from opener(browser)


@pytest.fixture
def shown(new: Opener) -> Gallery:
    return new()


@pytest.fixture(scope="module")
def still(browser: Browser) -> Iterator[Gallery]:
    """One gallery for the tests that only look."""
    galleries = opener(browser)
    yield next(galleries)()
    with pytest.raises(StopIteration):
        next(galleries)
