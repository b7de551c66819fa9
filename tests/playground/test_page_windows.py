"""Modals: what comes back from them, what is said at their fields, how they stand on one another."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.playground import gallery, gallery_tab
from tests.playground.gallery import filled
from tests.playground.gallery_tab import Gallery

pytestmark = pytest.mark.live

# Where pytest looks for fixtures.
browser, new, shown = gallery_tab.browser, gallery_tab.new, gallery_tab.shown


def test_a_form_comes_back_in_slacks_shape(shown: Gallery) -> None:
    form = shown.open(gallery.FORM)
    expect(form).to_have_accessible_name("Hand over")
    why = form.get_by_label("Why?")
    expect(why).to_be_focused()
    expect(why).to_have_accessible_description("The next one on call reads it.")
    why.fill("It hangs again")
    form.get_by_label("Title").fill("")
    form.get_by_role("button", name="Container").click()
    form.get_by_role("option", name="web").click()
    form.get_by_label("Very bad").check()
    form.get_by_label("Support").check()
    form.get_by_role("button", name="Hand over").click()
    (sent,) = shown.get("submits")
    assert sent["private_metadata"] == '{"incident": "i1"}'
    support, sales = gallery.option("Support", "support"), gallery.option("Sales", "sales")
    assert sent["values"] == {
        "why": {"text": {"type": "plain_text_input", "value": "It hangs again"}},
        "title": {"text": {"type": "plain_text_input", "value": None}},
        "what": {"one": {"type": "static_select", "selected_option": gallery.option("web", "web")}},
        "who": {"one": {"type": "users_select", "selected_user": "U0SECOND"}},
        "how": {"one": {"type": "radio_buttons", "selected_option": gallery.option("Very bad", "very")}},
        "ticks": {"many": {"type": "checkboxes", "selected_options": [support, sales]}},
        "until": {"day": {"type": "datepicker", "selected_date": "2026-11-23"}},
    }
    expect(form).to_be_visible()


def test_what_must_be_filled_in_is_said_at_its_field(shown: Gallery) -> None:
    form = shown.open(gallery.FORM)
    form.get_by_role("button", name="Hand over").click()
    why = form.get_by_label("Why?")
    expect(why).to_be_focused()
    expect(why).to_have_attribute("aria-invalid", "true")
    expect(why).to_have_accessible_description("The next one on call reads it. Please fill in this field.")
    expect(form.get_by_role("button", name="Container")).to_have_attribute("aria-invalid", "true")
    why.fill("hm")
    form.get_by_role("button", name="Hand over").click()
    expect(why).to_have_accessible_description("The next one on call reads it. Please write at least 5 characters.")
    assert shown.get("submits") == []


def test_the_apps_errors_are_shown_at_their_fields(shown: Gallery) -> None:
    form = shown.open(filled())
    shown.page.evaluate("gallery.answers.submit = Promise.resolve({errors: {title: 'Too vague.'}})")
    form.get_by_role("button", name="Hand over").click()
    title = form.get_by_label("Title")
    expect(title).to_be_focused()
    expect(title).to_have_accessible_description("Too vague.")
    expect(form.get_by_label("Why?")).to_have_attribute("aria-invalid", "false")


def test_a_submission_under_way_is_not_repeated_and_a_failure_is_told(shown: Gallery) -> None:
    form = shown.open(filled())
    shown.page.evaluate("() => { gallery.answers.submit = new Promise((resolve) => { window.answer = resolve; }); }")
    form.get_by_role("button", name="Hand over").dblclick()
    assert len(shown.get("submits")) == 1
    shown.page.evaluate("answer({error: 'Aegis did not answer in time.'})")
    expect(form.get_by_role("alert")).to_have_text("Aegis did not answer in time.")


def test_three_windows_stand_on_one_another_and_close_one_by_one(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    approve = shown.page.get_by_role("button", name="Approve")
    approve.focus()
    for number in (1, 2, 3):
        shown.open({**filled(), "id": f"V{number}", "title": gallery.plain(f"Window {number}")})
    assert shown.page.get_by_role("dialog").count() == 1
    expect(shown.page.get_by_role("dialog", name="Window 3")).to_be_visible()
    shown.page.keyboard.press("Escape")
    expect(shown.page.get_by_role("dialog", name="Window 2").get_by_label("Why?")).to_be_focused()
    shown.get("page.closeModal('V2')")
    shown.page.get_by_role("dialog", name="Window 1").get_by_role("button", name="Close").click()
    expect(shown.page.get_by_role("dialog")).to_have_count(0)
    expect(approve).to_be_focused()
    assert shown.get("closes") == ["V3", "V1"]
    shown.get("page.closeModal('V1')")


def test_a_window_that_clears_all_closes_all(shown: Gallery) -> None:
    shown.open({**filled(), "id": "V1"})
    shown.open({**filled(), "id": "V2", "clear_on_close": True})
    shown.page.keyboard.press("Escape")
    expect(shown.page.locator("dialog")).to_have_count(0)
    assert shown.get("closes") == ["V2"]


def test_escape_closes_the_menu_and_not_its_window(shown: Gallery) -> None:
    form = shown.open(gallery.FORM)
    form.get_by_role("button", name="Container").click()
    shown.page.keyboard.press("Escape")
    expect(form.get_by_role("listbox")).to_have_count(0)
    expect(form).to_be_visible()
    shown.page.keyboard.press("Escape")
    expect(form).to_have_count(0)


def test_the_tab_key_stays_inside_a_window(shown: Gallery) -> None:
    form = shown.open({**gallery.windows()["ignore"]})
    form.get_by_role("button", name="Ignore").focus()
    shown.page.keyboard.press("Tab")
    expect(form.get_by_role("button", name="Close").first).to_be_focused()
    shown.page.keyboard.press("Shift+Tab")
    expect(form.get_by_role("button", name="Ignore")).to_be_focused()


def test_an_update_keeps_what_was_typed_and_where_the_keyboard_is(shown: Gallery) -> None:
    form = shown.open(gallery.FORM)
    form.get_by_label("Why?").fill("half a sent")
    form.get_by_label("Very bad").check()
    form.get_by_label("Title").focus()
    changed = {
        **gallery.FORM,
        "blocks": [gallery.section("New above"), *gallery.FORM["blocks"][1:]],
        "private_metadata": "2",
    }
    shown.page.evaluate("view => gallery.page.updateModal(view)", changed)
    expect(form).to_contain_text("New above")
    expect(form.get_by_label("Why?")).to_have_value("half a sent")
    expect(form.get_by_label("Very bad")).to_be_checked()
    expect(form.get_by_label("Title")).to_be_focused()


def test_evidence_takes_the_place_of_one_moment(shown: Gallery) -> None:
    windows = gallery.windows()
    form = shown.open(windows["loading"])
    expect(form).to_contain_text("One moment …")
    shown.page.evaluate("view => gallery.page.updateModal(view)", windows["evidence"])
    expect(form).to_contain_text("QueuePool limit of size 20")
    expect(form).not_to_contain_text("One moment …")
    shown.page.evaluate("view => gallery.page.updateModal(view)", {**windows["loading"], "id": "V404"})
    expect(shown.page.locator("dialog")).to_have_count(1)


def test_buttons_of_a_window_tell_the_window(shown: Gallery) -> None:
    shown.open({"id": "V5", "title": gallery.plain("Buttons"), "blocks": [gallery.ACTIONS]})
    shown.page.get_by_role("button", name="Approve").click()
    assert shown.get("acts")[0]["container"] == "V5"


def test_a_window_whose_button_is_gone_says_that_the_focus_has_no_place(shown: Gallery) -> None:
    shown.one(blocks=[gallery.ACTIONS])
    shown.page.get_by_role("button", name="Approve").focus()
    form = shown.open(gallery.windows()["ignore"])
    shown.show({"one": {"blocks": [gallery.section("done")]}})
    form.get_by_role("button", name="Close").first.click()
    expect(form).to_have_count(0)
    assert shown.get("lost") == ["0.000100"]
