"""What people do with messages, modals and commands, and what comes of the bot's answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.playground.slack.interactions.payloads import NoSuchControl
from bot.playground.slack.state.arguments import MethodError
from bot.playground.slack.state.clock import ManualClock
from bot.playground.slack.state.people import Json
from bot.playground.slack.workspace import Workspace
from tests.playground.conftest import app_of, client_of, online, without_proxies


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value.title()), "value": value}


CONFIRM = {"title": plain("Sure?"), "text": plain("It restarts."), "confirm": plain("Yes"), "deny": plain("No")}
CARD: list[Json] = [
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "restart", "text": plain("Restart"), "value": "i1:d1", "confirm": CONFIRM},
            {"type": "static_select", "action_id": "target", "options": [option("web"), option("db")]},
            {"type": "overflow", "action_id": "more", "options": [option("evidence"), option("again")]},
        ],
    }
]
MODAL: Json = {
    "type": "modal",
    "callback_id": "ignore",
    "private_metadata": "i1",
    "title": plain("Ignore"),
    "submit": plain("Ignore"),
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": plain("Why?"),
            "element": {"type": "plain_text_input", "action_id": "reason"},
        },
        {
            "type": "input",
            "block_id": "who",
            "optional": True,
            "label": plain("Who?"),
            "element": {"type": "users_select", "action_id": "person"},
        },
    ],
}


class Bot:
    """A real Bolt app that acknowledges everything, as it is told, and keeps what it got."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.got: list[Json] = []
        self.heard: list[Json] = []
        self.acknowledgement: Json = {}
        self.silent = False
        self.client = client_of(ws)
        self.app: AsyncApp = app_of(ws)

        @self.app.middleware
        async def take(body: Json, ack: Any) -> Any:
            (self.heard if "event" in body else self.got).append(body)
            if not self.silent:
                return await ack(**self.acknowledgement)
            return None

    async def card(self, *, thread_ts: str | None = None) -> Any:
        posted = await self.client.chat_postMessage(channel="C0OPS", text="card", blocks=CARD, thread_ts=thread_ts)
        return self.ws.message("C0OPS", posted["ts"])

    async def modal(self, user: str = "U0ONCALL", view: Json = MODAL) -> Any:
        typed = await self.ws.slash(user, "C0OPS", "/aegis", "ignore")
        await self.client.views_open(trigger_id=typed.payload["trigger_id"], view=view)
        return self.ws.modal(user)


@pytest.fixture
async def bot(workspace: Workspace) -> AsyncIterator[Bot]:
    bot = Bot(workspace)
    async with online(workspace, bot.app):
        yield bot


async def code_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_press_carries_message_container_state_and_a_way_to_answer(workspace: Workspace, bot: Bot) -> None:
    alert = await workspace.alert("C0OPS", "down")
    card = await bot.card(thread_ts=alert.ts)
    assert (await workspace.press("U0ONCALL", card, "restart")).ok
    payload = bot.got[-1]
    assert payload["type"] == "block_actions"
    assert payload["user"]["id"] == "U0ONCALL"
    assert payload["container"] == {
        "type": "message",
        "message_ts": card.ts,
        "channel_id": "C0OPS",
        "is_ephemeral": False,
        "thread_ts": alert.ts,
    }
    assert payload["message"]["blocks"][0]["block_id"] == payload["actions"][0]["block_id"]
    assert payload["actions"][0]["value"] == "i1:d1"
    assert list(payload["state"]["values"].values()) == [{"target": {"type": "static_select", "selected_option": None}}]
    assert payload["response_url"].startswith(f"{workspace.url}/actions/")


async def test_no_in_the_confirmation_sends_nothing(workspace: Workspace, bot: Bot) -> None:
    card = await bot.card()
    pressed = await workspace.press("U0ONCALL", card, "restart", confirm=False)
    assert (pressed.error, pressed.dialog) == ("cancelled", CONFIRM)
    assert not any(one.type == "interactive" for one in workspace.deliveries)


async def test_choice_in_a_menu_is_found_by_value_or_by_its_text(workspace: Workspace, bot: Bot) -> None:
    card = await bot.card()
    await workspace.choose("U0ONCALL", card, "target", "db")
    assert bot.got[-1]["actions"][0]["selected_option"] == option("db")
    (values,) = bot.got[-1]["state"]["values"].values()
    assert values["target"]["selected_option"]["value"] == "db"
    await workspace.choose("U0ONCALL", card, "more", "Evidence")
    assert bot.got[-1]["actions"][0]["selected_option"]["value"] == "evidence"
    with pytest.raises(NoSuchControl):
        await workspace.choose("U0ONCALL", card, "target", "cache")


async def test_button_that_is_gone_can_only_be_pressed_on_an_old_screen(workspace: Workspace, bot: Bot) -> None:
    card = await bot.card()
    screen = card.snapshot()
    await bot.client.chat_update(channel="C0OPS", ts=card.ts, text="done")
    with pytest.raises(NoSuchControl):
        await workspace.press("U0ONCALL", card, "restart")
    assert (await workspace.press("U0ONCALL", screen, "restart")).ok


async def test_silent_bot_means_an_error_for_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)
    clock = ManualClock()
    async with Workspace(clock=clock) as ws:
        bot = Bot(ws)
        bot.silent = True
        async with online(ws, bot.app):
            card = await bot.card()
            pressing = asyncio.create_task(ws.press("U0ONCALL", card, "restart"))
            await ws.wait_for(lambda: [one for one in ws.deliveries if one.type == "interactive"])
            await clock.advance(3)
            assert (await pressing).error == "operation_timeout"


async def test_command_carries_who_where_and_what(workspace: Workspace, bot: Bot) -> None:
    bot.acknowledgement = {"text": "Looking …", "response_type": "in_channel"}
    typed = await workspace.slash("U0ONCALL", "C0OPS", "/aegis", "diagnose web")
    assert typed.answer == {"text": "Looking …", "response_type": "in_channel"}
    got = bot.got[-1]
    assert (got["command"], got["text"], got["channel_id"], got["user_id"]) == (
        "/aegis",
        "diagnose web",
        "C0OPS",
        "U0ONCALL",
    )
    assert got["is_enterprise_install"] == "false"
    assert [message.text for message in workspace.messages("C0OPS")] == ["Looking …"]


async def test_command_answer_with_a_bad_block_is_an_error_for_the_person(workspace: Workspace, bot: Bot) -> None:
    bot.acknowledgement = {"text": "x", "blocks": [{"type": "header", "text": plain("x" * 151)}]}
    assert (await workspace.slash("U0ONCALL", "C0OPS", "/aegis")).error == "invalid_blocks"
    assert workspace.ephemerals("U0ONCALL") == []


async def test_message_shortcut_carries_the_message(workspace: Workspace, bot: Bot) -> None:
    alert = await workspace.alert("C0OPS", "down")
    await workspace.shortcut("U0ONCALL", alert, "diagnose")
    got = bot.got[-1]
    assert (got["type"], got["callback_id"], got["message_ts"], got["message"]["text"]) == (
        "message_action",
        "diagnose",
        alert.ts,
        "down",
    )
    await workspace.shortcut("U0ONCALL", None, "anywhere")
    assert bot.got[-1]["type"] == "shortcut"
    assert "channel" not in bot.got[-1]


async def test_trigger_opens_one_modal(workspace: Workspace, bot: Bot) -> None:
    typed = await workspace.slash("U0ONCALL", "C0OPS", "/aegis")
    trigger = typed.payload["trigger_id"]
    await bot.client.views_open(trigger_id=trigger, view=MODAL)
    assert await code_of(bot.client.views_open(trigger_id=trigger, view=MODAL)) == "exchanged_trigger_id"
    assert await code_of(bot.client.views_open(trigger_id="1.2.3", view=MODAL)) == "invalid_trigger_id"
    assert [view.title for view in workspace.modals("U0ONCALL")] == ["Ignore"]
    assert workspace.modals("U0SECOND") == []


async def test_trigger_is_good_for_three_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)
    clock = ManualClock()
    async with Workspace(clock=clock) as ws:
        bot = Bot(ws)
        async with online(ws, bot.app):
            typed = await ws.slash("U0ONCALL", "C0OPS", "/aegis")
            await clock.advance(3.1)
            call = bot.client.views_open(trigger_id=typed.payload["trigger_id"], view=MODAL)
            assert await code_of(call) == "expired_trigger_id"


async def test_submission_carries_every_field_and_closes_the_modal(workspace: Workspace, bot: Bot) -> None:
    modal = await bot.modal()
    assert (await workspace.submit("U0ONCALL", modal, {"reason": "a test"})).ok
    got = bot.got[-1]
    assert got["type"] == "view_submission"
    assert got["view"]["private_metadata"] == "i1"
    assert got["view"]["state"]["values"] == {
        "why": {"reason": {"type": "plain_text_input", "value": "a test"}},
        "who": {"person": {"type": "users_select", "selected_user": None}},
    }
    assert "channel" not in got
    assert workspace.modals("U0ONCALL") == []
    assert await code_of(bot.client.views_update(view_id=modal.id, view=MODAL)) == "not_found"


async def test_field_that_must_be_filled_in_stops_the_person(workspace: Workspace, bot: Bot) -> None:
    modal = await bot.modal()
    with pytest.raises(MethodError):
        await workspace.submit("U0ONCALL", modal, {"reason": ""})
    assert not modal.closed


async def test_submission_may_be_answered_by_errors_update_push_and_clear(workspace: Workspace, bot: Bot) -> None:
    modal = await bot.modal()
    bot.acknowledgement = {"response_action": "errors", "errors": {"why": "Say more."}}
    assert (await workspace.submit("U0ONCALL", modal, {"reason": "x"})).errors == {"why": "Say more."}
    bot.acknowledgement = {"response_action": "errors", "errors": {"nowhere": "?"}}
    assert (await workspace.submit("U0ONCALL", modal, {"reason": "x"})).error == "invalid_response_errors"
    bot.acknowledgement = {"response_action": "update", "view": {**MODAL, "title": plain("Really?")}}
    await workspace.submit("U0ONCALL", modal, {"reason": "x"})
    assert [view.title for view in workspace.modals("U0ONCALL")] == ["Really?"]
    bot.acknowledgement = {"response_action": "push", "view": {**MODAL, "title": plain("Sure?")}}
    await workspace.submit("U0ONCALL", modal, {"reason": "x"})
    top = workspace.modal("U0ONCALL")
    assert (top.title, top.body["previous_view_id"], top.body["root_view_id"]) == ("Sure?", modal.id, modal.id)
    await workspace.submit("U0ONCALL", top, {"reason": "x"})
    too_deep = await workspace.submit("U0ONCALL", workspace.modal("U0ONCALL"), {"reason": "x"})
    assert (too_deep.error, len(workspace.modals("U0ONCALL"))) == ("push_limit_reached", 3)
    bot.acknowledgement = {"response_action": "clear"}
    await workspace.submit("U0ONCALL", workspace.modal("U0ONCALL"), {"reason": "x"})
    assert workspace.modals("U0ONCALL") == []


async def test_closed_modal_is_told_where_it_was_asked_for(workspace: Workspace, bot: Bot) -> None:
    modal = await bot.modal()
    await workspace.close("U0ONCALL", modal)
    assert (bot.got[-1]["type"], bot.got[-1]["is_cleared"]) == ("view_closed", False)
    silent = await bot.modal(view={**MODAL, "notify_on_close": False})
    before = len(bot.got)
    await workspace.close("U0ONCALL", silent)
    assert len(bot.got) == before


async def test_stale_hash_is_refused(workspace: Workspace, bot: Bot) -> None:
    modal = await bot.modal()
    old = modal.body["hash"]
    await bot.client.views_update(view_id=modal.id, hash=old, view=MODAL)
    assert await code_of(bot.client.views_update(view_id=modal.id, hash=old, view=MODAL)) == "hash_conflict"
    assert len(modal.versions) == 2


async def test_home_is_published_when_it_is_opened(workspace: Workspace, bot: Bot) -> None:
    await workspace.open_home("U0ONCALL")
    await workspace.wait_for(lambda: bot.heard[-1]["event"]["type"] == "app_home_opened")
    assert "view" not in bot.heard[-1]["event"]
    button = {"type": "button", "action_id": "restart", "text": plain("Restart")}
    home = {"type": "home", "blocks": [{"type": "actions", "elements": [button]}]}
    await bot.client.views_publish(user_id="U0ONCALL", view=home)
    await workspace.press("U0ONCALL", workspace.home("U0ONCALL"), "restart")
    assert bot.got[-1]["container"]["type"] == "view"
    assert "response_url" not in bot.got[-1]
    await workspace.open_home("U0ONCALL")
    await workspace.wait_for(lambda: "view" in bot.heard[-1]["event"])


async def test_response_url_answers_in_private_replaces_and_deletes(workspace: Workspace, bot: Bot) -> None:
    card = await bot.card()
    pressed = await workspace.press("U0SECOND", card, "restart")
    respond = AsyncWebhookClient(pressed.payload["response_url"])
    await respond.send(text="not you")
    assert [note.text for note in workspace.ephemerals("U0SECOND")] == ["not you"]
    await respond.send(text="public", response_type="in_channel", replace_original=False)
    assert workspace.messages("C0OPS")[-1].text == "public"
    await respond.send(text="done", replace_original=True)
    assert (card.text, card.blocks) == ("done", [])
    await respond.send(delete_original=True)
    assert card.deleted
    assert (await respond.send(text="fifth")).status_code == 200
    assert (await respond.send(text="sixth")).status_code == 404
    assert [note.text for note in workspace.ephemerals("U0SECOND")] == ["not you", "fifth"]


async def test_response_url_ends_after_thirty_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)
    clock = ManualClock()
    async with Workspace(clock=clock) as ws:
        bot = Bot(ws)
        async with online(ws, bot.app):
            pressed = await ws.press("U0ONCALL", await bot.card(), "restart")
        await clock.advance(1801)
        assert (await AsyncWebhookClient(pressed.payload["response_url"]).send(text="x")).status_code == 404


async def test_press_on_what_one_person_alone_sees(workspace: Workspace, bot: Bot) -> None:
    await bot.client.chat_postEphemeral(channel="C0OPS", user="U0ONCALL", text="which?", blocks=CARD)
    (note,) = workspace.ephemerals("U0ONCALL")
    chosen = await workspace.choose("U0ONCALL", note, "target", "web")
    assert bot.got[-1]["container"]["is_ephemeral"] is True
    assert "message" not in bot.got[-1]
    await AsyncWebhookClient(chosen.payload["response_url"]).send(delete_original=True)
    assert workspace.ephemerals("U0ONCALL") == []
    with pytest.raises(MethodError):
        await workspace.choose("U0SECOND", note, "target", "web")


async def test_view_with_a_bad_block_is_refused_with_its_place(workspace: Workspace, bot: Bot) -> None:
    typed = await workspace.slash("U0ONCALL", "C0OPS", "/aegis")
    view = {**MODAL, "title": plain("x" * 25), "submit": None}
    with pytest.raises(SlackApiError) as caught:
        await bot.client.views_open(trigger_id=typed.payload["trigger_id"], view=view)
    answer = caught.value.response
    assert answer["error"] == "invalid_arguments"
    pointers = " ".join(answer["response_metadata"]["messages"])
    assert "/view/title/text" in pointers
    assert "missing required field: submit" in pointers
    large = {**MODAL, "blocks": [{"type": "section", "text": plain("x" * 3000)}] * 100}
    assert await code_of(bot.client.views_open(trigger_id=typed.payload["trigger_id"], view=large)) == "view_too_large"
    assert (await bot.client.views_open(trigger_id=typed.payload["trigger_id"], view=MODAL))["ok"]


async def test_response_url_is_not_covered_by_the_base_address(workspace: Workspace, bot: Bot) -> None:
    typed = await workspace.slash("U0ONCALL", "C0OPS", "/aegis")
    async with (
        aiohttp.ClientSession() as session,
        session.post(typed.payload["response_url"], json={"text": "hello", "blocks": "nonsense"}) as response,
    ):
        assert response.status == 400
    client = AsyncWebhookClient(typed.payload["response_url"])
    await client.send(text="first")
    await client.send(text="second", replace_original=True)
    assert [note.text for note in workspace.ephemerals("U0ONCALL")] == ["second"]
