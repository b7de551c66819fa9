import asyncio
import logging

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.guard import Permit, Refusal
from bot.domain.incident import Press, Thread
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.people import Channel, User, UserGroup
from bot.playground.slack.workspace import Workspace
from bot.slack.approvers import SlackApprovers


def press(user: str = "U0ONCALL", team: str = "T0PLAY", channel: str = "C0ALERTS") -> Press:
    return Press(user, team, Thread(channel), "i1", "0" * 16)


def approvers(
    client: AsyncWebClient,
    *configured: str,
    team: str = "T0PLAY",
    limit: float = 2.5,
    channels: tuple[str, ...] = ("C0ALERTS",),
) -> SlackApprovers:
    return SlackApprovers(client, configured, team=team, channels=channels, time_limit=limit)


async def refusal(given: SlackApprovers, pressed: Press) -> Refusal:
    answer = await given.check(pressed)
    assert isinstance(answer, Refusal), answer
    assert answer.reason
    return answer


async def test_a_named_user_may(client: AsyncWebClient) -> None:
    assert await approvers(client, "U0ONCALL").check(press()) == Permit()


async def test_somebody_else_may_not_and_hears_that_there_are_others(client: AsyncWebClient) -> None:
    told = await refusal(approvers(client, "U0ONCALL"), press("U0STRANGER"))
    assert told.rule == "approvers"
    assert "not one of the approvers" in told.reason


async def test_an_empty_list_lets_nobody_in_and_asks_nobody(ws: Workspace, client: AsyncWebClient) -> None:
    told = await refusal(approvers(client, "", " "), press())
    assert "AEGIS_APPROVERS" in told.reason
    assert ws.called("users.info") == []


@pytest.mark.fault(21)
async def test_a_user_group_is_looked_up_at_every_press(ws: Workspace, client: AsyncWebClient) -> None:
    given = approvers(client, "S0ONCALL")
    assert await given.check(press("U0SECOND")) == Permit()
    ws.state.groups["S0ONCALL"].users = ("U0ONCALL",)
    assert (await refusal(given, press("U0SECOND"))).rule == "approvers"
    assert len(ws.called("usergroups.users.list")) == 2


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "fault",
    [
        Fault(error="missing_scope", fields={"needed": "usergroups:read"}),
        Fault(error="no_such_subteam"),
        Fault(error="plan_upgrade_required"),
        Fault(retry_after=30),
        Fault(status=500),
        Fault(reset=True),
    ],
)
async def test_a_group_that_cannot_be_looked_up_refuses_with_the_reason(
    ws: Workspace, client: AsyncWebClient, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    ws.fail("usergroups.users.list", fault, times=2)
    with caplog.at_level(logging.WARNING):
        told = await refusal(approvers(client, "S0ONCALL"), press())
    assert told.rule == "unknown"
    assert "cannot be checked" in told.reason
    assert ws.bot_token not in caplog.text + told.reason


async def test_a_group_that_is_gone_or_disabled_lets_nobody_in(ws: Workspace, client: AsyncWebClient) -> None:
    await refusal(approvers(client, "S0NONE"), press())
    ws.state.groups["S0ONCALL"] = UserGroup("S0ONCALL", "oncall", ("U0ONCALL",), disabled=True)
    await refusal(approvers(client, "S0ONCALL"), press())


async def test_one_group_that_says_yes_is_enough(ws: Workspace, client: AsyncWebClient) -> None:
    assert await approvers(client, "S0NONE", "S0ONCALL").check(press()) == Permit()


async def test_no_answer_in_time_refuses(ws: Workspace, client: AsyncWebClient) -> None:
    ws.fail("users.info", Fault(hang=True))
    told = await asyncio.wait_for(refusal(approvers(client, "U0ONCALL", limit=0.1), press()), 5)
    assert "in time" in told.reason


async def test_who_cannot_be_looked_up_is_refused_even_when_named(ws: Workspace, client: AsyncWebClient) -> None:
    ws.fail("users.info", "user_not_found")
    assert (await refusal(approvers(client, "U0ONCALL", "*"), press())).rule == "unknown"


@pytest.mark.parametrize(
    ("user", "rule"),
    [
        (User("U0ODD", "odd", deleted=True), "deactivated"),
        (User("U0ODD", "odd", is_bot=True), "bot"),
        (User("U0ODD", "odd", is_restricted=True), "guest"),
        (User("U0ODD", "odd", is_ultra_restricted=True), "guest"),
        (User("U0ODD", "odd", is_stranger=True, team_id="T0OTHER"), "workspace"),
        (User("U0ODD", "odd", team_id="T0OTHER"), "workspace"),
    ],
)
async def test_bots_guests_and_people_from_elsewhere_may_not_whatever_the_list_says(
    ws: Workspace, client: AsyncWebClient, user: User, rule: str
) -> None:
    ws.state.users[user.id] = user
    ws.state.channels["C0ALERTS"].members.add(user.id)
    told = await refusal(approvers(client, "*", user.id), press(user.id))
    assert told.rule == rule


async def test_a_press_from_a_workspace_that_the_person_is_not_in_is_refused(client: AsyncWebClient) -> None:
    assert (await refusal(approvers(client, "U0ONCALL"), press(team="T0OTHER"))).rule == "workspace"


async def test_a_press_without_a_workspace_is_refused_without_asking(ws: Workspace, client: AsyncWebClient) -> None:
    assert (await refusal(approvers(client, "U0ONCALL"), press(team=""))).rule == "workspace"
    assert ws.called("users.info") == []


@pytest.mark.parametrize("pressed_in", ["T0PLAY", "T0HOME"])
@pytest.mark.parametrize(
    "member",
    [
        User("U0GRID", "grid", team_id="T0HOME", teams=("T0HOME", "T0PLAY")),
        User("U0GRID", "grid", team_shown=False, teams=("T0HOME", "T0PLAY")),
        User("U0GRID", "grid", team_id="T0PLAY", teams=("T0HOME", "T0PLAY")),
    ],
)
async def test_a_member_of_the_organisation_who_is_in_our_workspace_may(
    ws: Workspace, client: AsyncWebClient, member: User, pressed_in: str
) -> None:
    ws.state.users[member.id] = member
    assert await approvers(client, member.id).check(press(member.id, team=pressed_in)) == Permit()


@pytest.mark.parametrize(
    "stranger",
    [
        User("U0GRID", "grid", team_id="T0HOME", teams=("T0HOME",)),
        User("U0GRID", "grid", team_shown=False, teams=("T0HOME",)),
        User("U0GRID", "grid", team_shown=False),
        User("U0GRID", "grid", team_id="T0ELSE", teams=("T0ELSE",), enterprise="E0ELSE"),
        User("U0GRID", "grid", team_id="T0ELSE", teams=("T0ELSE",), enterprise="E0ELSE", is_stranger=True),
    ],
)
@pytest.mark.parametrize("pressed_in", ["T0PLAY", "T0HOME", "T0ELSE"])
async def test_people_of_another_workspace_or_organisation_may_not(
    ws: Workspace, client: AsyncWebClient, stranger: User, pressed_in: str
) -> None:
    ws.state.users[stranger.id] = stranger
    assert (await refusal(approvers(client, stranger.id), press(stranger.id, team=pressed_in))).rule == "workspace"


async def test_when_aegis_does_not_know_its_own_workspace_nobody_may(client: AsyncWebClient) -> None:
    await refusal(approvers(client, "*", team=""), press(team=""))


async def test_with_a_star_members_of_an_alert_channel_may_and_nobody_else(
    ws: Workspace, client: AsyncWebClient
) -> None:
    given = approvers(client, "*")
    assert await given.check(press("U0STRANGER")) == Permit()
    await ws.leave("U0STRANGER", "C0ALERTS")
    assert "Join one of them first" in (await refusal(given, press("U0STRANGER"))).reason


async def test_with_a_star_it_does_not_count_who_is_in_the_channel_of_the_card(
    ws: Workspace, client: AsyncWebClient
) -> None:
    ws.state.channels["C0OWN"] = Channel("C0OWN", "own", {"U0STRANGER", "U0ONCALL", "U0AEGIS"})
    await ws.leave("U0STRANGER", "C0ALERTS")
    given = approvers(client, "*")
    assert (await refusal(given, press("U0STRANGER", channel="C0OWN"))).rule == "approvers"
    assert await given.check(press("U0ONCALL", channel="C0OWN")) == Permit()


async def test_with_a_star_any_of_the_alert_channels_is_enough(ws: Workspace, client: AsyncWebClient) -> None:
    await ws.leave("U0STRANGER", "C0ALERTS")
    assert await approvers(client, "*", channels=("C0ALERTS", "C0OPS")).check(press("U0STRANGER")) == Permit()


async def test_with_a_star_an_alert_channel_that_cannot_be_read_lets_nobody_in_by_itself(
    client: AsyncWebClient,
) -> None:
    assert (await refusal(approvers(client, "*", channels=("C0GONE",)), press())).rule == "unknown"
    assert await approvers(client, "*", channels=("C0GONE", "C0OPS")).check(press()) == Permit()


async def test_with_a_star_and_no_alert_channel_nobody_may(client: AsyncWebClient) -> None:
    assert (await refusal(approvers(client, "*", channels=()), press())).rule == "approvers"


async def test_a_large_channel_is_read_to_its_end(ws: Workspace, client: AsyncWebClient) -> None:
    crowd = {f"U{number:08}" for number in range(2500)}
    ws.state.channels["C0BIG"] = Channel("C0BIG", "big", crowd | {"U0AEGIS", "U0ONCALL"})
    assert await approvers(client, "*", channels=("C0BIG",)).check(press()) == Permit()


async def test_names_are_the_ids_of_the_settings_once_each(client: AsyncWebClient) -> None:
    assert approvers(client, "U0ONCALL", " S0ONCALL ", "U0ONCALL", "*").names() == ("U0ONCALL", "S0ONCALL", "*")
