"""Faults 29 to 36: Slack is away, slow, or refuses; nothing is lost, nothing is said twice, and the work goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.incident import Press, State
from bot.errors import SlackError
from bot.playground.slack.faults import Fault
from bot.slack.delivery import outbox
from tests.incidents.test_responder import Bench
from tests.support.hostile_workspace import Stage


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


@pytest.mark.fault(30)
@pytest.mark.parametrize("started_anew", [False, True])
async def test_30_an_alert_of_two_hours_without_slack_gets_a_card_of_a_fresh_look_that_acts(
    bench: Bench, started_anew: bool
) -> None:
    bench.messenger.error = SlackError("Slack does not answer.", code="no_answer")
    unseen = await bench.fire()
    assert (unseen.state, unseen.card) == (State.PROPOSED, "")
    bench.clock.at += timedelta(hours=2)
    bench.messenger.error = None
    if started_anew:
        bench.build()
        await bench.recover()
    else:
        await bench.resume.catch_up()
    (late,) = await bench.store.recent()
    assert (late.id, late.state, late.opened_at) == (unseen.id, State.PROPOSED, unseen.opened_at)
    assert bench.containers.writes == []
    await bench.responder.act(Press("U0ONCALL", "T0", late.place, late.id, late.digest, late.card))
    assert bench.containers.restarts == 1
    assert [what for what, _, _ in bench.messenger.said].count("card") == 1


@pytest.mark.fault(30)
async def test_30_tries_get_rarer_up_to_five_minutes_while_slack_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def wait(waiting, pause):
        waiting.close()
        pauses.append(pause)
        if len(pauses) == 14:
            enough.set()
            await asyncio.Event().wait()
        raise TimeoutError

    class Away(outbox.Outbox):
        async def send_waiting(self) -> bool:
            return True

    monkeypatch.setattr(asyncio, "wait_for", wait)
    sending = asyncio.create_task(Away(None, None, None, None).keep_sending())  # type: ignore[arg-type]  # asks nobody
    await enough.wait()
    sending.cancel()
    assert pauses[1:4] == [1.0, 2.0, 4.0]
    assert pauses == sorted(pauses)
    assert set(pauses[-3:]) == {300.0}


@pytest.mark.fault(31)
async def test_31_while_slack_slows_posts_down_a_press_is_acknowledged_and_the_restart_done(stage: Stage) -> None:
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        stage.slack.rate_limit("chat.postMessage", retry_after=30, times=99)
        assert (await stage.slack.press("U0ONCALL", card, "restart")).ok
        await stage.stands(State.RESOLVED)
        assert len(stage.slack.called("chat.postMessage")) <= 2
    assert stage.engine.restarts == 1


@pytest.mark.fault(34)
@pytest.mark.parametrize("code", ["channel_not_found", "not_in_channel", "is_archived", "token_revoked"])
async def test_34_where_slack_refuses_the_channel_the_bot_says_how_to_mend_it_and_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    with caplog.at_level(logging.WARNING):
        async with stage.bot():
            stage.slack.fail("chat.postMessage", code, times=99)
            await stage.alert()
            await stage.slack.wait_for(lambda: stage.slack.called("chat.postMessage"))
            await stage.stands(State.PROPOSED)
            hint = {"is_archived": "Unarchive", "token_revoked": "SLACK_BOT_TOKEN"}.get(code, "/invite @aegis")
            assert hint in caplog.text
            stage.slack.faults.clear()
            second = await stage.alert(name="prod-db")
            await stage.card(second, button="rediagnose")
    assert stage.slack.bot_token not in caplog.text


@pytest.mark.fault(32)
@pytest.mark.parametrize("fault", [Fault(reset=True, after_effect=True), Fault(status=503, after_effect=True)])
async def test_32_a_card_whose_answer_was_lost_stands_once_and_acts(stage: Stage, fault: Fault) -> None:
    stage.slack.fail("chat.postMessage", fault)
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        assert [one for one in stage.slack.thread(alert) if "rediagnose" in one.buttons] == [card]
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.stands(State.RESOLVED)
    assert stage.engine.restarts == 1


@pytest.mark.fault(33)
async def test_33_a_card_whose_blocks_slack_refuses_says_the_same_in_words(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.bot():
        for method in ("chat.postMessage", "chat.update"):
            stage.slack.fail(method, Fault(error="invalid_blocks", fields={"errors": ["no more than 50 items"]}))
        alert = await stage.alert()
        (card,) = await stage.slack.wait_for(
            lambda: [one for one in stage.slack.thread(alert) if "held connections" in one.text]
        )
        assert card.blocks == []
        assert "buggy-app-v2" in card.text
    assert "no more than 50 items" in caplog.text
