"""Who presses: nobody gets a restart but a full member of this workspace who is on the list now, on the card itself."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from bot.domain.incident import Press, State, Thread
from bot.errors import SlackError
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.messages import Ephemeral
from bot.playground.slack.state.people import Channel, User
from bot.settings import load
from tests.incidents.test_responder import Bench
from tests.support.fakes import facts
from tests.support.hostile_workspace import NAME, changed

NOBODYS = [
    ("a stranger", User("U0ODD", "odd"), "approvers"),
    ("a guest", User("U0ODD", "odd", is_restricted=True), "guest"),
    ("a guest of one channel", User("U0ODD", "odd", is_ultra_restricted=True), "guest"),
    ("somebody of another workspace", User("U0ODD", "odd", is_stranger=True, team_id="T0OTHER"), "workspace"),
    ("a bot", User("U0ODD", "odd", is_bot=True), "bot"),
    ("a deactivated account", User("U0ODD", "odd", deleted=True), "deactivated"),
]


async def refusals(stage) -> list[tuple[str, str]]:
    return [(person, rule) for person, rule in await stage.rows("SELECT person, rule FROM refusals ORDER BY at")]


async def untouched(stage) -> None:
    """Nothing was done, nothing was approved, and the card still waits."""
    assert stage.engine.writes == []
    assert await stage.rows("SELECT count(*) FROM approvals") == [(0,)]
    assert (await stage.incident()).state is State.PROPOSED


@pytest.mark.fault(20)
@pytest.mark.parametrize(("user", "rule"), [row[1:] for row in NOBODYS], ids=[row[0] for row in NOBODYS])
@pytest.mark.parametrize("approvers", ["named", "in the group", "everybody"])
async def test_they_may_not_whatever_the_list_says(stage, user, rule, approvers):
    stage.slack.state.users[user.id] = copy.deepcopy(user)
    stage.slack.state.channels["C0ALERTS"].members.add(user.id)
    listed = {"named": user.id, "in the group": "S0ONCALL", "everybody": "*"}[approvers]
    if rule == "approvers":
        # Who is nobody special is refused by the list alone, so it must not name them.
        listed = "U0ONCALL"
    elif approvers == "in the group":
        stage.slack.state.groups["S0ONCALL"].users = ("U0ONCALL", user.id)
    async with stage.bot(AEGIS_APPROVERS=listed, AEGIS_ALERT_CHANNELS="C0ALERTS"):
        card = await stage.card(await stage.alert())
        await stage.slack.press(user.id, card, "restart")
        await stage.whisper(user.id)
        await untouched(stage)
    assert await refusals(stage) == [(user.id, rule)]


async def test_a_member_of_the_organisation_whose_home_is_another_workspace_restarts(stage):
    grid = User("U0GRID", "grid", team_id="T0HOME", teams=("T0HOME", "T0PLAY"))
    stage.slack.state.users[grid.id] = grid
    stage.slack.state.channels["C0ALERTS"].members.add(grid.id)
    async with stage.bot(AEGIS_APPROVERS=grid.id):
        card = await stage.card(await stage.alert())
        await stage.slack.press(grid.id, card, "restart")
        await stage.stands(State.RESOLVED)


async def test_with_a_star_a_channel_of_ones_own_makes_nobody_an_approver(stage):
    stage.slack.state.channels["C0ALERTS"].members.discard("U0STRANGER")
    stage.slack.state.channels["C0OWN"] = Channel("C0OWN", "own", {"U0STRANGER", "U0ONCALL", "U0AEGIS"})
    async with stage.bot(AEGIS_APPROVERS="*", AEGIS_ALERT_CHANNELS="C0ALERTS"):
        await stage.slack.slash("U0STRANGER", "C0OWN", "/aegis", f"diagnose {NAME}")
        (card,) = await stage.slack.wait_for(
            lambda: [one for one in stage.slack.messages("C0OWN") if "restart" in one.buttons], 20
        )
        await stage.slack.press("U0STRANGER", card, "restart")
        told = await stage.whisper("U0STRANGER", "alert channel")
        assert "<#C0ALERTS>" in told
        await untouched(stage)
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.stands(State.RESOLVED)
        await stage.slack.slash("U0ONCALL", "C0OWN", "/aegis", "status")
        assert "Approvers: every member of <#C0ALERTS>" in (await stage.whisper("U0ONCALL", "Approvers")).replace(
            "*", ""
        )


async def test_without_a_list_nobody_may_not_even_an_administrator(stage):
    async with stage.bot(AEGIS_APPROVERS=""):
        card = await stage.card(await stage.alert())
        await stage.slack.press("U0ONCALL", card, "restart")
        assert "AEGIS_APPROVERS" in await stage.whisper("U0ONCALL")
        await untouched(stage)


def test_no_list_is_the_default():
    assert load({"SLACK_BOT_TOKEN": "xoxb-x-1", "SLACK_APP_TOKEN": "xapp-x-1"}, env_file=None).aegis_approvers == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(error="missing_scope"),
        Fault(error="no_such_subteam"),
        Fault(error="plan_upgrade_required"),
        Fault(retry_after=60),
        Fault(status=500),
    ],
    ids=lambda fault: fault.error or str(fault.status or fault.retry_after),
)
async def test_a_group_that_cannot_be_read_lets_nobody_in(stage, fault):
    async with stage.bot():
        card = await stage.card(await stage.alert())
        stage.slack.fail("usergroups.users.list", fault, times=9)
        await stage.slack.press("U0ONCALL", card, "restart")
        assert "nothing was restarted" in await stage.whisper("U0ONCALL")
        await untouched(stage)


async def test_a_person_whom_slack_does_not_know_may_not(stage):
    async with stage.bot():
        card = await stage.card(await stage.alert())
        stage.slack.fail("users.info", "user_not_found", times=9)
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.whisper("U0ONCALL")
        await untouched(stage)


async def test_an_approver_who_was_taken_off_between_card_and_press_may_not(stage):
    async with stage.bot():
        card = await stage.card(await stage.alert())
        stage.slack.state.groups["S0ONCALL"].users = ("U0SECOND",)
        await stage.slack.press("U0ONCALL", card, "restart")
        assert "not one of the approvers" in await stage.whisper("U0ONCALL")
        await untouched(stage)
        await stage.slack.press("U0SECOND", card, "restart")
        await stage.stands(State.RESOLVED)


async def test_an_approver_whom_the_settings_name_no_longer_after_a_restart_may_not(stage):
    async with stage.bot(AEGIS_APPROVERS="U0ONCALL"):
        card = await stage.card(await stage.alert())
    async with stage.bot(AEGIS_APPROVERS="U0SECOND"):
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.whisper("U0ONCALL")
        await untouched(stage)


async def test_an_old_look_on_the_screen_does_not_act_and_the_card_stays(stage):
    async with stage.bot():
        alert = await stage.alert()
        old = (await stage.card(alert)).snapshot()
        stage.engine.looks = [facts(started_at="2026-11-22T02:00:00Z")]
        await stage.slack.press("U0STRANGER", old, "rediagnose")
        await stage.slack.wait_for(
            lambda: (card := stage.slack.message("C0ALERTS", old.ts)).blocks != old.blocks and "restart" in card.buttons
        )
        await stage.slack.press("U0ONCALL", old, "restart")
        assert "older diagnosis" in await stage.whisper("U0ONCALL")
        await untouched(stage)


async def test_a_card_that_is_too_old_does_not_act(stage):
    async with stage.bot():
        card = (await stage.card(await stage.alert())).snapshot()
        stage.clock.at = stage.clock.at.replace(year=stage.clock.at.year + 1)
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.whisper("U0ONCALL", "has expired")
        await stage.stands(State.EXPIRED)
    assert stage.engine.writes == []


async def test_a_closed_card_that_is_still_on_a_screen_does_not_act(stage):
    async with stage.bot():
        card = (await stage.card(await stage.alert())).snapshot()
        await stage.slack.press("U0ONCALL", card, "restart")
        await stage.stands(State.RESOLVED)
        await stage.slack.press("U0SECOND", card, "restart")
        assert "closed" in await stage.whisper("U0SECOND")
    assert stage.engine.restarts == 1


FORGED = {
    "no digest": lambda value: value.partition(":")[0] + ":",
    "another digest": lambda value: value.partition(":")[0] + ":" + "0" * 16,
    "half a digest": lambda value: value[:-8],
    "another incident": lambda value: "inc99999:" + value.partition(":")[2],
    "no incident": lambda value: ":" + value.partition(":")[2],
    "a name behind it": lambda value: value + ":prod-db",
    "a name in front of it": lambda value: "prod-db:" + value,
    "a name alone": lambda value: "prod-db",
    "capitals": lambda value: value.upper(),
    "other digits": lambda value: value.replace("0", "٠").replace("1", "١") + "٠",
    "a line end": lambda value: value + "\n",
    "JSON": lambda value: '{"incident": "' + value + '", "target": "prod-db"}',
    "SQL": lambda value: "x' OR '1'='1:" + value.partition(":")[2],
    "a wildcard": lambda value: "%:" + value.partition(":")[2],
    "nothing": lambda value: "",
    "very much": lambda value: value * 100,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a_forged_value_restarts_nothing_but_what_the_card_shows(stage, forge):
    async with stage.bot():
        card = await stage.card(await stage.alert())

        def other(button):
            button["value"] = forge(button["value"])

        done = await stage.slack.press("U0ONCALL", changed(card, other), "restart")
        assert done.ok
        await stage.slack.wait_for(
            lambda: stage.slack.ephemerals("U0ONCALL") or [one for one in stage.engine.writes if one[0] == "restart"]
        )
        incidents = await stage.incidents()
    assert [incident.target.name for incident in incidents] == [NAME]
    assert {container for what, container in stage.engine.writes if what != "bundle"} <= {facts().container_id}
    if stage.engine.writes:
        # The name behind the digest belongs to another button, and means nothing here.
        assert await stage.rows("SELECT count(*) FROM approvals") == [(1,)]
    else:
        await untouched(stage)


async def test_an_ephemeral_copy_of_the_card_does_not_act(stage):
    async with stage.bot():
        card = await stage.card(await stage.alert())
        body = {"text": card.text, "blocks": card.blocks, "thread_ts": card.thread_ts}
        await stage.slack.press("U0ONCALL", Ephemeral("U0ONCALL", "C0ALERTS", "1763805999.000900", body), "restart")
        assert "not the card" in await stage.whisper("U0ONCALL", "card")
        await untouched(stage)
    assert await refusals(stage) == [("U0ONCALL", "card")]


async def test_a_copy_of_the_card_in_the_same_thread_does_not_act(stage):
    async with stage.bot():
        card = await stage.card(await stage.alert())
        twin = card.snapshot()
        twin.body["ts"] = f"{float(card.ts) + 5:.6f}"
        await stage.slack.press("U0ONCALL", twin, "restart")
        assert "not the card" in await stage.whisper("U0ONCALL", "card")
        await untouched(stage)


async def test_a_copy_of_the_card_in_a_channel_of_ones_own_does_not_act(stage):
    stage.slack.state.channels["C0OWN"] = Channel("C0OWN", "own", {"U0STRANGER", "U0AEGIS"})
    async with stage.bot(AEGIS_APPROVERS="*", AEGIS_ALERT_CHANNELS="C0ALERTS"):
        card = await stage.card(await stage.alert())
        twin = card.snapshot()
        twin.channel = "C0OWN"
        del twin.body["thread_ts"]
        await stage.slack.press("U0STRANGER", twin, "restart")
        assert "not the card" in await stage.whisper("U0STRANGER")
        await untouched(stage)


@pytest.mark.fault(35)
async def test_a_card_that_was_deleted_and_put_up_again_acts(stage):
    async with stage.bot():
        alert = await stage.alert()
        first = await stage.card(alert)
        await stage.slack.delete(first)
        await stage.slack.press("U0STRANGER", first.snapshot(), "rediagnose")
        (again,) = await stage.slack.wait_for(
            lambda: [one for one in stage.slack.thread(alert) if "restart" in one.buttons and one.ts != first.ts]
        )
    async with stage.bot():
        await stage.slack.press("U0ONCALL", again, "restart")
        await stage.stands(State.RESOLVED)
    assert stage.engine.restarts == 1


@pytest.fixture
async def bench(tmp_path):
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


async def test_where_slack_does_not_say_which_message_is_the_card_nothing_is_restarted(bench):
    incident = await bench.fire()

    async def silent(*_):
        raise SlackError("Slack does not answer.")

    bench.messenger.is_card = silent
    await bench.responder.act(
        Press("U0ONCALL", "T0", incident.place, incident.id, incident.digest, incident.card + "1")
    )
    assert bench.containers.writes == []
    assert "cannot be checked" in bench.messenger.whispers()[0]


@pytest.mark.parametrize(
    "change", [{"card": ""}, {"card": "1.2"}, {"place": Thread("C0OTHER", "1.1")}, {"place": Thread("")}]
)
async def test_a_press_from_anywhere_but_the_card_is_refused_and_kept(bench, change):
    incident = await bench.fire()
    press = Press("U0ONCALL", "T0", incident.place, incident.id, incident.digest, incident.card)
    await bench.responder.act(replace(press, **change))
    assert bench.containers.writes == []
    assert [row.act.rule for row in await bench.store.trail() if row.act.kind == "press"] == ["card"]
