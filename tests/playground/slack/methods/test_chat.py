"""What chat.* and reactions.add do and refuse."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.state.people import Channel
from bot.playground.slack.workspace import Workspace
from tests.playground.slack.test_web_api import error_of

DIVIDER = [{"type": "divider"}]


async def code_of(call: Any) -> str:
    return str((await error_of(call))["error"])


async def test_message_is_posted_as_the_bot_and_returned_whole(workspace: Workspace, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel="#ops", text="hello", blocks=DIVIDER)
    posted = workspace.message(answer["channel"], answer["ts"])
    assert answer["channel"] == "C0OPS"
    assert (posted.user, posted.body["bot_id"], posted.body["bot_profile"]["name"]) == ("U0AEGIS", "B0AEGIS", "aegis")
    assert posted.blocks[0]["block_id"]
    assert answer["message"]["text"] == "hello"


async def test_message_to_a_person_is_a_direct_one(workspace: Workspace, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel="U0ONCALL", text="hello")
    assert answer["channel"] == workspace.direct("U0ONCALL")


@pytest.mark.parametrize(
    ("channel", "code"),
    [("C0OUTSIDE", "not_in_channel"), ("C0SECRET", "channel_not_found"), ("C0GONE", "channel_not_found")],
)
async def test_only_channels_that_the_bot_is_in_are_written_to(
    workspace: Workspace, client: AsyncWebClient, channel: str, code: str
) -> None:
    workspace.state.channels["C0OUTSIDE"] = Channel("C0OUTSIDE", "outside", {"U0ONCALL"})
    workspace.state.channels["C0SECRET"] = Channel("C0SECRET", "secret", {"U0ONCALL"}, kind="group")
    assert await code_of(client.chat_postMessage(channel=channel, text="x")) == code


async def test_public_channel_needs_no_membership_with_the_scope_for_it(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    workspace.state.channels["C0OUTSIDE"] = Channel("C0OUTSIDE", "outside", {"U0ONCALL"})
    workspace.seed.scopes.add("chat:write.public")
    assert (await client.chat_postMessage(channel="C0OUTSIDE", text="x"))["ok"]


async def test_archived_channel_takes_nothing(workspace: Workspace, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0OPS", text="x"))["ts"]
    await workspace.archive("C0OPS")
    assert await code_of(client.chat_postMessage(channel="C0OPS", text="x")) == "is_archived"
    assert await code_of(client.chat_update(channel="C0OPS", ts=ts, text="x")) == "is_archived"
    assert await code_of(client.reactions_add(channel="C0OPS", timestamp=ts, name="eyes")) == "is_archived"
    assert await code_of(client.chat_postEphemeral(channel="C0OPS", user="U0ONCALL", text="x")) == "is_archived"


async def test_message_without_content_is_refused(client: AsyncWebClient) -> None:
    empty = {"channel": "C0OPS", "text": "", "blocks": []}
    assert await code_of(client.api_call("chat.postMessage", json=empty)) == "no_text"


async def test_long_text_is_cut_when_posted_and_refused_when_updated(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel="C0OPS", text="x" * 40_001))["ts"]
    assert len(workspace.message("C0OPS", ts).text) == 40_000
    assert (await client.chat_update(channel="C0OPS", ts=ts, text="x" * 4_000))["ok"]
    assert await code_of(client.chat_update(channel="C0OPS", ts=ts, text="x" * 4_001)) == "msg_too_long"
    assert (
        await code_of(client.chat_postEphemeral(channel="C0OPS", user="U0ONCALL", text="é" * 2_001)) == "msg_too_long"
    )


async def test_reply_needs_the_first_message_of_a_thread(workspace: Workspace, client: AsyncWebClient) -> None:
    alert = await workspace.alert("C0OPS", "down")
    reply = (await client.chat_postMessage(channel="C0OPS", thread_ts=alert.ts, text="a"))["ts"]
    for wrong in ("1.000001", reply):
        assert await code_of(client.chat_postMessage(channel="C0OPS", thread_ts=wrong, text="b")) == "thread_not_found"
    assert [message.text for message in workspace.thread(alert)] == ["a"]
    assert (alert.body["reply_count"], alert.body["thread_ts"]) == (1, alert.ts)


async def test_update_with_text_alone_drops_the_blocks(workspace: Workspace, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0OPS", text="a", blocks=DIVIDER, metadata=META))["ts"]
    message = workspace.message("C0OPS", ts)
    await client.chat_update(channel="C0OPS", ts=ts, text="b", blocks=DIVIDER)
    assert (message.text, len(message.blocks), "edited" in message.body) == ("b", 1, False)
    await client.chat_update(channel="C0OPS", ts=ts, text="c")
    assert (message.text, message.blocks, "edited" in message.body) == ("c", [], True)
    assert message.metadata == META
    assert [version["text"] for version in message.versions] == ["a", "b", "c"]


META = {"event_type": "incident", "event_payload": {"id": "i1"}}


async def test_metadata_is_returned_when_asked_for_and_removed_by_an_empty_one(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel="C0OPS", text="a", metadata=META))["ts"]
    (shown,) = (await client.conversations_history(channel="C0OPS", include_all_metadata=True))["messages"]
    assert shown["metadata"] == META
    (shown,) = (await client.conversations_history(channel="C0OPS"))["messages"]
    assert "metadata" not in shown
    await client.chat_update(channel="C0OPS", ts=ts, text="a", metadata={})
    assert workspace.message("C0OPS", ts).metadata is None


async def test_update_of_what_is_not_ours_or_not_there_is_refused(workspace: Workspace, client: AsyncWebClient) -> None:
    alert = await workspace.alert("C0OPS", "down")
    assert await code_of(client.chat_update(channel="C0OPS", ts=alert.ts, text="x")) == "cant_update_message"
    assert await code_of(client.chat_delete(channel="C0OPS", ts=alert.ts)) == "cant_delete_message"
    assert await code_of(client.chat_update(channel="C0OPS", ts="1.000001", text="x")) == "message_not_found"
    own = (await client.chat_postMessage(channel="C0OPS", text="x"))["ts"]
    assert await code_of(client.chat_update(channel="#ops", ts=own, text="x")) == "channel_not_found"
    await client.chat_delete(channel="C0OPS", ts=own)
    assert await code_of(client.chat_update(channel="C0OPS", ts=own, text="x")) == "message_not_found"


async def test_update_turns_a_bare_here_into_a_ping_unless_parse_is_none(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    ts = (await client.chat_postMessage(channel="C0OPS", text="@here"))["ts"]
    message = workspace.message("C0OPS", ts)
    assert message.pings == set()
    await client.chat_update(channel="C0OPS", ts=ts, text="@here", parse="none")
    assert message.pings == set()
    await client.chat_update(channel="C0OPS", ts=ts, text="@here")
    assert message.pings == {"here"}
    await client.chat_update(channel="C0OPS", ts=ts, text="@here", parse="none", link_names=True)
    assert message.pings == {"here"}


async def test_whisper_is_seen_by_one_member_alone(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.state.channels["C0OPS"].members.discard("U0STRANGER")
    assert await code_of(client.chat_postEphemeral(channel="C0OPS", user="U0STRANGER", text="x")) == (
        "user_not_in_channel"
    )
    await client.chat_postEphemeral(channel="C0OPS", user="U0ONCALL", text="psst")
    assert [note.text for note in workspace.ephemerals("U0ONCALL")] == ["psst"]
    assert workspace.ephemerals("U0SECOND") == []
    assert workspace.messages("C0OPS") == []


async def test_second_reaction_of_the_same_name_is_refused(workspace: Workspace, client: AsyncWebClient) -> None:
    alert = await workspace.alert("C0OPS", "down")
    await client.reactions_add(channel="C0OPS", timestamp=alert.ts, name="eyes")
    assert await code_of(client.reactions_add(channel="C0OPS", timestamp=alert.ts, name="eyes")) == "already_reacted"
    assert await code_of(client.reactions_add(channel="C0OPS", timestamp="1.1", name="eyes")) == "message_not_found"
    assert await code_of(client.reactions_add(channel="C0OPS", timestamp=alert.ts, name="👀")) == "invalid_name"
    shown = (await client.conversations_replies(channel="C0OPS", ts=alert.ts))["messages"][0]
    assert shown["reactions"] == [{"name": "eyes", "users": ["U0AEGIS"], "count": 1}]


async def test_permalink_names_the_thread_of_a_reply(workspace: Workspace, client: AsyncWebClient) -> None:
    alert = await workspace.alert("C0OPS", "down")
    reply = await workspace.say("U0ONCALL", "C0OPS", "looking", thread_ts=alert.ts)
    link = (await client.chat_getPermalink(channel="C0OPS", message_ts=reply.ts))["permalink"]
    assert link.endswith(f"/archives/C0OPS/p{reply.ts.replace('.', '')}?thread_ts={alert.ts}&cid=C0OPS")


async def test_too_many_attachments_are_refused(client: AsyncWebClient) -> None:
    attachments = [{"text": "x"}] * 101
    assert await code_of(client.chat_postMessage(channel="C0OPS", text="x", attachments=attachments)) == (
        "too_many_attachments"
    )


async def test_bad_block_is_told_with_its_place(workspace: Workspace, client: AsyncWebClient) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    answer = await error_of(client.chat_postMessage(channel="C0OPS", text="x", blocks=[*DIVIDER, section]))
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == ["must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    ]
    assert workspace.messages("C0OPS") == []


async def test_file_is_shared_in_a_thread_in_three_steps(workspace: Workspace, client: AsyncWebClient) -> None:
    alert = await workspace.alert("C0OPS", "down")
    await client.files_upload_v2(
        content="a\nb\n", filename="evidence.txt", title="Evidence", channel="C0OPS", thread_ts=alert.ts
    )
    (file,) = workspace.files
    assert (file.name, file.title, file.text, file.thread_ts) == ("evidence.txt", "Evidence", "a\nb\n", alert.ts)
    assert workspace.thread(alert)[0].body["files"][0]["id"] == file.id
    assert await code_of(client.files_completeUploadExternal(files=[{"id": "F9", "title": "x"}])) == "file_not_found"
