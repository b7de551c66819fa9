"""What the bot finds when it looks around: channels, histories, people, groups."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.checks import page
from bot.playground.slack.state.arguments import Arguments
from bot.playground.slack.state.people import Channel, User
from bot.playground.slack.workspace import Workspace
from tests.playground.slack.methods.test_chat import code_of


async def test_history_is_newest_first_and_holds_no_replies(workspace: Workspace, client: AsyncWebClient) -> None:
    first = await workspace.alert("C0ALERTS", "first")
    await workspace.say("U0ONCALL", "C0ALERTS", "reply", thread_ts=first.ts)
    second = await workspace.alert("C0ALERTS", "second")
    await client.chat_postMessage(channel="C0ALERTS", thread_ts=first.ts, text="solved", reply_broadcast=True)
    texts = [one["text"] for one in (await client.conversations_history(channel="C0ALERTS"))["messages"]]
    assert texts == ["solved", "second", "first"]
    newer = await client.conversations_history(channel="C0ALERTS", oldest=first.ts, latest=second.ts)
    assert newer["messages"] == []
    both = await client.conversations_history(channel="C0ALERTS", oldest=first.ts, latest=second.ts, inclusive=True)
    assert [one["text"] for one in both["messages"]] == ["second", "first"]


async def test_history_comes_in_pages(workspace: Workspace, client: AsyncWebClient) -> None:
    for number in range(5):
        await workspace.alert("C0ALERTS", str(number))
    answers = await client.conversations_history(channel="C0ALERTS", limit=2)
    pages = [([one["text"] for one in answer["messages"]], answer["has_more"]) async for answer in answers]
    assert pages == [(["4", "3"], True), (["2", "1"], True), (["0"], False)]
    assert await code_of(client.conversations_history(channel="C0ALERTS", cursor="?")) == "invalid_cursor"


async def test_thread_is_oldest_first_with_its_first_message(workspace: Workspace, client: AsyncWebClient) -> None:
    alert = await workspace.alert("C0ALERTS", "down")
    reply = await workspace.say("U0ONCALL", "C0ALERTS", "a", thread_ts=alert.ts)
    await workspace.say("U0SECOND", "C0ALERTS", "b", thread_ts=alert.ts)
    for ts in (alert.ts, reply.ts):
        found = (await client.conversations_replies(channel="C0ALERTS", ts=ts))["messages"]
        assert [one["text"] for one in found] == ["down", "a", "b"]
    assert (found[0]["reply_count"], found[0]["reply_users"]) == (2, ["U0ONCALL", "U0SECOND"])
    assert await code_of(client.conversations_replies(channel="C0ALERTS", ts="1.5")) == "thread_not_found"


async def test_channels_that_the_bot_is_not_in_are_not_read(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.state.channels["C0ELSE"] = Channel("C0ELSE", "else", {"U0ONCALL"})
    workspace.state.channels["C0SECRET"] = Channel("C0SECRET", "secret", {"U0ONCALL"}, kind="group")
    assert await code_of(client.conversations_history(channel="C0ELSE")) == "not_in_channel"
    assert await code_of(client.conversations_history(channel="C0SECRET")) == "channel_not_found"
    assert (await client.conversations_info(channel="C0ELSE"))["channel"]["is_member"] is False
    assert await code_of(client.conversations_info(channel="C0SECRET")) == "channel_not_found"


async def test_lists_of_channels_show_kind_membership_and_archive(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.state.channels["C0ELSE"] = Channel("C0ELSE", "else", {"U0ONCALL"}, archived=True)
    workspace.state.channels["C0OWN"] = Channel("C0OWN", "own", {"U0AEGIS"}, kind="group")
    listed = (await client.conversations_list(types="public_channel,private_channel"))["channels"]
    assert [one["id"] for one in listed] == ["C0ALERTS", "C0OPS", "C0ELSE", "C0OWN"]
    listed = (await client.conversations_list(exclude_archived=True))["channels"]
    assert [one["id"] for one in listed] == ["C0ALERTS", "C0OPS"]
    own = (await client.users_conversations(types="public_channel,private_channel"))["channels"]
    assert [one["id"] for one in own] == ["C0ALERTS", "C0OPS", "C0OWN"]
    workspace.seed.scopes.discard("groups:read")
    assert await code_of(client.conversations_list(types="private_channel")) == "missing_scope"
    assert await code_of(client.conversations_list(types="secret")) == "invalid_types"
    members = (await client.conversations_members(channel="C0OPS"))["members"]
    assert members == ["U0AEGIS", "U0ONCALL", "U0SECOND", "U0STRANGER"]


async def test_people_show_what_may_keep_them_from_pressing(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.state.users["U0GUEST"] = User("U0GUEST", "guest", is_restricted=True, is_ultra_restricted=True)
    workspace.state.users["U0OTHER"] = User("U0OTHER", "other", is_stranger=True, team_id="T0OTHER")
    workspace.state.users["U0STRANGER"].deleted = True
    guest = (await client.users_info(user="U0GUEST"))["user"]
    assert (guest["is_restricted"], guest["is_ultra_restricted"], guest["team_id"]) == (True, True, "T0PLAY")
    other = (await client.users_info(user="U0OTHER"))["user"]
    assert (other["is_stranger"], other["team_id"]) == (True, "T0OTHER")
    assert (await client.users_info(user="U0STRANGER"))["user"]["deleted"] is True
    assert await code_of(client.users_info(user="U0NOBODY")) == "user_not_found"
    listed = (await client.users_list())["members"]
    assert [one["id"] for one in listed] == ["U0ONCALL", "U0SECOND", "U0STRANGER", "U0AEGIS", "U0GUEST", "U0OTHER"]
    assert [one["id"] for one in listed if one["is_bot"]] == ["U0AEGIS"]


async def test_group_tells_its_people(workspace: Workspace, client: AsyncWebClient) -> None:
    assert (await client.usergroups_users_list(usergroup="S0ONCALL"))["users"] == ["U0ONCALL", "U0SECOND"]
    (group,) = (await client.usergroups_list(include_users=True))["usergroups"]
    assert (group["handle"], group["users"]) == ("oncall", ["U0ONCALL", "U0SECOND"])
    workspace.state.groups["S0ONCALL"].disabled = True
    assert await code_of(client.usergroups_users_list(usergroup="S0ONCALL")) == "no_such_subteam"
    assert (await client.usergroups_list())["usergroups"] == []


async def test_bot_finds_itself(client: AsyncWebClient) -> None:
    assert (await client.bots_info(bot="B0AEGIS"))["bot"]["user_id"] == "U0AEGIS"
    assert await code_of(client.bots_info(bot="B0OTHER")) == "bot_not_found"


@given(st.lists(st.integers(), max_size=60), st.integers(1, 25))
def test_pages_together_are_the_whole_list(values: list[int], limit: int) -> None:
    gathered: list[int] = []
    cursor = ""
    while True:
        part, metadata = page(values, Arguments({"limit": str(limit), "cursor": cursor}))
        assert len(part) <= limit
        gathered += part
        cursor = metadata["next_cursor"]
        if not cursor:
            break
    assert gathered == values
