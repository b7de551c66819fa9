import logging
from datetime import timedelta

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import StoreUnavailable
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.people import Channel
from bot.playground.slack.workspace import Workspace
from bot.ports.database import ReceivedAlert
from bot.slack.connection.server_clock import SlackClock
from bot.slack.connection.web_api import Identity
from bot.slack.listeners.backfill import Backfill
from tests.slack.conftest import Desk, now

FIRING = "[FIRING:1] ContainerDown (container buggy-app-v2, severity critical)"


class Taken(list[ReceivedAlert]):
    """What was taken in, in order."""

    async def take(self, received: ReceivedAlert) -> None:
        self.append(received)


async def test_alerts_of_every_joined_channel_are_read_back_oldest_first(
    ws: Workspace, client: AsyncWebClient, own: Identity
) -> None:
    taken = Taken()
    ws.state.channels["C0OTHER"] = Channel("C0OTHER", "other", {"U0ONCALL"})
    first = await ws.alert("C0ALERTS", FIRING)
    await ws.say("U0ONCALL", "C0ALERTS", FIRING)
    second = await ws.alert("C0ALERTS", FIRING)
    elsewhere = await ws.alert("C0OPS", FIRING)
    await ws.alert("C0OTHER", FIRING)
    await client.chat_postMessage(channel="C0ALERTS", text=FIRING)
    await Backfill(client, own, (), SlackClock(now), taken.take).read_back(now())
    assert [received.message for received in taken] == [first.ts, second.ts, elsewhere.ts]


async def test_only_the_gap_is_read(ws: Workspace, client: AsyncWebClient, own: Identity) -> None:
    taken = Taken()
    await ws.alert("C0ALERTS", FIRING)
    clock = SlackClock(lambda: now() + timedelta(minutes=11))
    await Backfill(client, own, ("C0ALERTS",), clock, taken.take).read_back(clock())
    assert taken == []


async def test_what_slack_gave_up_on_is_found_though_slack_was_heard_since(
    ws: Workspace, client: AsyncWebClient, own: Identity
) -> None:
    taken = Taken()
    await ws.alert("C0ALERTS", FIRING)
    clock = SlackClock(lambda: now() + timedelta(minutes=7))
    await Backfill(client, own, ("C0ALERTS",), clock, taken.take).read_back(clock())
    assert len(taken) == 1


@pytest.mark.fault(27)
@pytest.mark.parametrize("minutes", [-400, -20, 20, 400])
async def test_27_a_gap_is_found_by_slacks_clock_where_this_machines_is_off(
    ws: Workspace, client: AsyncWebClient, own: Identity, minutes: int
) -> None:
    taken = Taken()
    clock = SlackClock(lambda: now() + timedelta(minutes=minutes))
    clock.observe(await client.auth_test())
    since = clock()
    await ws.alert("C0ALERTS", FIRING)
    await Backfill(client, own, ("C0ALERTS",), clock, taken.take).read_back(since)
    assert len(taken) == 1
    assert abs(taken[0].at - clock.local()) < timedelta(minutes=1)


@pytest.mark.fault(27)
async def test_27_a_gap_is_found_though_it_was_noted_by_a_clock_that_was_ahead_then(
    ws: Workspace, client: AsyncWebClient, own: Identity
) -> None:
    taken = Taken()
    await ws.alert("C0ALERTS", FIRING)
    await Backfill(client, own, ("C0ALERTS",), SlackClock(now), taken.take).read_back(now() + timedelta(hours=2))
    assert len(taken) == 1


async def test_a_channel_that_cannot_be_read_does_not_keep_the_others(
    ws: Workspace, client: AsyncWebClient, own: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    taken = Taken()
    await ws.alert("C0OPS", FIRING)
    ws.fail("conversations.history", Fault(error="not_in_channel"))
    with caplog.at_level(logging.WARNING):
        await Backfill(client, own, ("C0ALERTS", "C0OPS"), SlackClock(now), taken.take).read_back(now())
    assert len(taken) == 1
    assert "/invite @aegis" in caplog.text


async def test_what_was_heard_already_is_not_answered_again(desk: Desk) -> None:
    await desk.ws.alert("C0ALERTS", FIRING)
    await desk.asked("answer")
    missed = Backfill(desk.client, desk.own, (), SlackClock(now), desk.said.take)
    await missed.read_back(now())
    await desk.work.wait_until_idle()
    assert len(desk.answers.of("receive")) == 2
    assert len(desk.answers.of("answer")) == 1


async def test_an_alert_that_cannot_be_put_on_disk_does_not_keep_the_others(
    ws: Workspace, client: AsyncWebClient, own: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[ReceivedAlert] = []

    async def take(received: ReceivedAlert) -> None:
        taken.append(received)
        if len(taken) == 1:
            raise StoreUnavailable("The database is away.")

    for _ in range(2):
        await ws.alert("C0ALERTS", FIRING)
    with caplog.at_level(logging.WARNING):
        await Backfill(client, own, ("C0ALERTS",), SlackClock(now), take).read_back(now())
    assert len(taken) == 2
    assert "The database is away." in caplog.text
