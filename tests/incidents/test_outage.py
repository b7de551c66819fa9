"""Many targets at once: one incident with a list, on disk, and each target's way off it; and targets that flap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain import notices
from bot.domain.alerts.alert import Kind
from bot.domain.incident import Incident, Press, State
from bot.domain.target import KnownTarget
from bot.errors import EngineUnreachable
from bot.incidents import intake, outage
from tests.incidents.test_responder import Bench
from tests.support.fakes import CONTAINER, alert, facts, names_of

NAMES = tuple(f"svc-{number:02d}" for number in range(40))


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(intake, "INVENTORY_CACHE_S", 0.0)
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


def watched(bench: Bench, *, fell: bool = False) -> None:
    """Let the engine list all targets, running or just down."""
    state = "exited" if fell else "running"
    bench.containers.others = tuple(KnownTarget(name, CONTAINER, state, fell=fell) for name in NAMES)


async def fire(bench: Bench, name: str, number: int, kind: Kind = Kind.FIRING) -> None:
    received = replace(alert(kind, name, f"{number}.1"), at=bench.clock.at + timedelta(milliseconds=number))
    if await bench.responder.receive(received):
        await bench.responder.answer(received)


def posted(bench: Bench) -> int:
    return sum(1 for what, _, _ in bench.messenger.said if what == "card")


async def live(bench: Bench) -> list[Incident]:
    return list(await bench.store.live())


async def test_a_host_that_goes_down_is_one_card_with_the_list_not_forty(bench: Bench) -> None:
    watched(bench, fell=True)
    bench.containers.looks = [facts(NAMES[0])]
    await asyncio.gather(*(fire(bench, name, number) for number, name in enumerate(NAMES, 1)))
    (one,) = await live(bench)
    assert posted(bench) == 1
    assert set(names_of(one.grouped_targets)) == set(NAMES)
    assert one.alerts == 40
    assert one.group_reason == notices.FELL_TOGETHER
    assert one.state is State.PROPOSED
    assert bench.messenger.cards[-1].grouped_targets == one.grouped_targets


async def test_an_engine_that_does_not_answer_is_one_card_too(bench: Bench) -> None:
    watched(bench)
    await fire(bench, NAMES[0], 1)
    await fire(bench, NAMES[0], 2, Kind.RESOLVED)
    bench.containers.inventory_error = EngineUnreachable("The engine does not answer.")
    bench.containers.looks = [EngineUnreachable("The engine does not answer.")]
    before = posted(bench)
    for number, name in enumerate(NAMES[1:], 10):
        await fire(bench, name, number)
    (one,) = await live(bench)
    assert posted(bench) == before + 1
    assert set(names_of(one.grouped_targets)) == set(NAMES[1:])
    assert one.group_reason == notices.ENGINE_AWAY


async def test_targets_that_nobody_knows_go_on_the_list_by_their_alerts_title(bench: Bench) -> None:
    bench.containers.inventory_error = EngineUnreachable("The engine does not answer.")
    bench.containers.looks = [EngineUnreachable("The engine does not answer.")]
    await fire(bench, "buggy-app-v2", 1)
    await fire(bench, "never-seen", 2)
    (one,) = await live(bench)
    assert names_of(one.grouped_targets) == ("buggy-app-v2", "never-seen is down")
    assert not [what for what, _, _ in bench.messenger.said if what == "choose"]


async def test_a_few_that_go_down_together_have_a_card_each(bench: Bench) -> None:
    bench.containers.others = tuple(KnownTarget(name, CONTAINER, "exited", fell=True) for name in NAMES[:4])
    for number, name in enumerate(NAMES[:4], 1):
        bench.containers.looks = [facts(name)]
        await fire(bench, name, number)
    assert posted(bench) == 4
    assert all(not one.grouped_targets for one in await live(bench))


async def test_a_target_that_runs_has_its_own_card_while_its_host_has_trouble(bench: Bench) -> None:
    watched(bench, fell=True)
    bench.containers.looks = [facts(NAMES[0])]
    await fire(bench, NAMES[0], 1)
    await fire(bench, NAMES[1], 2)
    bench.containers.looks = [facts()]
    await fire(bench, "buggy-app-v2", 3)
    assert {one.target.name: len(one.grouped_targets) for one in await live(bench)} == {NAMES[0]: 2, "buggy-app-v2": 0}


async def test_the_list_is_found_again_after_a_start(bench: Bench) -> None:
    watched(bench, fell=True)
    bench.containers.looks = [facts(NAMES[0])]
    await fire(bench, NAMES[0], 1)
    await fire(bench, NAMES[1], 2)
    bench.build()
    await fire(bench, NAMES[1], 3)
    await fire(bench, NAMES[2], 4)
    (one,) = await live(bench)
    assert (names_of(one.grouped_targets), one.alerts) == (NAMES[:3], 4)


async def test_who_recovers_leaves_the_list_and_the_last_one_closes_it(bench: Bench) -> None:
    watched(bench, fell=True)
    bench.containers.looks = [facts(NAMES[0])]
    for number, name in enumerate(NAMES[:3], 1):
        await fire(bench, name, number)
    await fire(bench, NAMES[0], 10, Kind.RESOLVED)
    (one,) = await live(bench)
    assert names_of(one.grouped_targets) == NAMES[1:3]
    for number, name in enumerate(NAMES[1:3], 11):
        await fire(bench, name, number, Kind.RESOLVED)
    assert await live(bench) == []
    assert (await bench.store.recent())[0].state is State.RESOLVED


async def test_once_the_host_is_well_a_target_that_alerts_again_gets_a_look_of_its_own(bench: Bench) -> None:
    watched(bench, fell=True)
    bench.containers.looks = [facts(NAMES[0])]
    await fire(bench, NAMES[0], 1)
    await fire(bench, NAMES[1], 2)
    watched(bench)
    bench.clock.at += outage.REGROUP_WINDOW + timedelta(seconds=1)
    bench.containers.looks = [facts(NAMES[1])]
    await fire(bench, NAMES[1], 3)
    assert {one.target.name: names_of(one.grouped_targets) for one in await live(bench)} == {
        NAMES[0]: NAMES[:1],
        NAMES[1]: (),
    }


@pytest.mark.fault(66)
async def test_past_sixty_new_cards_in_a_minute_the_rest_is_a_list(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "MOST_NEW_CARDS_A_MINUTE", 10)
    watched(bench)
    for number, name in enumerate(NAMES, 1):
        bench.containers.looks = [facts(name)]
        await fire(bench, name, number)
    assert posted(bench) == 11
    assert max(len(one.grouped_targets) for one in await live(bench)) == 30
    bench.clock.at += timedelta(minutes=2)
    bench.containers.looks = [facts()]
    await fire(bench, "buggy-app-v2", 99)
    assert posted(bench) == 12


async def test_a_flapping_target_keeps_its_card(bench: Bench) -> None:
    await fire(bench, "buggy-app-v2", 1)
    (first,) = await live(bench)
    for turn in range(2, 10, 2):
        await fire(bench, "buggy-app-v2", turn, Kind.RESOLVED)
        bench.clock.at += timedelta(minutes=3)
        await fire(bench, "buggy-app-v2", turn + 1)
    (again,) = await live(bench)
    assert posted(bench) == 1
    assert (again.card, again.place, again.flap_count, again.alerts) == (first.card, first.place, 4, 5)
    assert again.state is State.PROPOSED
    told = [said for said in bench.messenger.said if said[0] == "say_at"]
    assert [said[2].split(".")[0] for said in told] == [
        f"buggy-app-v2 came back and fires again: {count} alerts so far" for count in (2, 3, 4, 5)
    ]
    await bench.responder.act(Press("U0ONCALL", "T0", again.place, again.id, again.digest, again.card))
    assert bench.containers.restarts == 1


async def test_a_target_that_fires_much_later_gets_a_new_card(bench: Bench) -> None:
    await fire(bench, "buggy-app-v2", 1)
    await fire(bench, "buggy-app-v2", 2, Kind.RESOLVED)
    bench.clock.at += intake.FLAP_WINDOW + timedelta(seconds=5)
    await fire(bench, "buggy-app-v2", 3)
    assert posted(bench) == 2
    assert (await live(bench))[0].flap_count == 0


async def test_after_an_approved_restart_a_new_alert_is_a_new_incident(bench: Bench) -> None:
    await fire(bench, "buggy-app-v2", 1)
    (one,) = await live(bench)
    await bench.responder.act(Press("U0ONCALL", "T0", one.place, one.id, one.digest, one.card))
    bench.clock.at += timedelta(minutes=2)
    await fire(bench, "buggy-app-v2", 3)
    assert posted(bench) == 2


async def test_in_a_storm_alerts_share_one_look_at_what_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "INVENTORY_CACHE_S", 60.0)
    asked = 0
    given = bench.containers.inventory

    async def inventory() -> tuple[KnownTarget, ...]:
        nonlocal asked
        asked += 1
        return await given()

    monkeypatch.setattr(bench.containers, "inventory", inventory)
    await asyncio.gather(*(fire(bench, "buggy-app-v2", number) for number in range(1, 30)))
    assert asked <= 2
    assert (await live(bench))[0].alerts == 29
