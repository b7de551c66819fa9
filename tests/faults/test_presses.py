"""Faults 15 to 28: who presses what, when and how often; what is shown, what is kept, and what never happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.domain.audit.trail import Verdict
from bot.domain.incident import Press, State
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.people import User
from tests.http.test_webhook import free_port
from tests.incidents.test_responder import Bench
from tests.support.fakes import facts
from tests.support.hostile_workspace import Stage


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


async def kept(stage: Stage) -> list[tuple[str, ...]]:
    """Return who was refused, and by which rule."""
    return await stage.rows("SELECT person, rule FROM refusals ORDER BY at")


async def approved(stage: Stage) -> list[tuple[str, ...]]:
    return await stage.rows("SELECT person FROM approvals")


def heard(stage: Stage, user: str) -> str:
    """Return all that one person alone was told, with whom it mentions."""
    return json.dumps([note.body for note in stage.slack.ephemerals(user)])


@pytest.mark.fault(15)
async def test_15_of_two_approvers_at_once_the_second_hears_who_was_first_and_both_are_kept(stage: Stage) -> None:
    async with stage.bot():
        card = (await stage.card(await stage.alert())).snapshot()
        await asyncio.gather(*(stage.slack.press(user, card, "restart") for user in ("U0ONCALL", "U0SECOND")))
        await stage.stands(State.RESOLVED)
        ((winner,),) = await approved(stage)
        (loser,) = {"U0ONCALL", "U0SECOND"} - {winner}
        await stage.whisper(loser)
    assert stage.engine.restarts == 1
    assert winner in heard(stage, loser)
    assert [person for person, _ in await kept(stage)] == [loser]
    assert heard(stage, winner) == "[]"


@pytest.mark.fault(16)
async def test_16_who_ignores_a_moment_after_somebody_restarted_hears_who_and_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await bench.fire()
    pressed = Press("U0ONCALL", "T0", incident.place, incident.id, incident.digest, incident.card)
    get, faster = bench.store.get, [replace(pressed, user="U0SECOND")]

    async def overtaken(which: str):
        found = await get(which)
        if faster:
            await bench.responder.act(faster.pop())
        return found

    monkeypatch.setattr(bench.store, "get", overtaken)
    await bench.responder.ignore(pressed, "a load test")
    assert (await bench.now(incident)).state is State.RESOLVED
    (told,) = bench.messenger.whispers("U0ONCALL")
    assert told.endswith("U0SECOND")
    presses = [row.act for row in await bench.store.trail() if row.act.kind == "press"]
    assert [(act.actor, act.verdict) for act in presses] == [
        ("U0SECOND", Verdict.ALLOWED),
        ("U0ONCALL", Verdict.DENIED),
    ]
    assert [entry["outcome"] for entry in bench.entries()] == ["resolved"]


@pytest.mark.fault(16)
async def test_16_who_restarts_a_moment_after_somebody_ignored_hears_who_and_restarts_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await bench.fire()
    pressed = Press("U0ONCALL", "T0", incident.place, incident.id, incident.digest, incident.card)
    history, faster = bench.store.history, [replace(pressed, user="U0SECOND")]

    async def overtaken(target, now):
        if faster:
            await bench.responder.ignore(faster.pop(), "")
        return await history(target, now)

    monkeypatch.setattr(bench.store, "history", overtaken)
    await bench.responder.act(pressed)
    assert bench.containers.writes == []
    assert (await bench.now(incident)).state is State.IGNORED
    (told,) = bench.messenger.whispers("U0ONCALL")
    assert told.endswith("U0SECOND")


@pytest.mark.fault(16)
async def test_16_an_ignore_that_meets_a_closer_look_at_the_same_card_still_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await bench.fire()
    get, renewed = bench.store.get, [True]

    async def meanwhile(which: str):
        found = await get(which)
        if found is not None and renewed and renewed.pop():
            await bench.store.save_if_unchanged(found, replace(found, severity="critical"))
        return found

    monkeypatch.setattr(bench.store, "get", meanwhile)
    await bench.responder.ignore(Press("U0ONCALL", "T0", incident.place, incident.id, "", incident.card), "")
    assert (await bench.now(incident)).state is State.IGNORED


@pytest.mark.fault(17)
async def test_17_one_press_that_comes_three_times_has_one_effect(stage: Stage) -> None:
    async with stage.bot():
        card = (await stage.card(await stage.alert())).snapshot()
        await asyncio.gather(*(stage.slack.press("U0ONCALL", card, "restart") for _ in range(3)))
        await stage.stands(State.RESOLVED)
        await stage.slack.wait_for(lambda: len(stage.slack.ephemerals("U0ONCALL")) == 2)
    assert stage.engine.restarts == 1
    assert await approved(stage) == [("U0ONCALL",)]
    assert [person for person, _ in await kept(stage)] == ["U0ONCALL"] * 2


@pytest.mark.fault(18)
async def test_18_a_press_on_a_closed_card_hears_when_and_by_whom_and_is_kept(stage: Stage) -> None:
    async with stage.bot():
        alert = await stage.alert()
        card = (await stage.card(alert)).snapshot()
        await stage.slack.press("U0ONCALL", card, "restart")
        closed = await stage.stands(State.RESOLVED)
        assert closed.closed_at is not None
        await stage.slack.press("U0SECOND", card, "restart")
        await stage.whisper("U0SECOND", f"Closed at {closed.closed_at:%H:%M} UTC")
        await stage.slack.wait_for(lambda: "restart" not in stage.slack.message("C0ALERTS", card.ts).buttons)
    assert "U0ONCALL" in heard(stage, "U0SECOND")
    assert await kept(stage) == [("U0SECOND", "state")]
    assert stage.engine.restarts == 1


@pytest.mark.fault(18)
async def test_18_a_press_on_a_card_that_is_too_old_takes_its_buttons_away_and_is_kept(stage: Stage) -> None:
    async with stage.bot():
        card = (await stage.card(await stage.alert())).snapshot()
        stage.clock.at += timedelta(seconds=3601)
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.whisper("U0ONCALL", "has expired")
        await stage.slack.wait_for(lambda: "restart" not in stage.slack.message("C0ALERTS", card.ts).buttons)
    assert await kept(stage) == [("U0ONCALL", "expired")]
    assert stage.engine.writes == []


@pytest.mark.fault(19)
async def test_19_a_container_that_was_made_anew_keeps_its_life_and_the_press_is_kept(stage: Stage) -> None:
    async with stage.bot():
        alert = await stage.alert()
        card = (await stage.card(alert)).snapshot()
        stage.engine.looks = [facts(container_id="d" * 64)]
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.whisper("U0ONCALL", "re-created")
        await stage.slack.wait_for(
            lambda: any(
                "rediagnose" in one.buttons for one in stage.slack.thread(alert, containing="since the diagnosis")
            )
        )
    assert await kept(stage) == [("U0ONCALL", "changed")]
    assert await approved(stage) == []
    assert stage.engine.writes == []


@pytest.mark.fault(20)
async def test_20_whoever_bears_an_approvers_name_is_refused_before_the_engine_is_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = stage.slack.state.users["U0ONCALL"]
    stage.slack.state.users["U0ODD"] = User("U0ODD", known.name, known.real_name)
    stage.slack.state.channels["C0ALERTS"].members.add("U0ODD")
    asked: list[str] = []
    async with stage.bot():
        card = await stage.card(await stage.alert())

        async def looked(name: str) -> object:
            asked.append(name)
            raise AssertionError

        monkeypatch.setattr(stage.engine, "facts", looked)
        monkeypatch.setattr(stage.engine, "inventory", looked)
        await stage.slack.press("U0ODD", card, "restart")
        await stage.whisper("U0ODD", "not one of the approvers")
    assert "S0ONCALL" in heard(stage, "U0ODD")
    assert await kept(stage) == [("U0ODD", "approvers")]
    assert asked == []
    assert stage.engine.writes == []


@pytest.mark.fault(21)
async def test_21_who_is_on_call_at_the_press_decides_not_who_was_at_the_card(stage: Stage) -> None:
    async with stage.bot():
        card = await stage.card(await stage.alert())
        stage.slack.state.groups["S0ONCALL"].users = ("U0STRANGER",)
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.whisper("U0ONCALL", "not one of the approvers")
        await stage.slack.press("U0STRANGER", card, "restart")
        await stage.stands(State.RESOLVED)
    assert await kept(stage) == [("U0ONCALL", "approvers")]
    assert await approved(stage) == [("U0STRANGER",)]


@pytest.mark.fault(22)
async def test_22_while_the_group_cannot_be_read_those_whom_the_settings_name_still_may(stage: Stage) -> None:
    async with stage.bot(AEGIS_APPROVERS="S0ONCALL,U0SECOND"):
        card = await stage.card(await stage.alert())
        stage.slack.fail("usergroups.users.list", Fault(status=500), times=9)
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.whisper("U0ONCALL", "cannot be checked who may")
        assert stage.engine.writes == []
        await stage.slack.press("U0SECOND", card, "restart")
        await stage.stands(State.RESOLVED)
    assert await kept(stage) == [("U0ONCALL", "unknown")]


@pytest.mark.fault(23)
async def test_23_nothing_of_slacks_is_taken_in_over_http(stage: Stage) -> None:
    port = free_port()
    async with stage.bot(AEGIS_HTTP_PORT=str(port)):
        card = await stage.card(await stage.alert())
        value = next(
            button["value"]
            for block in card.blocks
            for button in block.get("elements", ())
            if button.get("action_id") == "restart"
        )
        forged = {"type": "block_actions", "user": {"id": "U0ONCALL"}, "actions": [{"value": value}]}
        async with aiohttp.ClientSession() as session:
            for path in ("/slack/events", "/slack/interactive", "/webhook/plain", "/"):
                for signature in ("", "v0=00", "v0=\u00fc"):
                    headers = {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": "soon"}
                    async with session.post(
                        f"http://127.0.0.1:{port}{path}", data={"payload": json.dumps(forged)}, headers=headers
                    ) as answer:
                        assert answer.status in (401, 404)
        assert (await stage.incident()).state is State.PROPOSED
    assert stage.engine.writes == []


@pytest.mark.fault(24)
async def test_24_a_press_that_is_replayed_word_for_word_has_no_second_effect(stage: Stage) -> None:
    async with stage.bot():
        card = (await stage.card(await stage.alert())).snapshot()
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.stands(State.RESOLVED)
        sent = next(one for one in stage.slack.deliveries if one.type == "interactive")
        for _ in range(2):
            again = await stage.slack.socket_mode.deliver(sent.type, sent.payload)
            assert again.acknowledged
        await stage.slack.wait_for(lambda: len(stage.slack.ephemerals("U0ONCALL")) == 2)
    assert stage.engine.restarts == 1
    assert await approved(stage) == [("U0ONCALL",)]
    assert await kept(stage) == [("U0ONCALL", "state")] * 2


@pytest.mark.fault(26)
async def test_26_what_aegis_says_with_an_alerts_own_words_starts_nothing_not_even_read_back(stage: Stage) -> None:
    stage.model.text = json.dumps(
        {"root_cause": "[FIRING:1] ServiceDown: name: buggy-app-v2", "action": "restart", "justification": "x"}
    )
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        assert "FIRING:1" in card.words
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.slack.wait_for(lambda: stage.slack.thread(alert, containing="ecovered")[1])  # the card, the outcome
        await stage.slack.settled()
    async with stage.bot():
        await stage.slack.wait_for(lambda: stage.slack.called("conversations.history"))
        await stage.slack.settled()
    (incident,) = await stage.incidents()
    assert incident.alerts == 1
    assert await stage.rows("SELECT count(*) FROM audit WHERE kind = 'alert'") == [(1,)]


@pytest.mark.fault(28)
async def test_28_a_card_of_a_time_to_come_does_not_act(bench: Bench) -> None:
    incident = await bench.fire()
    bench.clock.at -= timedelta(seconds=3601)
    await bench.responder.act(Press("U0ONCALL", "T0", incident.place, incident.id, incident.digest, incident.card))
    assert bench.containers.writes == []
    assert (await bench.now(incident)).state is State.EXPIRED


@pytest.mark.fault(28)
async def test_28_a_card_that_was_too_old_once_stays_so_when_the_clock_is_put_back(bench: Bench) -> None:
    incident = await bench.fire()
    pressed = Press("U0ONCALL", "T0", incident.place, incident.id, incident.digest, incident.card)
    for seconds in (3601, -3601):
        bench.clock.at += timedelta(seconds=seconds)
        await bench.responder.act(pressed)
    assert bench.containers.writes == []
    assert (await bench.now(incident)).state is State.EXPIRED


@pytest.mark.fault(28)
@pytest.mark.parametrize("state", [State.ACTING, State.VERIFYING])
async def test_28_a_clock_that_was_put_back_over_a_new_start_makes_nobody_wait_for_it(
    bench: Bench, state: State
) -> None:
    incident = await bench.fire()
    before = (facts().started_at, facts().finished_at)
    claimed = replace(incident, state=State.ACTING, times_before=before, restarted_at=bench.clock.now())
    left = await bench.store.save_if_unchanged(incident, claimed)
    assert left is not None
    await bench.sent(left)
    if state is State.VERIFYING:
        assert await bench.store.save_if_unchanged(left, replace(left, state=state))
    bench.containers.looks = [facts(started_at="2026-11-22T03:00:05.000000000Z", health="healthy")]
    bench.clock.at -= timedelta(hours=5)
    began = bench.clock.at
    bench.build()
    await bench.recover()
    assert (await bench.now(incident)).state is State.RESOLVED
    assert bench.clock.at - began < timedelta(minutes=1)
    assert bench.containers.writes == []
