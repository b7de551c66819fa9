"""Storms: many alerts, few cards, little of the model, no late acknowledgement; and what came twice counts once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bench.storm import Figures, attachment, blow, scene
from bot.adapters.llm import rate_limit
from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from bot.settings import load
from bot.wiring.application import running
from tests.http.test_webhook import TOKEN, free_port, group, post
from tests.test_wiring import environment

STORM_S = 60
"""The time in which the alerts of a storm arrive. A storm of half the time is late with acknowledgements on two busy
cores."""

MEMORY = 40.0
"""MB that a storm may cost at most, beside what the model's SDK takes when it is first used (about 45)."""


def held(found: Figures) -> None:
    """Check what must hold in every storm."""
    assert found.cards == found.targets
    assert found.counted == found.alerts
    assert found.model_calls <= rate_limit.MODEL_CALLS_A_MINUTE * (1 + found.seconds // 60)
    assert found.model_at_once <= rate_limit.MODEL_CALLS_AT_ONCE
    assert found.longest_acknowledgement < 3
    assert found.memory_most - found.memory_before < MEMORY + 45
    assert found.unhealthy == 0


@pytest.mark.fault(36, 65)
async def test_a_small_storm_is_one_card_for_each_target_that_counts(tmp_path: Path) -> None:
    async with scene(tmp_path, 4) as on:
        held(await blow(on, alerts=60, seconds=3))


@pytest.mark.fault(66)
@pytest.mark.slow
async def test_a_thousand_alerts_over_fifty_targets(tmp_path: Path) -> None:
    async with scene(tmp_path, 50) as on:
        held(await blow(on, alerts=1000, seconds=STORM_S))
        words = [card.words for card in on.cards()]
        assert sum("asked 20 times within a minute" in one for one in words) >= 10


@pytest.mark.fault(65)
@pytest.mark.slow
async def test_five_hundred_alerts_for_three_targets(tmp_path: Path) -> None:
    async with scene(tmp_path, 3) as on:
        found = await blow(on, alerts=500, seconds=STORM_S)
        held(found)
        assert found.model_calls == 3


@pytest.mark.fault(82)
@pytest.mark.slow
async def test_memory_stays_flat_from_one_storm_to_the_next(tmp_path: Path) -> None:
    async with scene(tmp_path, 10) as on:
        after = [(await blow(on, alerts=300, seconds=20, limited=False)).memory_after for _ in range(3)]
        assert after[2] - after[1] < 10


async def test_killed_in_the_middle_of_a_storm_it_counts_every_alert_and_posts_no_second_card(tmp_path: Path) -> None:
    async with scene(tmp_path, 4) as on:
        for number in range(40):
            await on.slack.alert("C0ALERTS", attachments=[attachment(on.names[number % 4])], sender=MONITOR)
        await on.slack.wait_for(on.cards)
        await on.bot.kill()
        await on.slack.wait_for(lambda: not on.slack.connections)
        await on.bot.start()
        await on.slack.connected(timeout=30)
        give_up = time.monotonic() + 30
        while (len(on.cards()), sum("restart" in one.buttons for one in on.cards())) != (4, 4):
            assert time.monotonic() < give_up, [one.words for one in on.cards()]
            await asyncio.sleep(0.2)


async def test_a_host_that_goes_down_is_one_message_with_the_list(tmp_path: Path) -> None:
    async with scene(tmp_path, 12) as on:
        await on.containers(lambda client, name: client.kill(name))
        await asyncio.gather(
            *(on.slack.alert("C0ALERTS", attachments=[attachment(name)], sender=MONITOR) for name in on.names)
        )
        await on.slack.wait_for(lambda: [one for one in on.cards() if "12 targets at once" in one.words], 30)
        (card,) = on.cards()
        assert all(name in card.words for name in on.names)


async def test_an_engine_out_of_reach_is_one_message_with_the_list(tmp_path: Path) -> None:
    async with scene(tmp_path, 12) as on:
        await on.engine.stop()
        for name in on.names:
            await on.slack.alert("C0ALERTS", attachments=[attachment(name)], sender=MONITOR)
        await on.slack.wait_for(lambda: [one for one in on.cards() if "12 targets at once" in one.words], 30)
        (card,) = on.cards()
        assert "restart" not in card.buttons
        assert all(name in card.words for name in on.names)
        await on.engine.start()


async def test_a_delivery_that_comes_again_after_a_restart_is_known(workspace: Workspace, tmp_path: Path) -> None:
    port = free_port()
    given = environment(
        workspace,
        tmp_path,
        AEGIS_HTTP_PORT=str(port),
        AEGIS_WEBHOOK_TOKEN=TOKEN,
        AEGIS_ALERT_CHANNELS="C0ALERTS",
        AEGIS_RESTART_ALLOWLIST="web",
    )
    for duplicate in (None, True, True):
        async with running(load(given, env_file=None)):
            await workspace.connected()
            said = await post(port, "alertmanager", group("web"))
            assert said.body.get("duplicate") is duplicate
        await workspace.wait_for(lambda: not workspace.connections)
