"""The page in a real browser: who one is, what one writes, what one does in the lab, and what the runbook tells."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.playground import shell
from tests.playground.shell import be, row

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

# Where pytest looks for fixtures.
browser, one, watch = shell.browser, shell.one, shell.watch


class TestWhoOneIs:
    async def test_a_refusal_is_seen_by_the_one_it_is_for_and_nobody_else(self, watch, one):
        page = await watch.open()
        await one.answer(await one.alert())
        await be(page, "U0STRANGER")
        await page.locator("#stream .thread-summary").click()
        await page.locator("#thread").locator(".bk-danger").click()
        await page.get_by_role("alertdialog").locator("[data-role=confirm]").click()
        refusal = row(page, "You may not restart", "#thread")
        await expect(refusal).to_contain_text("Only visible to you")
        await be(page, "U0ONCALL")
        await expect(refusal).to_have_count(0)
        await expect(page.locator("#thread").locator(".bk-danger")).to_be_visible()
        await be(page, "U0STRANGER")
        await expect(refusal).to_be_visible()

    async def test_a_window_belongs_to_the_one_who_opened_it(self, watch, one):
        page, other = await watch.open(), await watch.open()
        await one.answer(await one.alert())
        await page.locator("#stream .thread-summary").click()
        ignore = page.locator("#thread").get_by_role("button", name="Ignore")
        await ignore.click()
        window = page.get_by_role("dialog", name="Ignore this incident")
        await expect(window).to_be_visible()
        await be(other, "U0SECOND")
        await expect(other.get_by_role("dialog")).to_have_count(0)
        await watch.reload(page)
        await expect(window).to_be_visible()
        await window.get_by_role("textbox").fill("load test")
        await window.locator("[data-role=submit]").click()
        await expect(window).to_have_count(0)
        [submitted] = [one_ for one_ in one.workspace.deliveries if one_.payload.get("type") == "view_submission"]
        assert submitted.payload["view"]["state"]["values"]["reason"]["reason"]["value"] == "load test"

    async def test_escape_closes_a_window_and_the_focus_returns(self, watch, one):
        page = await watch.open()
        await one.answer(await one.alert())
        await page.locator("#stream .thread-summary").click()
        evidence = page.locator("#thread").get_by_role("button", name="Evidence")
        await evidence.click()
        await expect(page.get_by_role("dialog", name="Evidence")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(evidence).to_be_focused()
        await one.workspace.wait_for(lambda: not one.workspace.modals("U0ONCALL"))

    async def test_after_a_press_the_focus_stays_at_the_card_whose_buttons_are_gone(self, watch, one):
        page = await watch.open()
        await one.answer(await one.alert())
        await page.locator("#stream .thread-summary").click()
        restart = page.locator("#thread").locator(".bk-danger")
        await restart.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("alertdialog").locator("[data-role=confirm]").focus()
        await page.keyboard.press("Enter")
        await expect(restart).to_have_count(0)
        assert await page.evaluate("document.querySelector('#thread').contains(document.activeElement)")

    async def test_the_home_tab_is_each_ones_own(self, watch, one):
        page = await watch.open()
        await page.get_by_role("button", name="Aegis", exact=True).click()
        await expect(page.locator("#home")).to_contain_text("@Ona Call may restart buggy-app-v2")
        await be(page, "U0SECOND")
        await expect(page.locator("#home")).to_contain_text("@Sasha Second may restart buggy-app-v2")
        await page.get_by_role("tab", name="Messages").click()
        await page.locator("#channel-text").fill("hello")
        await page.keyboard.press("Enter")
        await expect(row(page, "hello")).to_be_visible()
        assert one.workspace.messages(one.workspace.direct("U0SECOND"))[0].text == "hello"


class TestWriting:
    async def test_a_command_is_put_together_with_the_keyboard_alone(self, watch, one):
        page = await watch.open()
        await page.locator("#channel-text").focus()
        await page.keyboard.type("/")
        options = page.locator("#channel-suggestions [role=option]")
        await expect(options).to_have_count(5)
        await expect(options.first).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        await expect(page.locator("#channel-text")).to_have_value("/aegis diagnose ")
        await expect(options).to_have_count(3)
        await expect(options.nth(1)).to_contain_text("orders-db")
        await page.keyboard.press("ArrowDown")
        chosen = await options.nth(1).get_attribute("id")
        await expect(page.locator("#channel-text")).to_have_attribute("aria-activedescendant", chosen or "")
        await page.keyboard.press("Enter")
        await expect(page.locator("#channel-text")).to_have_value("/aegis diagnose orders-db")
        await page.keyboard.press("Enter")
        answer = row(page, "Asked: diagnose orders-db")
        await expect(answer).to_contain_text("Only visible to you")
        await expect(page.locator("#channel-text")).to_have_value("")

    async def test_an_optional_name_can_be_left_out(self, watch, one):
        page = await watch.open()
        await page.locator("#channel-text").fill("/aegis history ")
        await expect(page.locator("#channel-suggestions [role=option]")).to_have_count(3)
        await page.keyboard.press("Enter")
        await expect(row(page, "Asked: history")).to_be_visible()

    async def test_escape_closes_the_suggestions_only(self, watch, one):
        page = await watch.open()
        await page.locator("#channel-text").fill("/aegis st")
        await expect(page.locator("#channel-suggestions")).to_contain_text("/aegis status")
        await page.keyboard.press("Escape")
        await expect(page.locator("#channel-suggestions")).to_be_hidden()
        await expect(page.locator("#channel-text")).to_have_value("/aegis st")

    async def test_shift_and_enter_begin_a_line_and_a_name_is_offered_after_the_at(self, watch, one):
        page = await watch.open()
        await page.locator("#channel-text").focus()
        await page.keyboard.type("@sas")
        await page.keyboard.press("Tab")
        await page.keyboard.type("look")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("please")
        await page.keyboard.press("Enter")
        await expect(row(page, "@Sasha Second look")).to_contain_text("please")
        assert one.workspace.messages("C0ALERTS")[0].text == "<@U0SECOND> look\nplease"

    async def test_a_command_that_nobody_knows_is_kept_and_explained(self, watch, one):
        page = await watch.open()
        await page.locator("#channel-text").fill("/giphy cat")
        await page.keyboard.press("Enter")
        says = page.locator("#channel-says")
        await expect(says).to_have_text("/giphy is not a command here. Aegis listens to /aegis.")
        await expect(page.locator("#channel-text")).to_have_value("/giphy cat")

    async def test_what_was_begun_waits_in_its_channel(self, watch, one):
        page = await watch.open()
        await page.locator("#channel-text").fill("half a sent")
        await page.locator("[data-channel=C0OPS]").click()
        await expect(page.locator("#channel-text")).to_have_value("")
        await page.locator("[data-channel=C0ALERTS]").click()
        await expect(page.locator("#channel-text")).to_have_value("half a sent")


class TestLabAndRunbook:
    async def test_the_services_are_shown_as_they_are(self, watch, one):
        page = await watch.open()
        card = page.locator(".service-row", has_text="buggy-app-v2")
        await expect(card).to_contain_text("unhealthy")
        await expect(card).to_contain_text("2 restarts · 320 MB")
        await expect(page.locator(".log.live")).to_contain_text("QueuePool limit")
        await page.locator(".service-row", has_text="orders-db").click()
        await expect(page.get_by_role("region", name="Newest log lines of orders-db")).to_contain_text("20 connections")
        one.lab.services[0] |= {"status": "exited", "exit_code": 137, "health": None}
        one.lab.changed()
        await expect(card).to_contain_text("exited 137")
        await expect(page.locator("#services")).to_contain_text("exited 137")

    async def test_something_is_broken_and_what_became_of_it_is_told(self, watch, one):
        page = await watch.open()
        await page.get_by_role("button", name="Hangs without an error").click()
        await expect(page.locator(".lab-said")).to_have_text("It is broken. The monitor notices within seconds.")
        await expect(page.locator(".notes")).to_contain_text("hang: begun")
        assert one.lab.done == ["hang"]
        await page.get_by_role("button", name="Database down").click()
        await expect(page.locator(".lab-said")).to_have_text("The engine does not answer. Start it again.")

    async def test_what_is_not_possible_now_says_so(self, watch, one):
        page = await watch.open()
        behind = page.get_by_role("button", name="Restart it behind Aegis's back")
        await expect(behind).to_have_attribute("aria-disabled", "true")
        # Playwright does not press what says that it is disabled; a person can.
        await behind.dispatch_event("click")
        await expect(page.locator(".lab-said")).to_contain_text("is not possible just now")
        assert one.lab.done == []

    async def test_a_new_entry_of_the_runbook_is_marked(self, watch, one):
        page = await watch.open()
        await page.locator("#show-runbook").click()
        entries = page.locator("#runbook .entry")
        await expect(entries).to_have_count(1)
        await expect(page.locator("#runbook .mark")).to_have_count(0)
        await page.locator("#tab-lab").click()
        one.lab.entries.append({**one.lab.entries[0], "id": "i9", "root_cause": "Again.", "outcome": "not_resolved"})
        one.lab.changed()
        await expect(page.locator("#show-runbook .count")).to_have_text("1 new")
        await page.locator("#show-runbook").click()
        await expect(entries.first).to_contain_text("Again.")
        await expect(entries.first.locator(".mark")).to_have_text("New")
        await expect(page.locator("#show-runbook .count")).to_be_hidden()
        await page.get_by_text("The file as it is").click()
        await expect(page.locator("#runbook .file")).to_be_visible()

    async def test_the_page_says_who_diagnoses_and_how_the_bot_is(self, watch, one):
        page = await watch.open()
        state = page.locator("#state")
        await expect(state).to_contain_text("Diagnosed by the rules: no GEMINI_API_KEY")
        await expect(state).to_contain_text("Aegis is connected")
        one.lab.bot = "stopped"
        one.lab.changed()
        await expect(state).to_contain_text("Aegis is not running")

    async def test_thread_and_lab_share_a_column_where_there_is_room_for_one(self, watch, one):
        page = await watch.open()
        await one.answer(await one.alert())
        await page.locator("#stream .thread-summary").click()
        await expect(page.locator("#panel")).to_be_hidden()
        await page.locator("#show-lab").click()
        await expect(page.locator("#panel")).to_be_visible()
        await expect(page.locator("#thread")).to_be_hidden()
        await page.locator("#panel-close").click()
        await expect(page.locator("#thread")).to_be_visible()
        await page.set_viewport_size({"width": 1600, "height": 900})
        await expect(page.locator("#panel")).to_be_visible()
        await expect(page.locator("#thread")).to_be_visible()
