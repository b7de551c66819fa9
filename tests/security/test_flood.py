"""A flood of alerts for what nobody knows: one menu, the rest counted, nothing lost, and Slack is answered in time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.incidents import unknown_targets
from bot.playground.slack.state.messages import Message
from bot.playground.slack.state.people import MONITOR
from bot.wiring import application
from tests.support.fakes import Clock
from tests.support.hostile_workspace import Stage


def unknown(number: int) -> dict[str, str]:
    title = f"[FIRING:1] ServiceDown (unknown-{number % 3} critical)"
    return {"color": "a30200", "title": title, "fallback": title, "text": f"is down, number {number}"}


async def flood(stage, count: int, channel: str = "C0ALERTS"):
    sent = [stage.slack.alert(channel, attachments=[unknown(n)], sender=MONITOR) for n in range(count)]
    return await asyncio.gather(*sent)


def menus(stage: Stage, channel: str = "C0ALERTS") -> list[Message]:
    return stage.slack.messages(channel, containing="Which one is it about?")


async def unhandled(stage: Stage) -> int:
    ((left,),) = await stage.rows("SELECT count(*) FROM alerts WHERE handled_at IS NULL")
    return int(left)


class Real(Clock):
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture(autouse=True)
def short(monkeypatch, stage):
    stage.clock = Real()
    monkeypatch.setattr(unknown_targets, "GATHERING_WINDOW", timedelta(seconds=5), raising=False)


async def handled(stage) -> None:
    for _ in range(600):
        if await unhandled(stage) == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("some are not handled")


@pytest.mark.parametrize("count", [5, 200])
async def test_the_first_gets_a_menu_and_the_rest_is_counted_beside_it(stage, count):
    async with stage.bot():
        await flood(stage, count)
        (said,) = await stage.slack.wait_for(
            lambda: stage.slack.messages("C0ALERTS", containing=f"{count - 1} more alerts"), 30
        )
        (menu,) = menus(stage)
        assert said.thread_ts == menu.thread_ts
        assert all(f"unknown-{n}" in said.words for n in range(3))
        await handled(stage)


async def test_a_few_get_a_menu_each(stage):
    async with stage.bot():
        await flood(stage, 4)
        await stage.slack.wait_for(lambda: len(menus(stage)) == 4, 30)
        await handled(stage)
        assert len({menu.thread_ts for menu in menus(stage)}) == 4


async def test_another_channel_has_a_menu_of_its_own(stage):
    async with stage.bot():
        await asyncio.gather(flood(stage, 6), flood(stage, 7, "C0OPS"))
        await stage.slack.wait_for(lambda: stage.slack.messages("C0ALERTS", containing="5 more alerts"), 30)
        await stage.slack.wait_for(lambda: stage.slack.messages("C0OPS", containing="6 more alerts"), 30)
        assert (len(menus(stage)), len(menus(stage, "C0OPS"))) == (1, 1)


async def test_what_was_not_counted_when_aegis_ends_is_counted_after_the_next_start(stage, monkeypatch):
    monkeypatch.setattr(unknown_targets, "GATHERING_WINDOW", timedelta(seconds=60))
    monkeypatch.setattr(application, "DRAIN_S", 0.1)
    async with stage.bot():
        await flood(stage, 8)
        await stage.slack.wait_for(lambda: all(one.acknowledged for one in stage.slack.deliveries))
        await stage.slack.wait_for(lambda: menus(stage))
    assert await unhandled(stage) >= 7
    monkeypatch.setattr(unknown_targets, "GATHERING_WINDOW", timedelta(seconds=2))
    async with stage.bot():
        await stage.slack.wait_for(lambda: stage.slack.messages("C0ALERTS", containing="more alerts"), 30)
        await handled(stage)


@pytest.mark.slow
async def test_slack_is_answered_in_time_in_a_flood_of_a_thousand(stage):
    async with stage.bot():
        for number in range(1000):
            await stage.slack.alert("C0ALERTS", attachments=[unknown(number)], sender=MONITOR)
            await asyncio.sleep(0.005)
        await stage.slack.wait_for(lambda: all(one.acknowledged for one in stage.slack.deliveries), 120)
        assert all(one.attempt == 0 for one in stage.slack.deliveries), "one came too late, so Slack sent it again"
        await handled(stage)
        counted = [
            int(one.words.split(" more")[0]) for one in stage.slack.messages("C0ALERTS", containing="more alerts")
        ]
        assert len(menus(stage)) + sum(counted) == 1000
        assert len(menus(stage)) < 10
