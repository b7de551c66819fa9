"""The loopback workspace as the real Bolt client meets it: from an alert to a press."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.state.people import MONITOR
from bot.playground.slack.workspace import Workspace
from tests.playground.conftest import online

CARD: list[dict[str, Any]] = [
    {"type": "header", "text": {"type": "plain_text", "text": "buggy-app-v2 is down"}},
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "restart",
                "text": {"type": "plain_text", "text": "Restart"},
                "value": "i1:d1",
                "style": "danger",
            }
        ],
    },
]


async def test_alert_is_answered_by_a_card_and_the_press_reaches_the_bot(workspace: Workspace, app: AsyncApp) -> None:
    @app.event("message")
    async def on_message(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.reactions_add(channel=event["channel"], timestamp=event["ts"], name="eyes")
        await client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text="a card", blocks=CARD)

    @app.action("restart")
    async def on_restart(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.chat_update(
            channel=body["channel"]["id"],
            ts=body["message"]["ts"],
            text=f"<@{body['user']['id']}> restarts {body['actions'][0]['value']}",
        )

    async with online(workspace, app):
        alert = await workspace.alert("C0ALERTS", "buggy-app-v2 is down", sender=MONITOR)
        card = await workspace.wait_for(lambda: workspace.thread(alert)[0])
        assert workspace.reactions(alert) == {"eyes"}
        assert card.buttons == ["restart"]
        presses = await asyncio.gather(*(workspace.press(user, card, "restart") for user in ("U0ONCALL", "U0SECOND")))
        assert [press.ok for press in presses] == [True, True]
        await workspace.wait_for(lambda: len(workspace.called("chat.update")) == 2)
        assert card.buttons == []
        assert card.text.endswith("restarts i1:d1")


async def test_command_opens_a_modal_and_its_submission_comes_back(workspace: Workspace, app: AsyncApp) -> None:
    reasons = []

    @app.command("/aegis")
    async def on_command(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack("Opening …")
        field = {"type": "plain_text_input", "action_id": "reason"}
        label = {"type": "plain_text", "text": "Why?"}
        await client.views_open(
            trigger_id=body["trigger_id"],
            view={
                "type": "modal",
                "callback_id": "ignore",
                "title": {"type": "plain_text", "text": "Ignore"},
                "submit": {"type": "plain_text", "text": "Ignore"},
                "blocks": [{"type": "input", "block_id": "why", "label": label, "element": field}],
            },
        )

    @app.view("ignore")
    async def on_view(ack: Any, view: dict[str, Any]) -> None:
        reason = view["state"]["values"]["why"]["reason"]["value"]
        if reason == "no":
            await ack(response_action="errors", errors={"why": "Say more."})
        else:
            reasons.append(reason)
            await ack()

    async with online(workspace, app):
        typed = await workspace.slash("U0ONCALL", "C0OPS", "/aegis", "ignore")
        assert typed.ok
        assert [note.text for note in workspace.ephemerals("U0ONCALL")] == ["Opening …"]
        modal = await workspace.wait_for(lambda: workspace.modal("U0ONCALL"))
        refused = await workspace.submit("U0ONCALL", modal, {"reason": "no"})
        assert refused.errors == {"why": "Say more."}
        assert not modal.closed
        await workspace.submit("U0ONCALL", modal, {"reason": "a planned test"})
        assert modal.closed
        assert reasons == ["a planned test"]


async def test_nobody_online_is_told_to_the_person_who_pressed(workspace: Workspace) -> None:
    typed = await workspace.slash("U0ONCALL", "C0OPS", "/aegis", "help")
    assert typed.error == "dispatch_failed"
    assert len(workspace.deliveries) == 1


async def test_observer_hears_of_every_change_until_it_stops(workspace: Workspace, client: AsyncWebClient) -> None:
    kinds: list[str] = []
    stop = workspace.subscribe(lambda change: kinds.append(change.kind))
    await client.chat_postMessage(channel="C0OPS", text="x")
    assert kinds[0] == "message"
    assert "call" in kinds
    stop()
    await workspace.alert("C0OPS", "unheard")
    assert workspace.messages("C0OPS")[-1].text == "unheard"
    assert kinds.count("message") == 1


async def test_other_pages_may_stand_beside_the_api() -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="a page")

    async with (
        Workspace(routes=[web.get("/", page)]) as ws,
        aiohttp.ClientSession() as session,
        session.get(ws.url) as response,
    ):
        assert await response.text() == "a page"


async def test_waiting_in_vain_tells_what_the_bot_did(workspace: Workspace, client: AsyncWebClient) -> None:
    await client.auth_test()
    with pytest.raises(TimeoutError, match=r"auth\.test 200"):
        await workspace.wait_for(lambda: workspace.thread(workspace.messages("C0OPS")[0]), timeout=0.01)
