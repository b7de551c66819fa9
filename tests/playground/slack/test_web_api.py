"""Tokens, scopes, arguments and ordered trouble, over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.faults import Fault
from bot.playground.slack.workspace import Workspace


async def error_of(call: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        await call
    answer: dict[str, Any] = caught.value.response.data
    return answer


async def test_auth_test_names_the_bot_and_every_answer_lists_the_scopes(
    workspace: Workspace, client: AsyncWebClient
) -> None:
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0AEGIS", "B0AEGIS", "T0PLAY")
    assert set(answer.headers["x-oauth-scopes"].split(",")) == workspace.seed.scopes


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "not_authed"),
        ("xoxb-somebody-else", "invalid_auth"),
        ("xapp-playground-app-token", "not_allowed_token_type"),
    ],
)
async def test_wrong_token_is_refused_with_its_own_code(workspace: Workspace, token: str, code: str) -> None:
    client = AsyncWebClient(token=token, base_url=workspace.api_url)
    assert (await error_of(client.auth_test()))["error"] == code


async def test_revoked_token_is_told_so(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.revoke(workspace.bot_token)
    assert (await error_of(client.auth_test()))["error"] == "token_revoked"


async def test_socket_wants_the_app_token_in_the_header(workspace: Workspace, client: AsyncWebClient) -> None:
    assert (await error_of(client.apps_connections_open(app_token=workspace.bot_token)))["error"] == (
        "not_allowed_token_type"
    )
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{workspace.api_url}apps.connections.open", data={"token": workspace.app_token}) as response,
    ):
        assert (await response.json())["error"] == "not_authed"
    workspace.seed.app_scopes.clear()
    answer = await error_of(client.apps_connections_open(app_token=workspace.app_token))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "connections:write")


@pytest.mark.parametrize(
    ("scope", "method", "arguments"),
    [
        ("chat:write", "chat.postMessage", {"channel": "C0OPS", "text": "x"}),
        ("reactions:write", "reactions.add", {"channel": "C0OPS", "timestamp": "1.2", "name": "eyes"}),
        ("usergroups:read", "usergroups.users.list", {"usergroup": "S0ONCALL"}),
        ("users:read", "users.info", {"user": "U0ONCALL"}),
        ("channels:read", "conversations.info", {"channel": "C0OPS"}),
        ("channels:history", "conversations.history", {"channel": "C0OPS"}),
        ("files:write", "files.getUploadURLExternal", {"filename": "a", "length": 1}),
    ],
)
async def test_missing_scope_names_what_is_needed_and_what_is_there(
    workspace: Workspace, client: AsyncWebClient, scope: str, method: str, arguments: dict[str, Any]
) -> None:
    workspace.seed.scopes.discard(scope)
    answer = await error_of(client.api_call(method, params=arguments))
    assert (answer["error"], answer["needed"]) == ("missing_scope", scope)
    assert set(answer["provided"].split(",")) == workspace.seed.scopes


async def test_unknown_method_is_said_to_be_unknown(client: AsyncWebClient) -> None:
    assert (await error_of(client.api_call("chat.shout")))["error"] == "unknown_method"


@pytest.mark.parametrize("way", ["query", "form", "json", "multipart"])
async def test_arguments_mean_the_same_wherever_they_are(workspace: Workspace, way: str) -> None:
    blocks = [{"type": "divider"}]
    arguments = {"channel": "C0OPS", "text": "a & b", "blocks": json.dumps(blocks), "unfurl_links": "0"}
    ways: dict[str, dict[str, Any]] = {
        "query": {"params": arguments},
        "form": {"data": arguments},
        "json": {"json": {**arguments, "blocks": blocks}},
        "multipart": {"data": aiohttp.FormData(arguments, default_to_multipart=True)},
    }
    headers = {"Authorization": f"Bearer {workspace.bot_token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{workspace.api_url}chat.postMessage", **ways[way]) as response,
    ):
        assert (await response.json())["ok"]
    (posted,) = workspace.messages("C0OPS")
    assert posted.text == "a & b"
    assert [block["type"] for block in posted.blocks] == ["divider"]
    assert workspace.calls[0].arguments["blocks"] == blocks


async def test_broken_json_is_refused(workspace: Workspace) -> None:
    headers = {"Authorization": f"Bearer {workspace.bot_token}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{workspace.api_url}auth.test", data="{") as response,
    ):
        assert (await response.json())["error"] == "invalid_json"


async def test_calls_are_kept_in_order_without_the_token(workspace: Workspace, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="C0OPS", text="one")
    await error_of(client.chat_postMessage(channel="C0NOWHERE", text="two"))
    assert [(call.method, call.arguments["text"], call.error) for call in workspace.calls] == [
        ("chat.postMessage", "one", ""),
        ("chat.postMessage", "two", "channel_not_found"),
    ]
    assert not any("token" in call.arguments for call in workspace.calls)


async def test_ordered_rate_limit_ends_after_its_calls(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.rate_limit("chat.postMessage", retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0OPS", text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    assert caught.value.response["error"] == "ratelimited"
    assert (await client.chat_postMessage(channel="C0OPS", text="x"))["ok"]


async def test_sdk_that_waits_for_retry_after_gets_through(workspace: Workspace, client: AsyncWebClient) -> None:
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    workspace.rate_limit("auth.test", retry_after=0)
    assert (await client.auth_test())["ok"]
    assert [call.status for call in workspace.called("auth.test")] == [429, 200]


@pytest.mark.parametrize("after_effect", [False, True])
async def test_server_error_comes_before_or_after_the_effect(
    workspace: Workspace, client: AsyncWebClient, after_effect: bool
) -> None:
    workspace.fail("chat.postMessage", Fault(status=500, after_effect=after_effect))
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(channel="C0OPS", text="x")
    assert len(workspace.messages("C0OPS")) == int(after_effect)


@pytest.mark.parametrize("after_effect", [False, True])
async def test_cut_connection_comes_before_or_after_the_effect(
    workspace: Workspace, client: AsyncWebClient, after_effect: bool
) -> None:
    client.retry_handlers.clear()
    workspace.fail("chat.postMessage", Fault(reset=True, after_effect=after_effect))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C0OPS", text="x")
    assert len(workspace.messages("C0OPS")) == int(after_effect)


async def test_hanging_call_ends_when_it_is_released(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.fail("auth.test", Fault(hang=True))
    hanging = asyncio.create_task(client.auth_test())
    await workspace.wait_for(lambda: workspace.called("auth.test")[0].arguments is not None)
    assert not hanging.done()
    workspace.release()
    with pytest.raises(SlackApiError):
        await hanging
    assert (await client.auth_test())["ok"]


async def test_any_error_code_can_be_ordered_with_its_fields(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.fail("*", Fault(error="plan_upgrade_required", fields={"hint": "pay"}))
    assert await error_of(client.usergroups_list()) == {"ok": False, "error": "plan_upgrade_required", "hint": "pay"}


async def test_workspace_that_was_down_is_back_on_the_same_port(workspace: Workspace, client: AsyncWebClient) -> None:
    await workspace.alert("C0ALERTS", "before")
    before = workspace.api_url
    await workspace.stop()
    client.retry_handlers.clear()
    with pytest.raises(aiohttp.ClientError):
        await client.auth_test()
    await workspace.start()
    assert workspace.api_url == before
    assert (await client.conversations_history(channel="C0ALERTS"))["messages"][0]["text"] == "before"
