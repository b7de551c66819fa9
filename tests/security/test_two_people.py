"""Two people for what carries the label ``aegis.approvals=2``: another person, soon, and for exactly the same look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evidence import Facts
from bot.domain.guard import History, Permit, Policy, Refusal, approvals, check
from bot.domain.incident import TOGETHER, Approval, Incident, State, counting, presses_until
from bot.domain.notices import presses_missing
from bot.domain.target import parse_target
from bot.errors import StoreUnavailable
from bot.slack.views import card as views
from tests.incidents.test_responder import Bench, press
from tests.slack.blockkit import check_message, interactive
from tests.slack.incidents import AT, EVIDENCE, FACTS, PRESSED, PROPOSED
from tests.support.fakes import START, facts

POLICY = Policy(frozenset(map(parse_target, {"buggy-app-v2"})), cooldown=300, limit=3, expiry=3600, dry_run=False)


def labelled(value: str, **changes: str) -> Facts:
    return replace(facts(labels=(("aegis.approvals", value),)), **changes)  # type: ignore[arg-type]  # checked by replace


@pytest.mark.parametrize(("value", "people"), [("1", 1), ("2", 2), ("3", 3), (" 2 ", 2), ("02", 2), ("12", 12)])
def test_a_number_of_people_is_read(value, people):
    assert approvals(labelled(value)) == people
    assert check(parse_target("buggy-app-v2"), labelled(value), History(), POLICY, START) == Permit(people=people)


def test_without_the_label_one_is_enough():
    assert approvals(facts()) == 1


@pytest.mark.parametrize(
    "value",
    ["", " ", "0", "00", "-1", "+2", "1.0", "2.0", "two", "2 people", "٢", "²", "0x2", "1_0", "1e1", "1" * 10, "true"],
)
def test_what_is_no_number_of_people_refuses(value):
    verdict = check(parse_target("buggy-app-v2"), labelled(value), History(), POLICY, START)
    assert isinstance(verdict, Refusal)
    assert verdict.rule == "approvals"
    assert "aegis.approvals" in verdict.reason


@given(st.text(max_size=20))
def test_no_value_of_the_label_makes_two_people_one(value):
    people = approvals(labelled(value))
    assert people is None or people >= 1
    if people == 1:
        assert value.strip().strip("0") == "1"


def pressed(user: str = "U1", minutes: float = 0, digest: str = "ab") -> Approval:
    return Approval(user, START + timedelta(minutes=minutes), digest)


def test_a_press_counts_for_ten_minutes():
    assert counting([pressed()], "ab", START + timedelta(minutes=10)) == (pressed(),)
    assert counting([pressed()], "ab", START + timedelta(minutes=10, seconds=1)) == ()


def test_a_press_on_another_look_does_not_count():
    assert counting([pressed()], "cd", START) == ()


def test_a_clock_that_jumped_back_far_makes_no_press_count_longer():
    assert counting([pressed()], "ab", START - timedelta(minutes=11)) == ()


@given(
    st.lists(
        st.builds(pressed, st.sampled_from(("U1", "U2", "U3")), st.floats(-60, 60), st.sampled_from(("ab", "cd")))
    ),
    st.floats(-60, 60),
)
def test_what_counts_is_fresh_of_the_same_look_and_one_for_each_person(presses, minutes):
    now = START + timedelta(minutes=minutes)
    counted = counting(presses, "ab", now)
    assert len({one.user for one in counted}) == len(counted)
    assert all(one in presses and one.digest == "ab" and abs(now - one.at) <= TOGETHER for one in counted)


def test_what_is_awaited_is_said_with_a_time():
    assert presses_missing(1, presses_until([pressed()])).startswith(
        "Another approver must press Restart by 03:10 UTC."
    )
    assert presses_missing(2, presses_until([pressed(), pressed("U2", 4)])).startswith(
        "2 more approvers must press Restart by 03:10 UTC."
    )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    made.containers.looks = [labelled("2")]
    await made.store.start()
    yield made
    await made.store.close()


async def trail(bench: Bench, kind: str = "press") -> list[tuple[str, str, str]]:
    acts = [row.act for row in await bench.store.trail()]
    return [(act.verdict.value, act.rule, act.actor) for act in acts if act.kind == kind]


async def test_two_people_restart_it_once(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    waiting = await bench.now(incident)
    assert (waiting.state, [one.user for one in waiting.presses], waiting.approval) == (
        State.PROPOSED,
        ["U0ONCALL"],
        None,
    )
    assert "Another approver must press Restart" in bench.messenger.whispers("U0ONCALL")[0]
    assert bench.messenger.cards[-1].presses == waiting.presses

    await bench.responder.act(press(incident, "U0SECOND"))
    ended = await bench.now(incident)
    assert ended.state is State.RESOLVED
    assert ended.approved_by == ("U0ONCALL", "U0SECOND")
    assert bench.containers.restarts == 1
    assert await trail(bench) == [
        ("allowed", "one of several approvers", "U0ONCALL"),
        ("allowed", "approver", "U0SECOND"),
    ]
    assert bench.entries()[0]["approved_by"] == "U0ONCALL, U0SECOND"


async def test_the_same_person_twice_is_one_person_and_is_told_so(bench):
    incident = await bench.fire()
    for _ in range(3):
        await bench.responder.act(press(incident))
    assert bench.containers.writes == []
    assert "You have pressed already. Another approver" in bench.messenger.whispers("U0ONCALL")[-1]
    assert [answer for answer, _, _ in await trail(bench)] == ["allowed", "denied", "denied"]


async def test_a_first_press_no_longer_counts_after_ten_minutes(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    bench.clock.at += timedelta(minutes=10, seconds=1)
    await bench.responder.act(press(incident, "U0SECOND"))
    assert bench.containers.writes == []
    assert [one.user for one in (await bench.now(incident)).presses] == ["U0SECOND"]
    await bench.responder.act(press(incident))
    assert bench.containers.restarts == 1
    assert (await bench.now(incident)).approved_by == ("U0SECOND", "U0ONCALL")


async def test_whoever_pressed_too_long_ago_may_press_again_and_is_still_one(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    bench.clock.at += timedelta(minutes=11)
    await bench.responder.act(press(incident))
    waiting = await bench.now(incident)
    assert [(one.user, one.at) for one in waiting.presses] == [("U0ONCALL", bench.clock.at)]
    assert bench.containers.writes == []


async def test_a_container_that_changed_after_the_first_press_voids_it(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    bench.containers.looks = [labelled("2", started_at="2026-11-22T02:59:59Z")]
    await bench.responder.rediagnose(press(incident))
    renewed = await bench.now(incident)
    assert renewed.digest != incident.digest
    await bench.responder.act(press(renewed, "U0SECOND"))
    assert bench.containers.writes == []
    assert [one.user for one in (await bench.now(incident)).presses] == ["U0SECOND"]


async def test_a_container_that_was_recreated_closes_the_card_and_the_first_press_with_it(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    bench.containers.looks = [labelled("2", container_id="d" * 64)]
    await bench.responder.act(press(incident, "U0SECOND"))
    assert bench.containers.writes == []
    assert (await bench.now(incident)).state is State.EXPIRED


async def test_a_first_press_survives_a_new_start(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    bench.build()
    await bench.recover()
    assert [one.user for one in bench.messenger.cards[-1].presses] == ["U0ONCALL"]
    await bench.responder.act(press(incident, "U0SECOND"))
    assert bench.containers.restarts == 1


async def test_a_first_presser_who_was_taken_off_the_list_no_longer_counts(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    bench.approvers.users = ("U0SECOND", "U0THIRD")
    await bench.responder.act(press(incident, "U0SECOND"))
    assert bench.containers.writes == []
    await bench.responder.act(press(incident, "U0THIRD"))
    assert bench.containers.restarts == 1
    assert (await bench.now(incident)).approved_by == ("U0SECOND", "U0THIRD")


async def test_a_stranger_is_no_second_person(bench):
    incident = await bench.fire()
    await bench.responder.act(press(incident))
    await bench.responder.act(press(incident, "U0STRANGER"))
    assert bench.containers.writes == []
    assert (await trail(bench))[-1] == ("denied", "approvers", "U0STRANGER")


async def test_both_at_the_same_moment_are_two_people(bench):
    incident = await bench.fire()
    await asyncio.gather(bench.responder.act(press(incident)), bench.responder.act(press(incident, "U0SECOND")))
    assert bench.containers.restarts == 1
    assert set((await bench.now(incident)).approved_by) == {"U0ONCALL", "U0SECOND"}


async def test_many_presses_of_one_person_at_once_are_one_person(bench):
    incident = await bench.fire()
    await asyncio.gather(*(bench.responder.act(press(incident)) for _ in range(8)))
    assert bench.containers.writes == []
    assert [one.user for one in (await bench.now(incident)).presses] == ["U0ONCALL"]


async def test_three_people_where_three_are_wanted(bench):
    bench.approvers.users = ("U1", "U2", "U3")
    bench.containers.looks = [labelled("3")]
    incident = await bench.fire()
    for user in ("U1", "U2", "U1", "U2"):
        await bench.responder.act(press(incident, user))
    assert bench.containers.writes == []
    await bench.responder.act(press(incident, "U3"))
    assert (await bench.now(incident)).approved_by == ("U1", "U2", "U3")
    assert bench.containers.restarts == 1


async def test_an_unreadable_label_has_no_button_and_refuses_a_press(bench):
    bench.containers.looks = [labelled("two")]
    incident = await bench.fire()
    assert isinstance(incident.verdict, Refusal)
    await bench.responder.act(press(incident))
    await bench.responder.act(press(incident, "U0SECOND"))
    assert bench.containers.writes == []


async def test_a_first_press_that_cannot_be_kept_does_not_count_and_is_told(bench, monkeypatch):
    incident = await bench.fire()

    async def full(*_):
        raise StoreUnavailable("The database cannot be written: the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(bench.store, "save_if_unchanged", full)
        await bench.responder.act(press(incident))
    assert "does not count" in bench.messenger.whispers("U0ONCALL")[0]
    await bench.responder.act(press(incident, "U0SECOND"))
    assert bench.containers.writes == []


TWO = replace(
    PROPOSED,
    verdict=Permit(people=2),
    evidence=replace(EVIDENCE, facts=replace(FACTS, labels=(("aegis.approvals", "2"),))),
)


def restart_button(incident: Incident) -> Mapping[str, Any]:
    return next(one for one in interactive(views.card(incident).blocks) if one["action_id"] == "restart")


def test_the_card_says_before_anybody_presses_that_two_have_to():
    message = views.card(TWO)
    check_message(message)
    assert "2 approvers must press Restart*, within ten minutes" in message.text
    assert "Your press alone does nothing" in restart_button(TWO)["confirm"]["text"]["text"]


def test_the_card_shows_who_has_pressed_and_that_a_second_is_needed():
    waiting = replace(TWO, presses=(Approval("U0ONCALL", AT, TWO.digest),))
    message = views.card(waiting)
    check_message(message)
    assert "<@U0ONCALL>" in message.text
    assert "Another approver must press Restart by 10:14 UTC" in message.text
    assert "alone" not in restart_button(waiting)["confirm"]["text"]["text"]


def test_a_press_on_another_look_is_not_shown():
    old = replace(TWO, presses=(Approval("U0ONCALL", AT, "0" * 16),))
    assert "U0ONCALL" not in views.card(old).text


def test_one_person_reads_nothing_of_two():
    assert "approvers" not in views.card(PROPOSED).text


def test_afterwards_the_card_names_both():
    both = replace(PRESSED, state=State.ACTING, presses=(Approval("U0SECOND", AT, TWO.digest),))
    message = views.card(both)
    check_message(message)
    assert "<@U0SECOND> and <@U0ONCALL> pressed Restart" in message.text


async def test_over_slack_two_people_press_and_the_card_names_both(stage):
    stage.engine.looks = [labelled("2")]
    async with stage.bot():
        alert = await stage.alert()
        card = await stage.card(alert)
        assert "2 approvers must press" in card.words
        await stage.slack.press("U0ONCALL", card, "restart")
        assert "Another approver" in await stage.whisper("U0ONCALL")
        await stage.slack.wait_for(lambda: "<@U0ONCALL>" in stage.slack.message("C0ALERTS", card.ts).words)
    assert stage.engine.restarts == 0
    async with stage.bot():
        card = await stage.card(alert)
        assert "Another approver must press Restart" in card.words
        await stage.slack.press("U0ONCALL", card, "restart")
        assert "pressed already" in await stage.whisper("U0ONCALL", "already")
        await stage.slack.press("U0SECOND", card, "restart")
        await stage.stands(State.RESOLVED)
        ended = await stage.slack.wait_for(
            lambda: next(one for one in stage.slack.thread(alert) if "pressed Restart" in one.words and not one.buttons)
        )
        assert "<@U0ONCALL> and <@U0SECOND>" in ended.words
    assert stage.engine.restarts == 1
    kept = await stage.rows("SELECT person FROM approvals ORDER BY at")
    assert kept == [("U0ONCALL",), ("U0SECOND",)]
