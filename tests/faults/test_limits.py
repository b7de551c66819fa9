"""Too much of everything, and settings that change between a card and its press."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.guard import Permit, Refusal
from bot.domain.incident import Incident, Press, State
from bot.domain.target import KnownTarget, parse_target
from bot.incidents import closing
from bot.slack.views import card as views
from tests.incidents.test_responder import POLICY, Bench, press
from tests.support.fakes import alert, facts


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


def restart_buttons(incident: Incident) -> list[str]:
    """Return what a press of Restart on this card would carry."""
    return [
        element["value"]
        for block in views.card(incident).blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == "restart"
    ]


async def restarted(bench: Bench, ts: str, at: int) -> Incident:
    """Fire an alert, and press Restart; the container is restarted for the ``at``-th time."""
    incident = await bench.fire(ts=ts)
    await bench.responder.act(press(incident))
    bench.containers.looks = [facts(started_at=f"2026-11-22T03:0{at}:05.000000000Z")]
    return await bench.now(incident)


@pytest.mark.fault(67)
async def test_67_after_three_restarts_in_ten_minutes_there_is_no_button_and_a_press_does_nothing(bench: Bench) -> None:
    bench.plan = replace(bench.plan, policy=replace(POLICY, cooldown=0))
    bench.build()
    for number in (1, 2, 3):
        assert (await restarted(bench, f"{number}.1", number)).approval is not None
        bench.clock.at += timedelta(minutes=3)
    incident = await bench.fire(ts="4.1")
    assert isinstance(incident.verdict, Refusal)
    assert incident.verdict.rule == "limit"
    assert "3 times within the hour; another restart will not fix it. Escalate." in str(views.card(incident))
    assert restart_buttons(incident) == []
    await bench.responder.act(press(incident))
    assert bench.containers.restarts == 3
    assert "Escalate." in bench.messenger.whispers("U0ONCALL")[-1]
    bench.clock.at += timedelta(hours=2)
    later = await bench.fire(ts="5.1")
    assert isinstance(later.verdict, Permit)


@pytest.mark.fault(67)
async def test_67_by_default_a_third_restart_within_ten_minutes_has_to_wait_anyway(bench: Bench) -> None:
    for number in (1, 2, 3):
        await restarted(bench, f"{number}.1", number)
        bench.clock.at += timedelta(minutes=3)
    assert bench.containers.restarts < 3


@pytest.mark.fault(82)
async def test_82_beyond_what_may_wait_for_a_decision_the_oldest_is_closed_with_a_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "MOST_OPEN_CARDS", 3)
    names = [f"app-{number}" for number in range(6)]
    bench.containers.others = tuple(KnownTarget(name, f"{number:064x}") for number, name in enumerate(names))
    opened = []
    for number, name in enumerate(names):
        bench.containers.looks = [facts(name, container_id=f"{number:064x}")]
        opened.append(await bench.fire(name=name, ts=f"{number}.1"))
        bench.clock.at += timedelta(minutes=2)
    states = [(await bench.now(incident)).state for incident in opened]
    assert states == [State.EXPIRED] * 3 + [State.PROPOSED] * 3
    lines = [(whom, words) for what, whom, words in bench.messenger.said if what == "say"]
    assert [whom for whom, _ in lines] == [incident.id for incident in opened[:3]]
    assert all("Closed to make room" in words and words.endswith("[offer]") for _, words in lines)
    last_shown = {card.id: card.state for card in bench.messenger.cards}
    assert [last_shown[incident.id] for incident in opened] == states


@pytest.mark.fault(82)
async def test_82_what_is_being_restarted_is_never_closed_to_make_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "MOST_OPEN_CARDS", 0)
    incident = await bench.fire()
    assert (await bench.now(incident)).state is State.EXPIRED
    monkeypatch.setattr(closing, "MOST_OPEN_CARDS", 1)
    second = await bench.fire(ts="2.1")
    probe = bench.prober.probe

    async def crowded(url: str, only: frozenset[str] = frozenset()) -> object:
        monkeypatch.setattr(closing, "MOST_OPEN_CARDS", 0)
        received = alert(name="prod-db", ts="3.1")
        if await bench.responder.receive(received):
            look, bench.containers.looks = bench.containers.looks, [facts("prod-db", container_id="d" * 64)]
            await bench.responder.answer(received)
            bench.containers.looks = look
        return await probe(url, only)

    monkeypatch.setattr(bench.prober, "probe", crowded)
    await bench.responder.act(press(second))
    assert (await bench.now(second)).state is State.RESOLVED


@pytest.mark.fault(83)
async def test_83_a_name_that_left_the_allow_list_after_the_card_is_not_restarted_and_the_list_of_now_is_named(
    bench: Bench,
) -> None:
    incident = await bench.fire()
    assert restart_buttons(incident)
    bench.plan = replace(bench.plan, policy=replace(POLICY, allowlist=frozenset({parse_target("other")})))
    bench.build()
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert "AEGIS_RESTART_ALLOWLIST" in bench.messenger.whispers("U0ONCALL")[0]
    refused = await bench.now(incident)
    assert restart_buttons(refused) == []
    trail = [row.act for row in await bench.store.trail()]
    assert [(act.verdict.value, act.rule) for act in trail if act.kind == "press"] == [("denied", "allowlist")]


@pytest.mark.fault(84)
@pytest.mark.parametrize("what", ["itself", "its database", "the socket proxy"])
async def test_84_what_aegis_needs_has_no_button_even_on_the_allow_list_and_a_forged_press_does_nothing(
    bench: Bench, what: str
) -> None:
    name, number = {"itself": "aegis", "its database": "aegis-db", "the socket proxy": "proxy"}[what], "e" * 64
    host = {"itself": number[:12], "its database": "db", "the socket proxy": "proxy"}[what]
    bench.containers.others = (KnownTarget(name, number, service="db" if what == "its database" else ""),)
    bench.plan = replace(bench.plan, hosts=(host,), policy=replace(POLICY, allowlist=frozenset({parse_target(name)})))
    bench.build()
    bench.containers.looks = [facts(name, container_id=number)]
    incident = await bench.fire(name=name)
    assert restart_buttons(incident) == []
    assert "is Aegis itself, or something that Aegis needs to run" in str(views.card(incident))
    forged = Press("U0ONCALL", "T0", incident.place, incident.id, incident.digest, incident.card)
    await bench.responder.act(forged)
    assert bench.containers.writes == []
