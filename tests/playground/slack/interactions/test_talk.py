"""What people and senders do in channels, as the bot hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.people import MONITOR, WEBHOOK, Channel, Json
from bot.playground.slack.workspace import Workspace
from tests.playground.conftest import online


class Ear:
    """Keeps every event, unless Bolt drops it as the bot's own; and every envelope, before Bolt sees it."""

    def __init__(self, ws: Workspace, app: AsyncApp) -> None:
        self.ws = ws
        self.events: list[Json] = []

        @app.middleware
        async def take(body: Json, ack: Any) -> Any:
            self.events.append(body["event"])
            return await ack()

    async def next(self, count: int = 1) -> list[Json]:
        """The next ``count`` events that Bolt let through, and no more."""
        await self.ws.settled()
        assert len(self.events) == count
        found, self.events = self.events, []
        return found


@pytest.fixture
async def ear(workspace: Workspace, app: AsyncApp) -> AsyncIterator[Ear]:
    ear = Ear(workspace, app)
    async with online(workspace, app):
        yield ear


async def test_persons_message_has_a_user_and_rich_text(workspace: Workspace, ear: Ear) -> None:
    await workspace.say("U0ONCALL", "C0OPS", "a &lt; b")
    (event,) = await ear.next()
    assert (event["user"], event["text"], event["channel_type"]) == ("U0ONCALL", "a &lt; b", "channel")
    assert event["blocks"][0]["elements"][0]["elements"] == [{"type": "text", "text": "a < b"}]
    assert "bot_id" not in event
    assert "subtype" not in event


async def test_webhook_has_a_subtype_and_no_user_and_a_modern_app_the_reverse(workspace: Workspace, ear: Ear) -> None:
    await workspace.alert("C0ALERTS", "", sender=WEBHOOK, attachments=[{"title": "down"}])
    (event,) = await ear.next()
    assert (event["subtype"], event["username"], event["text"], "user" in event) == (
        "bot_message",
        "Alertmanager",
        "",
        False,
    )
    assert event["attachments"] == [{"id": 1, "title": "down"}]
    await workspace.alert("C0ALERTS", "down", sender=MONITOR)
    (event,) = await ear.next()
    assert (event["user"], event["bot_id"], event["bot_profile"]["name"], "subtype" in event) == (
        "U0GRAFANA",
        "B0GRAFANA",
        "Grafana",
        False,
    )


async def test_mention_gives_two_events_of_one_message(workspace: Workspace, ear: Ear) -> None:
    said = await workspace.say("U0ONCALL", "C0OPS", "<@U0AEGIS> help")
    events = await ear.next(2)
    assert {event["type"] for event in events} == {"message", "app_mention"}
    assert {event["ts"] for event in events} == {said.ts}
    assert len({one.payload["event_id"] for one in workspace.deliveries}) == 2


async def test_edit_tells_what_was_and_what_is(workspace: Workspace, ear: Ear) -> None:
    alert = await workspace.alert("C0ALERTS", "FIRING")
    await ear.next()
    await workspace.edit(alert, "RESOLVED")
    (event,) = await ear.next()
    assert (event["subtype"], event["hidden"]) == ("message_changed", True)
    assert (event["message"]["text"], event["previous_message"]["text"]) == ("RESOLVED", "FIRING")
    assert event["message"]["ts"] == alert.ts
    assert event["ts"] != alert.ts
    assert "text" not in event
    await workspace.unfurl(alert, [{"title": "a preview"}])
    (event,) = await ear.next()
    assert event["message"]["text"] == event["previous_message"]["text"]


async def test_deletion_names_the_message(workspace: Workspace, ear: Ear) -> None:
    alert = await workspace.alert("C0ALERTS", "FIRING")
    await ear.next()
    await workspace.delete(alert)
    (event,) = await ear.next()
    assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", alert.ts)
    assert workspace.messages("C0ALERTS") == []


async def test_bots_own_messages_come_back_to_it(workspace: Workspace, ear: Ear, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel="C0OPS", text="mine"))["ts"]
    await client.chat_update(channel="C0OPS", ts=ts, text="still mine")
    await ear.next(0)
    sent = [one.payload["event"] for one in workspace.deliveries]
    assert [event.get("subtype", "") for event in sent] == ["", "message_changed"]
    assert (sent[0]["bot_id"], sent[0]["user"]) == ("B0AEGIS", "U0AEGIS")


async def test_reply_carries_its_thread(workspace: Workspace, ear: Ear) -> None:
    alert = await workspace.alert("C0ALERTS", "down")
    await ear.next()
    await workspace.say("U0ONCALL", "C0ALERTS", "looking", thread_ts=alert.ts)
    (event,) = await ear.next()
    assert (event["thread_ts"], event["ts"] != alert.ts) == (alert.ts, True)


async def test_direct_message_is_no_mention(workspace: Workspace, ear: Ear) -> None:
    await workspace.say("U0ONCALL", workspace.direct("U0ONCALL"), "<@U0AEGIS> help")
    (event,) = await ear.next()
    assert (event["type"], event["channel_type"]) == ("message", "im")


async def test_nothing_is_heard_outside_the_bots_channels_scopes_and_subscriptions(workspace: Workspace) -> None:
    workspace.state.channels["C0ELSE"] = Channel("C0ELSE", "else", {"U0ONCALL"})
    await workspace.say("U0ONCALL", "C0ELSE", "hello")
    workspace.seed.scopes.discard("channels:history")
    await workspace.say("U0ONCALL", "C0OPS", "hello")
    workspace.seed.scopes.add("channels:history")
    workspace.seed.events.discard("message.channels")
    await workspace.say("U0ONCALL", "C0OPS", "hello")
    await workspace.open_home("U0ONCALL")
    await workspace.wait_for(lambda: workspace.deliveries)
    assert [one.payload["event"]["type"] for one in workspace.deliveries] == ["app_home_opened"]


async def test_nobody_speaks_in_an_archived_channel_or_one_they_left(workspace: Workspace) -> None:
    await workspace.leave("U0STRANGER", "C0OPS")
    with pytest.raises(MethodError):
        await workspace.say("U0STRANGER", "C0OPS", "hello")
    await workspace.archive("C0OPS")
    with pytest.raises(MethodError):
        await workspace.say("U0ONCALL", "C0OPS", "hello")


async def test_join_is_a_line_in_the_channel(workspace: Workspace, ear: Ear) -> None:
    await workspace.leave("U0SECOND", "C0OPS")
    await workspace.join("U0SECOND", "C0OPS")
    (event,) = await ear.next()
    assert (event["subtype"], event["user"]) == ("channel_join", "U0SECOND")


RECORDED: Json = {
    "type": "message",
    "subtype": "bot_message",
    "text": "FIRING",
    "bot_id": "B9",
    "ts": "1788242917.173129",
    "channel": "C9",
    "event_ts": "1788242917.173129",
    "channel_type": "channel",
}


async def test_recorded_message_is_posted_here_and_now_and_its_recorded_edit_finds_it(
    workspace: Workspace, ear: Ear
) -> None:
    posted = await workspace.replay(RECORDED, "C0ALERTS")
    (event,) = await ear.next()
    assert (event["channel"], event["text"], event["bot_id"]) == ("C0ALERTS", "FIRING", "B9")
    assert event["ts"] == posted.ts != RECORDED["ts"]
    edit = {
        "type": "message",
        "subtype": "message_changed",
        "message": {**RECORDED, "text": "RESOLVED"},
        "previous_message": RECORDED,
        "channel": "C9",
        "ts": "1788242999.000000",
    }
    assert await workspace.replay(edit, "C0ALERTS") is posted
    (event,) = await ear.next()
    assert (event["message"]["text"], event["message"]["ts"]) == ("RESOLVED", posted.ts)
    unseen = {**edit, "previous_message": {**RECORDED, "ts": "1.5"}}
    other = await workspace.replay(unseen, "C0ALERTS")
    await ear.next()
    assert other is not posted
    gone = {"type": "message", "subtype": "message_deleted", "previous_message": RECORDED, "ts": "2.5"}
    assert (await workspace.replay(gone, "C0ALERTS")).deleted
