"""Faults 1 to 13: Aegis is killed or ended at one moment of its work, and the next start does what is right."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.incident import State
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.messages import Message
from tests.playground.conftest import without_proxies
from tests.support.bot_process import Scene, scene
from tests.support.gemini_endpoint import hangs

LATER = timedelta(minutes=2)
"""By then a restart that was not carried out cannot be in flight any more."""


@pytest.fixture
async def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    without_proxies(monkeypatch)
    async with scene(tmp_path, monkeypatch) as made:
        await made.container()
        yield made


async def asked_again(on: Scene, alert: Message) -> None:
    """Check that nothing is restarted, that the thread says so, and that a person may press a fresh card at once."""
    before = await on.started_at()
    async with on.bot(later=LATER):
        told = await on.said(alert, "othing was restarted")
        assert "rediagnose" in told.buttons
        assert (await on.until(state=State.INTERRUPTED, finalized=True)).restarted_at is None
        assert await on.started_at() == before
        await on.slack.press("U0SECOND", told, "rediagnose")
        await on.card(alert)
    assert on.entries() == []


async def recovered(on: Scene, alert: Message) -> None:
    """Check that the next start verifies what was sent before it, tells it once and restarts nothing."""
    async with on.bot():
        await on.said(alert, "200 ×2")
        await on.until(state=State.RESOLVED, finalized=True)
    assert on.door.acts == ["restart"]
    assert len(on.outcomes(alert)) == 1
    assert [entry["outcome"] for entry in on.entries()] == ["resolved"]


@pytest.mark.fault(1)
async def test_01_killed_before_an_alert_is_on_disk_slack_brings_it_again(on: Scene) -> None:
    process = await on.process()
    with on.database_held():
        alert = await on.alert()
        await on.slack.wait_for(lambda: on.slack.deliveries)
        await on.kill(process)
    assert not any(one.acknowledged for one in on.slack.deliveries)
    async with on.bot():
        await on.card(alert)
        await on.slack.settled()
    assert len(on.cards(alert)) == len(await on.incidents()) == 1


@pytest.mark.fault(2)
async def test_02_killed_while_the_model_is_asked_the_next_start_diagnoses_once(on: Scene) -> None:
    on.model.script(hangs())
    process = await on.process()
    alert = await on.alert()
    await on.model.asked()
    await on.kill(process)
    async with on.bot(later=LATER):
        card = await on.card(alert)
        await on.said(alert, "Aegis was interrupted while it looked at this")
    assert "gemini" in card.words.lower()
    assert len(on.cards(alert)) == len(await on.incidents()) == 1


@pytest.mark.fault(3)
async def test_03_killed_before_it_learned_where_its_card_stands_there_is_no_second_card(on: Scene) -> None:
    on.slack.fail("chat.postMessage", Fault(hang=True, after_effect=True))
    process = await on.process()
    alert = await on.alert()
    await on.slack.wait_for(lambda: on.cards(alert))
    await on.kill(process)
    assert [incident.card for incident in await on.incidents()] == [""]
    async with on.bot():
        card = await on.card(alert)
    assert len(on.cards(alert)) == 1
    assert [incident.card for incident in await on.incidents()] == [card.ts]


@pytest.mark.fault(4)
async def test_04_killed_before_a_press_is_on_disk_the_button_still_works(on: Scene) -> None:
    process = await on.process()
    alert = await on.alert()
    await on.card(alert)
    on.slack.fail("users.info", Fault(hang=True), times=2)
    await on.pressed(alert)
    await on.slack.wait_for(lambda: on.slack.called("users.info"))
    await on.kill(process)
    assert on.rows("SELECT count(*) FROM approvals") == [(0,)]
    assert "U0ONCALL" not in json.dumps((await on.card(alert)).body)
    async with on.bot():
        await on.pressed(alert)
        await on.until(state=State.RESOLVED)
    assert on.door.acts == ["restart"]


@pytest.mark.fault(5)
async def test_05_killed_between_approval_and_restart_a_person_is_asked_again(on: Scene) -> None:
    process = await on.process()
    alert = await on.alert()
    await on.card(alert)
    seen = len(on.slack.called("chat.update"))
    on.slack.fail("chat.update", Fault(hang=True), times=9)
    await on.pressed(alert)
    await on.slack.wait_for(lambda: len(on.slack.called("chat.update")) > seen)
    await on.kill(process)
    assert on.rows("SELECT person FROM approvals") == [("U0ONCALL",)]
    assert on.rows("SELECT count(*) FROM audit WHERE kind = 'engine'") == [(0,)]
    await asked_again(on, alert)
    assert on.door.acts == []


@pytest.mark.fault(6)
async def test_06_killed_before_the_restart_left_it_is_not_sent_by_guess(on: Scene) -> None:
    process = await on.process()
    on.door.hold = "before"
    alert = await on.alert()
    await on.pressed(alert)
    await on.door.reached.wait()
    await on.kill(process)
    assert on.rows("SELECT count(*) FROM audit WHERE kind = 'engine'") == [(1,)]
    await asked_again(on, alert)
    assert on.door.acts == ["restart"], "the one that never came through the door"


@pytest.mark.fault(7, 8)
@pytest.mark.parametrize("moment", ["sent", "answered"])
async def test_07_and_08_killed_while_or_after_it_is_restarted_the_next_start_only_verifies(
    on: Scene, moment: str
) -> None:
    process = await on.process()
    before = await on.started_at()
    on.door.hold = moment
    alert = await on.alert()
    await on.pressed(alert)
    await on.door.reached.wait()
    await on.kill(process)
    await recovered(on, alert)
    assert await on.started_at() != before


@pytest.mark.fault(9)
async def test_09_killed_while_it_verifies_what_was_good_before_does_not_count(on: Scene) -> None:
    process = await on.process()
    on.service.answers = 1
    alert = await on.alert()
    await on.pressed(alert)
    await on.service.held.wait()
    await on.kill(process)
    on.service.status = 503
    async with on.bot(later=LATER):
        await on.said(alert, "503")
        await on.until(state=State.UNRESOLVED)
    assert on.door.acts == ["restart"]


@pytest.mark.fault(10)
@pytest.mark.parametrize("heard", [True, False])
async def test_10_killed_while_the_thread_is_told_it_is_told_once(on: Scene, heard: bool) -> None:
    process = await on.process()
    alert = await on.alert()
    await on.card(alert)
    seen = len(on.slack.called("chat.postMessage"))
    on.slack.fail("chat.postMessage", Fault(hang=True, after_effect=heard))
    await on.pressed(alert)
    await on.slack.wait_for(lambda: len(on.slack.called("chat.postMessage")) > seen, 20)
    await on.slack.wait_for(lambda: len(on.outcomes(alert)) == heard)
    await on.kill(process)
    async with on.bot(later=LATER):
        await on.until(state=State.RESOLVED, finalized=True)
    assert len(on.outcomes(alert)) == 1
    assert on.door.acts == ["restart"]


OLD = [{"id": "old", "target": "web", "root_cause": "a full disk", "action": "ignore", "justification": "by hand"}]


@pytest.mark.fault(11)
async def test_11_killed_while_the_runbook_is_written_the_entry_comes_at_the_next_start(on: Scene) -> None:
    (on.folder / "runbook.json").write_text(json.dumps(OLD))
    process = await on.process()
    alert = await on.alert()
    with on.runbook_held():
        await on.pressed(alert)
        await on.until(announced=True)
        await on.kill(process)
    assert on.entries() == OLD
    async with on.bot():
        await on.until(finalized=True)
    assert [entry.get("outcome") for entry in on.entries()] == [None, "resolved"]
    assert len(on.outcomes(alert)) == 1


@pytest.mark.fault(12)
async def test_12_killed_before_the_runbooks_entry_is_noted_it_is_not_written_twice(on: Scene) -> None:
    process = await on.process()
    alert = await on.alert()
    with on.runbook_held():
        await on.pressed(alert)
        await on.until(announced=True)
        held = on.database_held()
        held.__enter__()
    await on.written()
    await on.kill(process)
    held.__exit__(None, None, None)
    assert not (await on.until(announced=True)).finalized
    async with on.bot():
        await on.until(finalized=True)
    assert [entry["outcome"] for entry in on.entries()] == ["resolved"]


@pytest.mark.fault(13)
async def test_13_ended_by_a_deploy_it_does_not_wait_for_the_restart_and_the_next_start_verifies(on: Scene) -> None:
    process = await on.process()
    on.service.status = 503
    on.door.hold = "sent"
    alert = await on.alert()
    await on.pressed(alert)
    await on.door.reached.wait()
    on.door.hold = ""
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 14) == 0, "orchestrators kill after ten seconds"
    on.service.status = 200
    await recovered(on, alert)
