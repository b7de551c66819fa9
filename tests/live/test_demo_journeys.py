"""The demo as people go through it: the real command, the real bot, real processes, and Chromium at the page.

``AEGIS_WRITE_PICTURES=1`` writes the README's pictures into ``docs/``; otherwise they go to the test's own folder.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, expect

from tests.live.journey import API, PATIENCE, ROOT, Demo, Window
from tests.playground.chromium import chromium_or_skip

pytestmark = [pytest.mark.live, pytest.mark.slow]

WITHIN = 15_000
"""Milliseconds after which a newcomer should have seen the first card."""

ONA, SASHA, STRANGER = "Ona Call", "Sasha Second", "Sam Stranger"
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
    # Nothing is measured while it slides.
    "reduced_motion": "reduce",
    "locale": "en-GB",
}
PNG = b"\x89PNG\r\n\x1a\n"

Visit = Callable[..., Window]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Milliseconds for what follows at once; Playwright's five seconds are short beside other tests.
    expect.set_options(timeout=15_000)
    yield from chromium_or_skip()
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the journeys that can follow one another."""
    demo = Demo(tmp_path_factory.mktemp("shared")).start()
    yield demo
    demo.end()


@pytest.fixture
def demo(browser: Browser, tmp_path: Path) -> Iterator[Demo]:
    """A demo that nobody has looked at yet."""
    fresh = Demo(tmp_path)
    yield fresh.start()
    fresh.end()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Give windows; at the end each is asked whether it complained or asked another machine for something."""
    windows: list[Window] = []

    def opened(demo: Demo, user: str = "", **context: Any) -> Window:
        windows.append(Window(browser, demo, **context))
        return windows[-1].open(user)

    yield opened
    for window in windows:
        window.context.close()
    assert [complaint for window in windows for complaint in window.complaints] == []
    assert [url for window in windows for url in window.elsewhere] == []


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return ROOT / "docs" if os.environ.get("AEGIS_WRITE_PICTURES") == "1" else tmp_path


def test_from_an_alert_over_a_press_to_the_runbook(demo: Demo, visit: Visit, pictures: Path) -> None:
    begun, before = time.time(), demo.started_at()
    window = visit(demo, viewport={"width": 1280, "height": 960}, device_scale_factor=2, locale="en-GB")
    expect(window.alerts("FIRING")).to_contain_text("1 reply", timeout=WITHIN)
    expect(window.proposal()).to_be_visible(timeout=WITHIN - (time.time() - begun) * 1000)
    window.open_thread()
    expect(window.button(f"Restart {API}")).to_be_visible()
    card = window.card("connection pool exhausted")
    expect(card).to_contain_text("QueuePool limit of size 5 overflow 0 reached")
    expect(card).to_contain_text("rule-based")
    window.page.mouse.move(640, 300)
    window.page.screenshot(path=pictures / "demo.png")
    assert demo.started_at() == before

    window.button(f"Restart {API}").click()
    window.confirm()
    proof = window.card(re.compile(rf"{API}: recovered in [\d.]+ s: 200 ×3, healthy"))
    expect(proof).to_be_visible(timeout=PATIENCE)
    expect(window.card(f"@{ONA} pressed Restart")).to_contain_text(f"{API}: recovered")
    window.is_over()
    assert demo.starts(begun) == 1
    assert demo.started_at() > before

    expect(window.page.get_by_role("button", name="Runbook 1 new")).to_be_visible()
    entry = window.panel("Runbook").get_by_role("article")
    expect(entry).to_contain_text("resolved")
    expect(entry).to_contain_text("200 ×3, healthy")
    [written] = demo.entries()
    assert (written["target"], written["outcome"], written["diagnosed_by"]) == (API, "resolved", "rules")
    assert (pictures / "demo.png").read_bytes().startswith(PNG)
    assert demo.elsewhere() == set()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_a_newcomer_sees_alert_card_and_button_without_doing_anything(
    demo: Demo, visit: Visit, pictures: Path, width: int, height: int
) -> None:
    window = visit(demo, **(PHONE if width < 400 else {}) | {"viewport": {"width": width, "height": height}})
    expect(window.button(f"Restart {API}")).to_be_in_viewport(ratio=1, timeout=WITHIN)
    expect(window.card("connection pool exhausted").locator(".bk-heading, .bk-section-words").first).to_be_in_viewport()
    alerts = window.page.get_by_role("article").filter(has_text=re.compile(rf"\[FIRING[:\]].*{API}"))
    window.page.screenshot(path=pictures / f"newcomer-{width}.png")
    expect(alerts.filter(visible=True).first).to_be_in_viewport(ratio=0.9)
    window.button(f"Restart {API}").click()
    window.confirm()
    expect(window.card("recovered in")).to_be_in_viewport(timeout=PATIENCE)
    window.page.screenshot(path=pictures / f"recovered-{width}.png")


def test_a_stranger_is_refused_in_private_and_nothing_is_restarted(shared: Demo, visit: Visit) -> None:
    window = visit(shared)
    window.has_alert()
    before = shared.started_at()
    colleague = visit(shared, SASHA)
    colleague.open_thread()
    window.be(STRANGER)
    window.open_thread()
    window.button(f"Restart {API}").click()
    window.confirm()
    refusal = "You are not one of the approvers, so nothing was restarted."
    expect(window.card(refusal)).to_contain_text("Only visible to you")
    expect(window.card(refusal)).to_contain_text("@oncall")
    expect(window.button(f"Restart {API}")).to_be_visible()
    expect(colleague.button(f"Restart {API}")).to_be_visible()
    expect(colleague.card(refusal)).to_have_count(0)
    window.be(ONA)
    expect(window.card(refusal)).to_have_count(0)
    assert shared.started_at() == before


def test_of_two_who_press_at_once_the_slower_one_hears_who_was_faster(shared: Demo, visit: Visit) -> None:
    ona, sasha = visit(shared), visit(shared, SASHA)
    ona.has_alert()
    begun = time.time()
    for window in (ona, sasha):
        window.open_thread()
        window.button(f"Restart {API}").click()
        expect(window.page.get_by_role("alertdialog").get_by_role("button", name="Restart")).to_be_visible()
    # A moment for both, by the clock that both windows have.
    at = (time.time() + 0.3) * 1000
    press = "(at) => setTimeout(() => document.querySelector('[data-role=confirm]').click(), at - Date.now())"
    for window in (ona, sasha):
        window.page.evaluate(press, at)
    for window in (ona, sasha):
        expect(window.card("recovered in")).to_be_visible(timeout=PATIENCE)
    told = "Only visible to you"
    first, slower, name = (sasha, ona, SASHA) if ona.card(told).count() else (ona, sasha, ONA)
    expect(slower.card(told)).to_contain_text(f"@{name}")
    expect(first.card(told)).to_have_count(0)
    expect(first.card("pressed Restart")).to_contain_text(f"@{name} pressed Restart")
    assert shared.starts(begun) == 1
    ona.is_over()


def test_a_bot_that_is_killed_after_a_press_goes_on_and_never_repeats_it(shared: Demo, visit: Visit) -> None:
    # Wide enough for the thread and the lab side by side.
    window = visit(shared, viewport={"width": 1600, "height": 900})
    window.has_alert()
    window.open_thread()
    begun = time.time()
    killed = shared.bot()
    starting = shared.starting(begun)
    window.button(f"Restart {API}").click()
    window.confirm()
    next(starting)
    assert window.card("recovered in").count() == 0
    window.lab("Kill the bot and start it again")
    starting.close()
    assert psutil.wait_procs(killed, timeout=10)[1] == []
    expect(window.card("recovered in")).to_be_visible(timeout=PATIENCE)
    expect(window.card(f"@{ONA} pressed Restart")).to_contain_text(f"{API}: recovered")
    expect(window.page.get_by_text("Aegis is connected")).to_be_visible()
    assert shared.starts(begun) == 1
    assert shared.entries()[-1]["outcome"] == "resolved"
    window.is_over()


def test_where_a_restart_does_not_help_the_card_says_so_before_and_after(shared: Demo, visit: Visit) -> None:
    window = visit(shared)
    window.lab("All well")
    told = window.alerts("FIRING").count()
    window.lab("Bad configuration after a release")
    expect(window.alerts("FIRING")).to_have_count(told + 1, timeout=PATIENCE)
    window.open_thread()
    expect(window.button("Restart anyway")).to_be_visible(timeout=PATIENCE)
    expect(window.page.get_by_role("button", name=f"{API}: exited 1")).to_be_visible(timeout=PATIENCE)
    card = window.card("A restart will not help")
    if "stopped" not in card.inner_text():
        # The alert was faster than the last of its starts.
        window.button("Diagnose again").click()
    expect(card).to_contain_text("stopped")
    expect(card).to_contain_text("configuration cannot be read")
    window.button("Restart anyway").click()
    expect(window.page.get_by_role("alertdialog")).to_contain_text("this will not help")
    window.confirm()
    expect(window.card("The restart did not fix")).to_contain_text("@oncall", timeout=PATIENCE)
    expect(window.card("Newest log lines")).to_contain_text("POOL_TIMEOUT must be a number")
    expect(window.card("pressed Restart")).to_contain_text(f"{API}: not recovered")
    expect(window.panel("Runbook").get_by_role("article").first).to_contain_text("not resolved")
    assert shared.entries()[-1]["outcome"] == "not_resolved"
    window.lab("All well")
    window.is_over()


def test_a_diagnosis_is_asked_for_looked_into_and_ignored_with_a_reason(shared: Demo, visit: Visit) -> None:
    window = visit(shared)
    page, keyboard = window.page, window.page.keyboard
    page.get_by_role("button", name="ops").click()
    page.get_by_role("textbox", name="Message #ops").click()
    keyboard.type("/")
    offered = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(offered.first).to_contain_text("/aegis diagnose NAME")
    keyboard.press("Enter")
    expect(offered).to_have_count(3)
    keyboard.type("bug")
    expect(offered).to_have_text(re.compile(API))
    keyboard.press("Enter")
    keyboard.press("Enter")
    asked = (
        page.get_by_label("Messages in #ops").get_by_role("article", name=re.compile("^Aegis,")).filter(has_text=API)
    )
    asked.get_by_role("button", name="Evidence").click()
    evidence = page.get_by_role("dialog", name="Evidence")
    expect(evidence).to_contain_text("aegis-demo/shop")
    keyboard.press("Escape")
    expect(evidence).to_have_count(0)
    asked.locator("button", has_text="Ignore").click()
    why = page.get_by_role("dialog", name="Ignore this incident")
    why.get_by_role("textbox").fill("A rehearsal before the sale")
    why.get_by_role("button", name="Ignore").click()
    expect(asked).to_contain_text(f"{API}: ignored")
    expect(asked).to_contain_text("Reason: A rehearsal before the sale")
    expect(window.panel("Runbook").get_by_role("article").first).to_contain_text("A rehearsal before the sale")
    page.get_by_role("button", name="Aegis", exact=True).click()
    expect(page.get_by_role("tabpanel", name="Home")).to_contain_text(API)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(shared: Demo, visit: Visit, scheme: str) -> None:
    window = visit(shared, color_scheme=scheme, viewport={"width": 1600, "height": 900})
    page = window.page
    window.has_alert()
    window.open_thread()
    expect(window.button(f"Restart {API}")).to_be_visible(timeout=PATIENCE)
    window.panel("Lab")
    assert window.contrast() == []
    window.panel("Runbook")
    assert window.contrast() == []
    window.button(f"Restart {API}").click()
    assert window.contrast() == []
    page.keyboard.press("Escape")
    window.button("Ignore").click()
    expect(page.get_by_role("dialog", name="Ignore this incident")).to_be_visible()
    assert window.contrast() == []
    page.keyboard.press("Escape")
    window.button("Evidence").click()
    expect(page.get_by_role("dialog", name="Evidence")).to_contain_text("aegis-demo/shop")
    assert window.contrast() == []
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Message #alerts").press_sequentially("/")
    expect(page.get_by_role("listbox", name="Suggestions")).to_be_visible()
    assert window.contrast() == []
    page.get_by_role("button", name="Aegis", exact=True).click()
    expect(page.get_by_role("tabpanel", name="Home")).to_contain_text(API)
    assert window.contrast() == []


def test_a_second_start_shows_what_happened_closes_what_is_over_and_begins_anew(shared: Demo, visit: Visit) -> None:
    window = visit(shared)
    window.has_alert()
    told, over, remembered = window.alerts("FIRING").count(), window.alerts("RESOLVED").count(), shared.entries()
    window.context.close()
    shared.end()

    again = visit(shared.start())
    expect(again.alerts("FIRING").nth(told - 1)).to_contain_text(f"{API}: recovered without action", timeout=PATIENCE)
    expect(again.alerts("RESOLVED")).to_have_count(over + 1)
    shown = again.panel("Runbook").get_by_role("article").all_inner_texts()
    assert len(shown) >= len(remembered)
    assert all(entry["root_cause"] in text for entry, text in zip(remembered, reversed(shown), strict=False))
    # The service breaks once more. Its card may be the old one, which then goes on.
    expect(again.alerts("FIRING")).to_have_count(told + 1, timeout=PATIENCE)
    again.open_thread()
    expect(again.button(f"Restart {API}")).to_be_visible()
    assert shared.entries()[: len(remembered)] == remembered


def test_the_journey_goes_by_keyboard_alone_and_one_sees_where_one_is(shared: Demo, visit: Visit) -> None:
    visit(shared).has_alert()
    window = visit(shared)
    keyboard = window.page.keyboard
    expect(window.proposal()).to_be_visible()

    def tab_to(name: str, key: str = "Tab", most: int = 40) -> None:
        for _ in range(most):
            keyboard.press(key)
            at = window.focus()
            assert at["visible"], at
            if re.search(name, at["name"]):
                return
        raise AssertionError(name)

    tab_to("^Skip to the message box$", most=1)
    tab_to("repl(y|ies).*% confidence")
    keyboard.press("Enter")
    expect(window.button(f"Restart {API}")).to_be_visible(timeout=PATIENCE)
    tab_to(f"Restart the container {API}|Restart {API}")
    keyboard.press("Enter")
    expect(window.page.get_by_role("alertdialog")).to_be_visible()
    assert window.focus()["name"] == "Not now"
    tab_to("^Restart$", most=1)
    keyboard.press("Enter")
    expect(window.page.get_by_role("alertdialog")).to_have_count(0)
    expect(window.card("recovered in")).to_be_visible(timeout=PATIENCE)
    keyboard.press("Escape")
    tab_to("Runbook", "Shift+Tab")
    keyboard.press("Enter")
    expect(window.page.get_by_role("tabpanel", name="Runbook")).to_contain_text("200 ×3, healthy")
    assert window.focus()["role"] == "tab"
    keyboard.press("ArrowLeft")
    expect(window.page.get_by_role("tabpanel", name="Lab")).to_be_visible()


def test_the_journey_goes_on_a_phone_and_nothing_is_cut_or_too_small(demo: Demo, visit: Visit, pictures: Path) -> None:
    window = visit(demo, **PHONE)
    page = window.page
    page.get_by_role("button", name="Close the thread").tap(timeout=WITHIN)
    expect(window.proposal()).to_be_visible()
    assert window.narrow() == []
    page.get_by_role("button", name="Conversations").tap()
    expect(page.get_by_label("You are")).to_be_in_viewport()
    assert window.narrow() == []
    page.get_by_role("button", name="Close the sidebar").tap()
    window.proposal().tap()
    expect(window.button(f"Restart {API}")).to_be_visible(timeout=PATIENCE)
    assert window.narrow() == []
    window.card("connection pool exhausted").screenshot(path=pictures / "card.png")
    assert (pictures / "card.png").read_bytes().startswith(PNG)
    window.button(f"Restart {API}").tap()
    assert window.narrow() == []
    page.get_by_role("alertdialog").get_by_role("button", name="Restart", exact=True).tap()
    expect(window.card("recovered in")).to_be_visible(timeout=PATIENCE)
    assert window.narrow() == []
    page.get_by_role("button", name="Close the thread").tap()
    page.get_by_role("button", name="Runbook 1 new").tap()
    expect(page.get_by_role("tabpanel", name="Runbook")).to_contain_text("200 ×3, healthy")
    assert window.narrow() == []
    page.get_by_role("tab", name="Lab").tap()
    expect(page.get_by_role("button", name="All well")).to_be_visible()
    assert window.narrow() == []
