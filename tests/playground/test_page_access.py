"""The page in a real browser for everybody: by keyboard, by ear, on a phone, in both themes."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.playground import shell
from tests.playground.shell import PHONE, focused, no_sideways_scrolling, row

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

# Where pytest looks for fixtures.
browser, one, watch = shell.browser, shell.one, shell.watch


CONTRAST = """
() => {
  const read = (colour) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      layers.push(read(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    const shown = node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!text.textContent.trim() || !shown || node.closest(":disabled, .unseen, .bk-emoji, option")) continue;
    looked += 1;
    const style = getComputedStyle(node);
    const below = ground(node);
    const [one, other] = [light(over(read(style.color), below)), light(below)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio >= (large ? 3 : 4.5)) continue;
    poor.push(`${ratio.toFixed(2)} ${node.className}: ${text.textContent.trim().slice(0, 40)}`);
  }
  return { looked, poor };
}
"""


class TestKeyboard:
    async def test_the_tab_key_reaches_everything_in_the_order_of_the_page(self, watch, one):
        page = await watch.open()
        await one.answer(await one.alert())
        await expect(page.locator("#stream .thread-summary")).to_be_visible()
        await page.locator("body").evaluate("() => document.activeElement.blur()")
        passed: list[str] = []
        for _ in range(80):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement === document.body"):
                break
            passed.append(await focused(page))
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            frame = await page.evaluate("document.activeElement.tagName === 'TEXTAREA'")
            assert outline != "none" or frame, passed[-1]
        stops = [
            "Skip to the message box",
            "who",
            "alerts",
            "Aegis",
            "theme",
            "show-lab",
            "stream",
            "channel-text",
            "tab-lab",
        ]
        assert [stop for stop in passed if stop in stops] == stops
        assert any(stop.startswith("Connection pool exhausted") for stop in passed)
        assert any("1 reply" in stop for stop in passed)

    async def test_f6_goes_from_part_to_part(self, watch, one):
        page = await watch.open()
        await page.locator("#who").focus()
        passed = []
        for _ in range(4):
            await page.keyboard.press("F6")
            passed.append(await focused(page))
        assert passed == ["stream", "channel-text", "tab-lab", "who"]
        await page.keyboard.press("Shift+F6")
        assert await focused(page) == "tab-lab"

    async def test_the_skip_link_leads_to_the_message_box(self, watch, one):
        page = await watch.open()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#channel-text")).to_be_focused()

    async def test_every_button_says_what_it_does_and_every_part_has_a_name(self, watch, one):
        page = await watch.open()
        await one.answer(await one.alert())
        await page.locator("#stream .thread-summary").click()
        nameless = await page.evaluate(
            """() => [...document.querySelectorAll("button, select, textarea, nav, main, aside, [role=region]")]
              .filter((node) => node.checkVisibility())
              .filter((node) => !(node.getAttribute("aria-label") || node.getAttribute("aria-labelledby")
                || node.textContent.trim() || node.labels?.length))
              .map((node) => node.outerHTML)"""
        )
        assert nameless == []
        for role in ("navigation", "main"):
            await expect(page.get_by_role(role)).to_have_count(1)


class TestOnAPhone:
    async def test_nothing_scrolls_sideways_and_the_parts_are_drawers(self, watch, one):
        page = await watch.open(PHONE, has_touch=True)
        await one.answer(await one.alert())
        await one.workspace.alert("C0ALERTS", "x" * 400 + " " + "https://example.com/" + "y" * 300)
        await no_sideways_scrolling(page)
        await page.locator("#menu").tap()
        await expect(page.locator("#sidebar")).to_be_in_viewport()
        await expect(page.locator("#who")).to_be_focused()
        await no_sideways_scrolling(page)
        await page.keyboard.press("Escape")
        await expect(page.locator("#sidebar")).to_be_hidden()
        await expect(page.locator("#menu")).to_be_focused()
        await page.locator("#show-lab").tap()
        await expect(page.get_by_role("button", name="Memory leak")).to_be_visible()
        await no_sideways_scrolling(page)
        await page.locator("#panel-close").tap()
        await expect(page.locator("#panel")).to_be_hidden()
        await page.locator("#stream .thread-summary").tap()
        box = await page.locator("#thread").bounding_box()
        assert box is not None
        assert box["width"] == 390
        await no_sideways_scrolling(page)
        for name in ("Restart buggy-app-v2", "Ignore"):
            button = await page.locator("#thread .bk-button", has_text=name).bounding_box()
            assert button is not None
            assert 0 <= button["x"] <= button["x"] + button["width"] <= 390
        await page.locator("#thread-close").tap()
        await expect(page.locator("#stream")).to_be_visible()

    @pytest.mark.parametrize("width", [320, 600, 760, 900, 1120, 1500])
    async def test_no_width_makes_the_page_scroll_sideways(self, watch, one, width):
        page = await watch.open({"width": width, "height": 700})
        await one.answer(await one.alert())
        await page.locator("#stream .thread-summary").click()
        await expect(page.locator("#thread")).to_be_visible()
        await no_sideways_scrolling(page)
        cut = await page.evaluate(
            """() => [...document.querySelectorAll("button, select, textarea, h1, h2")]
              .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest("[inert], .unseen"))
              .filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5)
              .map((node) => node.outerHTML.slice(0, 120))"""
        )
        assert cut == []

    async def test_the_sidebar_leads_somewhere_and_closes(self, watch, one):
        page = await watch.open(PHONE, has_touch=True)
        await page.locator("#menu").tap()
        await page.locator("[data-channel=C0OPS]").tap()
        await expect(page.locator("#title")).to_contain_text("ops")
        await expect(page.locator("#sidebar")).to_be_hidden()

    async def test_a_tap_beside_a_drawer_closes_it(self, watch, one):
        page = await watch.open(PHONE, has_touch=True)
        await page.locator("#menu").tap()
        await page.touchscreen.tap(375, 500)
        await expect(page.locator("#sidebar")).to_be_hidden()


class TestColours:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_every_text_has_the_contrast_of_wcag_aa(self, watch, one, scheme):
        page = await watch.open(color_scheme=scheme)
        one.lab.notes.append({"at": "2026-11-22T10:02:00Z", "text": "Something was begun"})
        one.lab.changed()
        await one.workspace.say("U0SECOND", "C0ALERTS", "see `this` <@U0ONCALL>")
        await one.workspace.say("U0SECOND", "C0OPS", "new")
        await one.answer(await one.alert())
        await page.locator("#channel-text").fill("/aegis status")
        await page.keyboard.press("Enter")
        await expect(row(page, "Only visible to you")).to_be_visible()
        await page.get_by_role("button", name="Database down").click()
        await expect(page.locator(".lab-said.wrong")).to_be_visible()
        await page.locator("#channel-text").fill("/aegis ")
        looked = [await page.evaluate(CONTRAST)]
        one.lab.entries.append({**one.lab.entries[0], "id": "i9", "outcome": "not_resolved"})
        one.lab.changed()
        await page.locator("#show-runbook").click()
        await expect(page.locator("#runbook .mark")).to_be_visible()
        looked.append(await page.evaluate(CONTRAST))
        await page.locator("#stream .thread-summary").click()
        await expect(row(page, "connection pool exhausted", "#thread")).to_be_visible()
        looked.append(await page.evaluate(CONTRAST))
        assert [found["poor"] for found in looked] == [[], [], []]
        assert min(found["looked"] for found in looked) > 50

    async def test_the_switch_wins_over_the_system_and_is_remembered(self, watch, one):
        page = await watch.open(color_scheme="light")
        ground = "getComputedStyle(document.body).backgroundColor"
        light = await page.evaluate(ground)
        await page.locator("#theme").select_option("dark")
        dark = await page.evaluate(ground)
        assert dark != light
        await watch.reload(page)
        assert await page.evaluate(ground) == dark
        await expect(page.locator("#theme")).to_have_value("dark")
        await page.locator("#theme").select_option("system")
        assert await page.evaluate(ground) == light
