"""Tickets, envelopes, acknowledgements and redelivery, with the real Socket Mode client and with a bare one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.faults import Fault
from bot.playground.slack.state.clock import ManualClock
from bot.playground.slack.workspace import Workspace
from tests.playground.conftest import app_of, client_of, online, without_proxies


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def timed(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    without_proxies(monkeypatch)
    async with Workspace(clock=clock) as ws:
        yield ws


async def ticket(ws: Workspace) -> str:
    return str((await client_of(ws).apps_connections_open(app_token=ws.app_token))["url"])


async def link(ws: Workspace, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    """A bare socket, its hello read."""
    socket = await session.ws_connect(await ticket(ws), autoping=False)
    assert (await socket.receive_json())["type"] == "hello"
    return socket


def with_listener(ws: Workspace) -> tuple[AsyncApp, asyncio.Queue[str]]:
    heard: asyncio.Queue[str] = asyncio.Queue()
    app = app_of(ws)

    @app.event("message")
    async def on_message(event: dict[str, Any]) -> None:
        heard.put_nowait(event["text"])

    return app, heard


async def test_ticket_opens_one_connection_once(workspace: Workspace, session: aiohttp.ClientSession) -> None:
    url = await ticket(workspace)
    await session.ws_connect(url)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(url)
    assert refused.value.status == 409


async def test_old_ticket_is_refused(timed: Workspace, clock: ManualClock, session: aiohttp.ClientSession) -> None:
    url = await ticket(timed)
    await clock.advance(31)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)


async def test_refused_upgrade_leaves_the_ticket_good_unless_it_took_effect(
    workspace: Workspace, session: aiohttp.ClientSession
) -> None:
    url = await ticket(workspace)
    workspace.fail("socket", Fault(status=503))
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)
    await session.ws_connect(url)
    url = await ticket(workspace)
    workspace.fail("socket", Fault(status=503, after_effect=True))
    for status in (503, 409):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url)
        assert refused.value.status == status


async def test_hello_counts_the_connections(workspace: Workspace, session: aiohttp.ClientSession) -> None:
    sockets = [await session.ws_connect(await ticket(workspace)) for _ in range(2)]
    for number, socket in enumerate(sockets, 1):
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", number)
        assert hello["connection_info"] == {"app_id": "A0AEGIS"}


async def test_ping_is_answered_with_its_own_payload(workspace: Workspace, session: aiohttp.ClientSession) -> None:
    socket = await link(workspace, session)
    await socket.ping(b"sdk-ping-pong:1")
    frame = await socket.receive()
    assert (frame.type, frame.data) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1")


async def test_eleventh_connection_is_sent_away(workspace: Workspace, session: aiohttp.ClientSession) -> None:
    held = [await link(workspace, session) for _ in range(10)]
    socket = await session.ws_connect(await ticket(workspace))
    assert (await socket.receive_json())["reason"] == "too_many_websockets"
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert len(workspace.connections) == len(held)


async def test_each_envelope_goes_to_one_connection_and_any_may_acknowledge(
    workspace: Workspace, session: aiohttp.ClientSession
) -> None:
    first, second = await link(workspace, session), await link(workspace, session)
    await workspace.alert("C0ALERTS", "one")
    await workspace.alert("C0ALERTS", "two")
    envelopes = [await first.receive_json(), await second.receive_json()]
    assert {one["payload"]["event"]["text"] for one in envelopes} == {"one", "two"}
    for one in envelopes:
        await first.send_json({"envelope_id": one["envelope_id"]})
    await workspace.wait_for(lambda: all(one.acknowledged for one in workspace.deliveries))
    assert len(workspace.deliveries) == 2


async def test_first_delivery_looks_as_slack_sends_it(workspace: Workspace, session: aiohttp.ClientSession) -> None:
    socket = await link(workspace, session)
    alert = await workspace.alert("C0ALERTS", "down")
    envelope = await socket.receive_json()
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", False)
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
    payload = envelope["payload"]
    assert (payload["type"], payload["authorizations"][0]["user_id"]) == ("event_callback", "U0AEGIS")
    event = payload["event"]
    assert (event["ts"], event["event_ts"], event["channel_type"]) == (alert.ts, alert.ts, "channel")
    assert (event["subtype"], event["bot_id"], "user" in event) == ("bot_message", "B0ALERTMAN", False)


async def test_event_without_acknowledgement_comes_again_three_times(
    timed: Workspace, clock: ManualClock, session: aiohttp.ClientSession
) -> None:
    socket = await link(timed, session)
    await timed.alert("C0ALERTS", "down")
    frames = [await socket.receive_json()]
    for wait in (3.0, 63.0, 303.0):
        await clock.advance(wait)
        frames.append(await socket.receive_json())
    await clock.advance(10_000)
    assert [frame["retry_attempt"] for frame in frames] == [0, 1, 2, 3]
    assert [frame["retry_reason"] for frame in frames] == ["", "timeout", "timeout", "timeout"]
    assert len({frame["payload"]["event_id"] for frame in frames}) == 1
    assert len({frame["envelope_id"] for frame in frames}) == 4
    assert len(timed.deliveries) == 4


async def test_acknowledged_event_does_not_come_again(
    timed: Workspace, clock: ManualClock, session: aiohttp.ClientSession
) -> None:
    socket = await link(timed, session)
    await timed.alert("C0ALERTS", "down")
    await socket.send_json({"envelope_id": (await socket.receive_json())["envelope_id"]})
    await timed.wait_for(lambda: timed.deliveries[0].acknowledged)
    await clock.advance(10_000)
    assert len(timed.deliveries) == 1


async def test_late_acknowledgement_does_not_count(
    timed: Workspace, clock: ManualClock, session: aiohttp.ClientSession
) -> None:
    socket = await link(timed, session)
    await timed.alert("C0ALERTS", "down")
    first = await socket.receive_json()
    await clock.advance(3.0)
    second = await socket.receive_json()
    await socket.send_json({"envelope_id": first["envelope_id"]})
    await socket.send_json({"envelope_id": second["envelope_id"]})
    await timed.wait_for(lambda: timed.deliveries[1].acknowledged)
    assert not timed.deliveries[0].acknowledged


async def test_frame_that_is_no_acknowledgement_is_ignored(
    workspace: Workspace, session: aiohttp.ClientSession
) -> None:
    socket = await link(workspace, session)
    for nonsense in ("", "[]", "{}", "null", json.dumps({"envelope_id": "unknown"})):
        await socket.send_str(nonsense)
    await socket.ping(b"still there")
    assert (await socket.receive()).data == b"still there"


async def test_event_while_nobody_listens_comes_as_a_retry(timed: Workspace, clock: ManualClock) -> None:
    app, heard = with_listener(timed)
    await timed.alert("C0ALERTS", "missed")
    await timed.wait_for(lambda: timed.deliveries[1].error)
    async with online(timed, app):
        await clock.advance(60)
        await timed.settled()
        assert await heard.get() == "missed"
    assert [one.error for one in timed.deliveries] == ["dispatch_failed", "dispatch_failed", ""]
    assert timed.deliveries[-1].attempt == 2


async def test_press_and_command_are_not_repeated(
    timed: Workspace, clock: ManualClock, session: aiohttp.ClientSession
) -> None:
    socket = await link(timed, session)
    typing = asyncio.create_task(timed.slash("U0ONCALL", "C0OPS", "/aegis", "help"))
    envelope = await socket.receive_json()
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert "retry_attempt" not in envelope
    await clock.advance(3.0)
    assert (await typing).error == "operation_timeout"
    await clock.advance(10_000)
    assert len(timed.deliveries) == 1


async def test_real_client_comes_back_after_a_disconnect_frame(workspace: Workspace) -> None:
    app, heard = with_listener(workspace)
    async with online(workspace, app):
        old = workspace.connections[0].number
        await workspace.disconnect("refresh_requested")
        await workspace.wait_for(lambda: [one.number for one in workspace.connections if one.number != old])
        await workspace.alert("C0ALERTS", "after")
        await workspace.settled()
        assert await heard.get() == "after"
    assert len(workspace.called("apps.connections.open")) == 2


async def test_real_client_comes_back_after_its_socket_was_cut(workspace: Workspace) -> None:
    app, heard = with_listener(workspace)
    async with online(workspace, app):
        workspace.cut()
        await workspace.wait_for(lambda: not workspace.connections)
        await workspace.connected()
        await workspace.alert("C0ALERTS", "after")
        await workspace.settled()
        assert await heard.get() == "after"


async def test_real_client_notices_a_socket_that_went_deaf(workspace: Workspace) -> None:
    app, _ = with_listener(workspace)
    async with online(workspace, app):
        old = workspace.connections[0].number
        workspace.deafen()
        await workspace.wait_for(lambda: [one.number for one in workspace.connections if one.number != old], 20)


async def test_switched_off_socket_mode_opens_nothing_more(workspace: Workspace, client: AsyncWebClient) -> None:
    app, _ = with_listener(workspace)
    async with online(workspace, app):
        await workspace.disconnect("link_disabled")
        await workspace.wait_for(lambda: not workspace.connections)
        with pytest.raises(SlackApiError):
            await client.apps_connections_open(app_token=workspace.app_token)


async def test_two_bots_share_the_events(workspace: Workspace) -> None:
    app, heard = with_listener(workspace)
    async with online(workspace, app, sockets=2):
        for number in range(6):
            await workspace.alert("C0ALERTS", str(number))
        await workspace.settled()
        assert sorted([await heard.get() for _ in range(6)]) == list("012345")
    assert len({one.connection for one in workspace.deliveries}) == 2
