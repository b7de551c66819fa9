import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackError
from bot.playground.slack.faults import Fault
from bot.playground.slack.workspace import Workspace
from bot.slack.app import make_app
from bot.slack.connection.server_clock import SlackClock
from bot.slack.connection.socket_mode import SocketModeConnection
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import Identity
from tests.slack.conftest import Desk

Make = Callable[..., SocketModeConnection]
FIRING = "[FIRING:1] ContainerDown (container buggy-app-v2, severity critical)"


@pytest.fixture
async def opened() -> AsyncIterator[list[SocketModeConnection]]:
    made: list[SocketModeConnection] = []
    yield made
    for connection in made:
        await connection.close(BackgroundTasks(), 1)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - nothing tells when a link is up again
            await asyncio.sleep(0.02)


async def works(desk: Desk) -> None:
    """Show that the connection carries a press there and its acknowledgement back."""
    assert (await desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", "help")).ok


async def test_it_is_connected_after_the_start_and_not_after_the_close(
    ws: Workspace, client: AsyncWebClient, own: Identity, make_connection: Make
) -> None:
    connection = make_connection(make_app(client, own), ws.app_token)
    assert not connection.connected
    await connection.start()
    assert connection.connected
    assert isinstance(connection._link, AsyncSocketModeHandler)
    await connection.close(BackgroundTasks(), 1)
    assert not connection.connected
    await ws.wait_for(lambda: not ws.connections)


@pytest.mark.parametrize(
    ("token", "code"), [("xapp-wrong", "invalid_auth"), ("xoxb-playground-bot-token", "not_allowed_token_type")]
)
async def test_a_wrong_app_token_is_named_with_the_setting_to_mend(
    ws: Workspace, client: AsyncWebClient, own: Identity, make_connection: Make, token: str, code: str
) -> None:
    with pytest.raises(SlackError) as raised:
        await make_connection(make_app(client, own), token).start()
    assert raised.value.code == code
    assert "SLACK_APP_TOKEN" in raised.value.sentence
    assert token not in f"{raised.value.sentence} {raised.value.detail}"


async def test_an_app_token_without_its_scope_is_named(
    ws: Workspace, client: AsyncWebClient, own: Identity, make_connection: Make
) -> None:
    ws.seed.app_scopes.clear()
    with pytest.raises(SlackError) as raised:
        await make_connection(make_app(client, own), ws.app_token).start()
    assert "connections:write" in raised.value.sentence


async def test_a_revoked_app_token_is_named(
    ws: Workspace, client: AsyncWebClient, own: Identity, make_connection: Make
) -> None:
    ws.revoke(ws.app_token)
    with pytest.raises(SlackError) as raised:
        await make_connection(make_app(client, own), ws.app_token).start()
    assert raised.value.code == "token_revoked"


async def test_when_slack_is_away_at_the_start_it_goes_on_trying(
    ws: Workspace, client: AsyncWebClient, own: Identity, make_connection: Make, opened: list[SocketModeConnection]
) -> None:
    await ws.stop()
    connection = make_connection(make_app(client, own), ws.app_token, look=0.02)
    opened.append(connection)
    await connection.start()
    assert not connection.connected
    assert "cannot be reached" in connection.trouble
    await ws.start()
    await until(lambda: connection.connected)
    assert connection.trouble == ""


@pytest.mark.fault(29)
@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "too_many_websockets"])
async def test_it_comes_back_when_slack_ends_the_connection(desk: Desk, reason: str) -> None:
    first = desk.ws.connections[0]
    await desk.ws.disconnect(reason)
    await desk.ws.wait_for(lambda: desk.ws.connections and first not in desk.ws.connections)
    await until(lambda: desk.connection.connected)
    await works(desk)


async def test_a_press_on_the_old_connection_is_not_lost_while_a_new_one_is_made(desk: Desk) -> None:
    await desk.ws.disconnect("refresh_requested")
    pressed = await asyncio.gather(*(desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", "diagnose x1") for _ in range(20)))
    await desk.ws.wait_for(lambda: len(desk.ws.connections) == 2)
    pressed += await asyncio.gather(*(desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", "diagnose x1") for _ in range(20)))
    assert [done.error for done in pressed] == [""] * 40


@pytest.mark.fault(29)
async def test_it_comes_back_after_a_broken_line(desk: Desk) -> None:
    desk.ws.cut()
    await until(lambda: not desk.connection.connected)
    await until(lambda: desk.connection.connected)
    await works(desk)


async def test_it_comes_back_after_a_line_that_went_silent(desk: Desk) -> None:
    (deaf,) = desk.ws.connections
    desk.ws.deafen()
    await desk.ws.wait_for(lambda: any(one is not deaf for one in desk.ws.connections))
    await until(lambda: desk.connection.connected)


async def test_a_refused_upgrade_is_tried_again_with_a_new_ticket(desk: Desk) -> None:
    before = len(desk.ws.called("apps.connections.open"))
    desk.ws.fail("socket", Fault(status=409), times=3)
    desk.ws.cut()
    await until(lambda: not desk.connection.connected)
    await until(lambda: desk.connection.connected)
    assert len(desk.ws.called("apps.connections.open")) >= before + 2
    await works(desk)


async def test_a_refused_upgrade_right_after_a_goodbye_is_survived(desk: Desk) -> None:
    first = desk.ws.connections[0]
    desk.ws.fail("socket", Fault(status=409), times=3)
    await desk.ws.disconnect("refresh_requested")
    await desk.ws.wait_for(lambda: desk.ws.connections and first not in desk.ws.connections)
    await until(lambda: desk.connection.connected)
    await works(desk)
    await asyncio.sleep(0.5)  # a stuck client of the SDK would by now have closed the good connection
    assert desk.connection.connected
    assert len(desk.ws.connections) == 1


async def test_socket_mode_that_is_switched_off_is_said(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await desk.ws.disconnect("link_disabled")
        await until(lambda: "Socket Mode is switched off" in desk.connection.trouble)
    assert not desk.connection.connected
    desk.ws.socket_mode.enabled = True
    await until(lambda: desk.connection.connected)
    assert desk.connection.trouble == ""


@pytest.mark.fault(29)
async def test_after_a_gap_and_only_then_what_was_missed_is_read_back(
    ws: Workspace, client: AsyncWebClient, own: Identity, make_connection: Make, opened: list[SocketModeConnection]
) -> None:
    gaps: list[datetime] = []
    back = 0

    async def read_back(since: datetime) -> None:
        gaps.append(since)

    async def reconnected() -> None:
        nonlocal back
        back += 1

    connection = make_connection(make_app(client, own), ws.app_token, on_reconnect=reconnected, on_gap=read_back)
    opened.append(connection)
    await connection.start()
    (first,) = ws.connections
    await ws.disconnect("refresh_requested")
    await ws.wait_for(lambda: first not in ws.connections)
    await until(lambda: connection.connected)
    await until(lambda: back == 1)
    assert gaps == []
    before = datetime.now(UTC)
    ws.cut()
    await until(lambda: len(gaps) == 1 and back == 2)
    assert abs(gaps[0] - before) < timedelta(seconds=5)


async def test_closing_lets_work_end_and_takes_nothing_more(desk: Desk) -> None:
    desk.answers.hold = asyncio.Event()
    await desk.ws.alert("C0ALERTS", FIRING)
    await desk.asked("receive")
    closing = asyncio.create_task(desk.connection.close(desk.work, 5))
    await asyncio.sleep(0.05)
    desk.answers.hold.set()
    assert await closing == 0
    assert desk.ws.deliveries[0].acknowledged
    assert len(desk.answers.of("answer")) == 1
    assert (await desk.ws.slash("U0ONCALL", "C0OPS", "/aegis", "help")).error


async def test_closing_does_not_wait_for_a_deaf_slack(desk: Desk) -> None:
    desk.ws.deafen()
    await asyncio.wait_for(desk.connection.close(desk.work, 1), 8)
    assert not desk.connection.connected


@pytest.mark.fault(27)
@pytest.mark.parametrize(("minutes", "said"), [(6, "s ahead of Slack's"), (-6, "s behind Slack's")])
async def test_27_a_clock_that_differs_from_slacks_is_said_and_its_messages_are_taken_in_all_the_same(
    ws: Workspace,
    client: AsyncWebClient,
    own: Identity,
    make_connection: Make,
    opened: list[SocketModeConnection],
    caplog: pytest.LogCaptureFixture,
    minutes: int,
    said: str,
) -> None:
    heard = asyncio.Event()
    app = make_app(client, own)

    async def hear() -> None:
        heard.set()

    app.event("message")(hear)
    clock = SlackClock(lambda: datetime.now(UTC) + timedelta(minutes=minutes))
    connection = make_connection(app, ws.app_token, clock=clock)
    opened.append(connection)
    with caplog.at_level(logging.WARNING):
        await connection.start()
    assert clock.trouble.endswith(said)
    assert clock.trouble in caplog.text
    await ws.alert("C0ALERTS", FIRING)
    await asyncio.wait_for(heard.wait(), 5)
    assert abs(connection.last_contact - datetime.now(UTC)) < timedelta(minutes=1)
