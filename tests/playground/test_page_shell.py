"""The page in a real browser: channels and what is new there, threads, and a connection that was cut."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.playground import shell
from tests.playground.shell import row

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

# Where pytest looks for fixtures.
browser, one, watch = shell.browser, shell.one, shell.watch


class TestChannels:
    async def test_a_message_appears_with_its_author_and_time(self, watch, one):
        page = await watch.open()
        await one.workspace.say("U0SECOND", "C0ALERTS", "deploying <@U0ONCALL>")
        message = row(page, "deploying")
        await expect(message.locator(".author")).to_have_text("Sasha Second")
        await expect(message.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
        await expect(message.locator(".avatar")).to_have_text("SS")
        await expect(message).to_contain_text("@Ona Call")
        await expect(page.locator(".day-line")).to_have_text("Today")

    async def test_an_alert_shows_its_sender_as_a_program_and_its_reactions(self, watch, one):
        page = await watch.open()
        await one.answer(await one.alert())
        alert = row(page, "BuggyAppDown")
        await expect(alert.locator(".badge")).to_have_text("App")
        await expect(alert.locator(".reaction")).to_contain_text("👀")
        await expect(alert.locator(".reaction")).to_have_attribute("title", "Aegis reacted with :eyes:")

    async def test_what_is_new_is_counted_until_it_is_read(self, watch, one):
        page = await watch.open()
        ops = page.locator("[data-channel=C0OPS]")
        for number in range(3):
            await one.workspace.say("U0SECOND", "C0OPS", f"number {number}")
        await expect(ops).to_have_attribute("aria-label", "ops, 3 new")
        assert (await page.title()).startswith("(3) ")
        await ops.click()
        await expect(ops).to_have_attribute("aria-label", "ops")
        await expect(ops).to_have_attribute("aria-current", "page")
        await page.locator("[data-channel=C0ALERTS]").click()
        await one.workspace.say("U0SECOND", "C0OPS", "number 3")
        await expect(ops).to_have_attribute("aria-label", "ops, 1 new")
        await ops.click()
        await expect(page.locator(".new-line")).to_be_visible()
        await watch.reload(page)
        await expect(ops).to_have_attribute("aria-label", "ops")

    async def test_what_one_wrote_oneself_is_not_new(self, watch, one):
        page = await watch.open()
        await one.workspace.say("U0ONCALL", "C0OPS", "mine")
        await one.workspace.say("U0SECOND", "C0OPS", "not mine")
        await expect(page.locator("[data-channel=C0OPS]")).to_have_attribute("aria-label", "ops, 1 new")

    async def test_a_deleted_message_goes_and_a_changed_one_says_so(self, watch, one):
        page = await watch.open()
        first = await one.workspace.say("U0SECOND", "C0ALERTS", "first")
        second = await one.workspace.say("U0SECOND", "C0ALERTS", "second")
        await one.workspace.delete(first)
        await one.workspace.edit(second, "better")
        await expect(row(page, "better")).to_contain_text("(edited)")
        await expect(row(page, "first")).to_have_count(0)

    async def test_outside_text_is_never_read_as_html(self, watch, one):
        page = await watch.open()
        text = "&lt;img src=x onerror=\"document.title='gone'\"&gt;&lt;script&gt;1&lt;/script&gt;"
        await one.workspace.alert("C0ALERTS", text)
        one.lab.notes.append({"at": "2026-11-22T10:02:00Z", "text": "<img src=x>"})
        one.lab.changed()
        await expect(row(page, "<img src=x")).to_be_visible()
        await expect(page.locator(".notes")).to_contain_text("<img src=x>")
        assert await page.locator("img").count() == 0

    async def test_the_newest_message_stays_in_sight_unless_one_reads_above(self, watch, one):
        page = await watch.open()
        for number in range(40):
            await one.workspace.say("U0SECOND", "C0ALERTS", f"line {number}")
        await expect(row(page, "line 39")).to_be_in_viewport()
        await page.locator("#stream").evaluate("(box) => box.scrollTo(0, 0)")
        await expect(page.locator("#messages .jump")).to_be_visible()
        await one.workspace.say("U0SECOND", "C0ALERTS", "below")
        await expect(page.locator("[data-channel=C0ALERTS]")).to_have_attribute("aria-label", "alerts, 1 new")
        await expect(row(page, "below")).not_to_be_in_viewport()
        await page.locator("#messages .jump").click()
        await expect(row(page, "below")).to_be_in_viewport()
        await expect(page.locator("[data-channel=C0ALERTS]")).to_have_attribute("aria-label", "alerts")

    async def test_screen_readers_hear_what_comes(self, watch, one):
        page = await watch.open()
        await one.workspace.say("U0SECOND", "C0OPS", "all quiet")
        await expect(page.locator("#said[aria-live=polite]")).to_contain_text("Sasha Second in #ops: all quiet")


class TestThreads:
    async def test_a_reply_shows_in_the_summary_and_opens_on_a_press(self, watch, one):
        page = await watch.open()
        alert = await one.alert()
        await one.answer(alert)
        summary = page.locator("#stream .thread-summary")
        await expect(summary).to_contain_text("1 reply")
        await expect(summary).to_contain_text("1 new")
        await expect(page.locator("#thread")).to_be_hidden()
        await summary.click()
        await expect(row(page, "connection pool exhausted", "#thread")).to_be_visible()
        await expect(summary).not_to_contain_text("new")
        await one.workspace.say("U0SECOND", "C0ALERTS", "I have seen this", thread_ts=alert.ts)
        await expect(page.locator("#thread .count-line")).to_have_text("2 replies")
        await expect(summary).to_contain_text("I have seen this")

    async def test_a_reply_is_written_in_the_pane(self, watch, one):
        page = await watch.open()
        alert = await one.alert()
        await row(page, "BuggyAppDown").hover()
        await page.get_by_role("button", name=re.compile("^Reply in thread")).click()
        await expect(page.locator("#thread-text")).to_be_focused()
        await page.keyboard.type("Looking.")
        await page.keyboard.press("Enter")
        await expect(row(page, "Looking.", "#thread")).to_be_visible()
        assert [reply.text for reply in one.workspace.thread(alert)] == ["Looking."]
        await page.keyboard.type("/aegis status")
        await page.keyboard.press("Enter")
        await expect(page.locator("#thread-says")).to_have_text(
            "/aegis does not work in threads. Type it in the channel."
        )

    async def test_escape_closes_the_pane_and_the_focus_returns(self, watch, one):
        page = await watch.open()
        await one.answer(await one.alert())
        summary = page.locator("#stream .thread-summary")
        await summary.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#thread-title")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.locator("#thread")).to_be_hidden()
        await expect(summary).to_be_focused()


class TestTheFirstCard:
    @pytest.mark.parametrize("size", [shell.WIDE, shell.PHONE], ids=["wide", "phone"])
    async def test_its_thread_opens_by_itself_with_the_button_in_sight(self, watch, one, size):
        page = await watch.open(size, newcomer=True)
        alert = await one.alert()
        await expect(row(page, "BuggyAppDown")).to_be_visible()
        await expect(page.locator("#thread")).to_be_hidden()
        await one.answer(alert)
        await expect(page.locator("#thread .bk-danger")).to_be_in_viewport(ratio=1)
        await expect(row(page, "connection pool exhausted", "#thread")).to_be_visible()
        await shell.no_sideways_scrolling(page)

    async def test_the_focus_stays_where_it_is(self, watch, one):
        page = await watch.open(newcomer=True)
        await page.locator("#channel-text").focus()
        await one.answer(await one.alert())
        await expect(page.locator("#thread")).to_be_visible()
        await expect(page.locator("#channel-text")).to_be_focused()
        await page.keyboard.type("Loo")
        await expect(page.locator("#channel-text")).to_have_value("Loo")

    async def test_on_a_phone_the_focus_goes_to_the_thread_that_covers_all(self, watch, one):
        page = await watch.open(shell.PHONE, newcomer=True)
        await page.locator("#channel-text").focus()
        await one.answer(await one.alert())
        await expect(page.locator("#thread-title")).to_be_focused()

    async def test_a_card_that_was_there_before_the_page_opens_too(self, watch, one):
        await one.answer(await one.alert())
        page = await watch.open(newcomer=True)
        await expect(page.locator("#thread .bk-danger")).to_be_visible()

    async def test_it_happens_once(self, watch, one):
        page = await watch.open(newcomer=True)
        await one.answer(await one.alert())
        await page.get_by_role("button", name="Close the thread").click()
        await one.answer(await one.alert("Another"))
        await expect(page.locator("#stream .thread-summary")).to_have_count(2)
        await expect(page.locator("#thread")).to_be_hidden()
        await watch.reload(page)
        await expect(page.locator("#stream .thread-summary")).to_have_count(2)
        await expect(page.locator("#thread")).to_be_hidden()

    async def test_a_thread_that_the_person_opened_stays(self, watch, one):
        page = await watch.open(newcomer=True)
        await one.alert("Looked into")
        await row(page, "Looked into").hover()
        await page.get_by_role("button", name=re.compile("^Reply in thread")).click()
        await one.answer(await one.alert("Another"))
        await expect(page.locator("#stream .thread-summary")).to_have_count(1)
        await expect(row(page, "Looked into", "#thread")).to_be_visible()

    async def test_it_waits_while_the_person_writes_or_is_elsewhere(self, watch, one):
        page = await watch.open(shell.PHONE, newcomer=True)
        await page.locator("#channel-text").press_sequentially("I loo")
        alert = await one.alert()
        await one.answer(alert)
        await expect(page.locator("#stream .thread-summary")).to_have_count(1)
        await expect(page.locator("#thread")).to_be_hidden()
        await page.locator("#channel-text").press_sequentially("k")
        await page.keyboard.press("Enter")
        await expect(page.locator("#thread .bk-danger")).to_be_visible()

    async def test_what_needs_no_press_opens_nothing(self, watch, one):
        page = await watch.open(newcomer=True)
        alert = await one.alert()
        await one.workspace.say("U0SECOND", "C0ALERTS", "Looking.", thread_ts=alert.ts)
        await expect(page.locator("#stream .thread-summary")).to_have_count(1)
        await expect(page.locator("#thread")).to_be_hidden()

    async def test_the_end_comes_into_sight_when_something_follows(self, watch, one):
        page = await watch.open(shell.PHONE, newcomer=True)
        alert = await one.alert()
        await one.answer(alert)
        await expect(page.locator("#thread .bk-danger")).to_be_in_viewport(ratio=1)
        await one.workspace.say("U0SECOND", "C0ALERTS", "It is well again.", thread_ts=alert.ts)
        await expect(row(page, "It is well again.", "#thread")).to_be_in_viewport(ratio=1)


class TestTheConnection:
    async def test_after_a_cut_the_page_comes_back_and_shows_what_it_missed(self, watch, one):
        watch.forgiven = re.compile("WebSocket connection to|ERR_CONNECTION_REFUSED|ERR_NETWORK_CHANGED")
        page = await watch.open()
        workspace = one.workspace
        await workspace.stop()
        await expect(page.locator("#away")).to_contain_text("The connection to the demo is lost")
        await page.locator("#channel-text").fill("does not get through")
        await page.keyboard.press("Enter")
        await expect(page.locator("#channel-says")).to_contain_text("The page is not connected to the demo.")
        await workspace.say("U0SECOND", "C0ALERTS", "said meanwhile")
        await workspace.start()
        await expect(page.locator("#away")).to_be_empty()
        await expect(row(page, "said meanwhile")).to_be_visible()
        await expect(page.locator("#channel-text")).to_have_value("does not get through")
