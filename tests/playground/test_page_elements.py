"""Buttons, menus and fields of messages, by pointer and by keyboard; and the question before something is done."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.playground import gallery, gallery_tab
from tests.playground.gallery_tab import Gallery

pytestmark = pytest.mark.live

# Where pytest looks for fixtures.
browser, new, shown = gallery_tab.browser, gallery_tab.new, gallery_tab.shown


def test_a_press_tells_container_element_and_block(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    shown.page.get_by_role("button", name="Approve").click()
    assert shown.get("acts") == [{"container": "0.000100", "action": "approve", "chosen": None, "block": "acts"}]


def test_a_dangerous_press_asks_first_and_no_is_where_the_keyboard_stands(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    restart = shown.page.get_by_role("button", name="Restart")
    restart.focus()
    shown.page.keyboard.press("Enter")
    question = shown.page.get_by_role("alertdialog", name="Restart buggy-app-v2?")
    expect(question).to_contain_text("on host docker-7 is running")
    expect(question).to_have_accessible_description(re.compile("on host docker-7"))
    expect(question.get_by_role("button", name="Not now")).to_be_focused()
    shown.page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(restart).to_be_focused()
    assert shown.get("acts") == []


@pytest.mark.parametrize(("answer", "told"), [("Restart", 1), ("Not now", 0)])
def test_the_answer_to_the_question_decides(shown: Gallery, answer: str, told: int) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    restart = shown.page.get_by_role("button", name="Restart")
    restart.click()
    question = shown.page.get_by_role("alertdialog")
    question.get_by_role("button", name=answer, exact=True).click()
    expect(question).to_have_count(0)
    expect(restart).to_be_focused()
    assert len(shown.get("acts")) == told


def test_the_tab_key_stays_inside_a_question(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    shown.page.get_by_role("button", name="Restart").click()
    seen = [shown.focus]
    for key in ("Tab", "Tab", "Tab", "Shift+Tab"):
        shown.page.keyboard.press(key)
        seen.append(shown.focus)
    assert seen == ["Not now", "Restart", "Not now", "Restart", "Not now"]


def test_a_press_under_way_cannot_be_repeated_and_a_failure_is_told(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    shown.page.evaluate("() => { gallery.answers.action = new Promise((resolve) => { window.answer = resolve; }); }")
    approve = shown.page.get_by_role("button", name="Approve")
    approve.dblclick()
    expect(approve).to_have_attribute("aria-busy", "true")
    assert len(shown.get("acts")) == 1
    shown.page.evaluate("answer({error: 'Aegis did not answer in time.'})")
    expect(shown.page.get_by_role("alert")).to_contain_text("Aegis did not answer in time.")
    expect(approve).not_to_have_attribute("aria-busy", "true")
    shown.page.evaluate("gallery.answers.action = undefined")
    approve.click()
    expect(shown.page.get_by_role("alert")).to_have_count(0)


def test_a_menu_is_used_with_the_keyboard(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    select = shown.page.get_by_role("button", name="Choose a container")
    select.focus()
    shown.page.keyboard.press("ArrowDown")
    expect(select).to_have_attribute("aria-expanded", "true")
    seen = [shown.focus]
    for key in ("ArrowDown", "End", "ArrowDown", "ArrowUp", "Home", "w", "o"):
        shown.page.keyboard.press(key)
        seen.append(shown.focus)
    assert seen == ["buggy-app-v2", "orders-db", "worker", "buggy-app-v2", "worker", "buggy-app-v2", "web", "worker"]
    shown.page.keyboard.press("Escape")
    expect(select).to_be_focused()
    expect(select).to_have_attribute("aria-expanded", "false")
    assert shown.get("acts") == []
    shown.page.keyboard.press("Enter")
    shown.page.keyboard.press("ArrowDown")
    shown.page.keyboard.press("Enter")
    expect(shown.page.get_by_role("button", name="orders-db")).to_be_focused()
    assert shown.get("acts")[0]["chosen"] == "orders-db"
    shown.page.get_by_role("button", name="More actions").press("ArrowUp")
    assert shown.focus == "Mute"
    shown.page.keyboard.press("Tab")
    expect(shown.page.get_by_role("menu")).to_have_count(0)


def test_an_overflow_menu_is_pressed_with_the_pointer(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    more = shown.page.get_by_role("button", name="More actions")
    more.click()
    more.click()
    expect(shown.page.get_by_role("menu")).to_have_count(0)
    more.click()
    shown.page.get_by_role("menuitem", name="Diagnose again").click()
    expect(shown.page.get_by_role("menu")).to_have_count(0)
    assert shown.get("acts")[0] == {"container": "0.000100", "action": "more", "chosen": "again", "block": "acts"}


def test_people_and_dates_are_chosen(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    shown.page.get_by_role("button", name="Hand over to").click()
    shown.page.get_by_role("option", name="nik.night").click()
    shown.page.locator("input[type=date]").fill("2026-12-01")
    shown.page.locator("input[type=date]").blur()
    assert [act["chosen"] for act in shown.get("acts")] == ["U0NIGHT", "2026-12-01"]


def test_a_choice_that_is_denied_is_taken_back(shown: Gallery) -> None:
    select = {"type": "static_select", "action_id": "s", "options": gallery.CONTAINERS, "confirm": gallery.CONFIRM}
    box = {"type": "checkboxes", "action_id": "c", "options": gallery.CONTAINERS[:1], "confirm": gallery.CONFIRM}
    shown.one(blocks=[{"type": "actions", "elements": [select, box]}])
    shown.page.get_by_role("button", name="Choose an option").click()
    shown.page.get_by_role("option", name="web").click()
    shown.page.get_by_role("button", name="Not now").click()
    expect(shown.page.get_by_role("button", name="Choose an option")).to_be_focused()
    shown.page.get_by_role("checkbox").check()
    shown.page.get_by_role("button", name="Not now").click()
    expect(shown.page.get_by_role("checkbox")).not_to_be_checked()
    assert shown.get("acts") == []


def test_a_link_button_opens_elsewhere_and_is_told(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    link = shown.page.get_by_role("link", name="Open Grafana")
    assert link.get_attribute("rel") == "noopener noreferrer"
    link.evaluate("node => node.addEventListener('click', (event) => event.preventDefault())")
    link.click()
    assert shown.get("acts")[0]["action"] == "open"


def test_the_focus_stays_when_a_message_is_drawn_anew(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    shown.page.get_by_role("button", name="Approve").focus()
    fresh = {"ts": "0.000100", "blocks": [gallery.section("new"), gallery.ACTIONS]}
    assert shown.page.evaluate("message => gallery.again('0.000100', message)", fresh)
    expect(shown.page.get_by_role("button", name="Approve")).to_be_focused()
    gone = {"ts": "0.000100", "blocks": [gallery.section("done")]}
    assert not shown.page.evaluate("message => gallery.again('0.000100', message)", gone)


def test_a_question_whose_message_was_drawn_anew_returns_the_focus_to_the_new_button(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    shown.page.get_by_role("button", name="Restart").click()
    fresh = {"ts": "0.000100", "blocks": [gallery.section("new"), gallery.ACTIONS]}
    shown.page.evaluate("message => { gallery.again('0.000100', message); }", fresh)
    shown.page.keyboard.press("Escape")
    expect(shown.page.get_by_role("button", name="Restart")).to_be_focused()
