"""Two replicas read alerts of one target at the same moment: one incident, one card."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.alerts.alert import Kind
from bot.domain.incident import State
from bot.playground.slack.state.messages import Message
from bot.playground.slack.workspace import Workspace
from bot.ports.database import ReceivedAlert
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import identify, web_client
from bot.slack.delivery.messenger import SlackMessenger
from tests.faults.test_takeover import Paused, Replica
from tests.support.fakes import alert

EFFECTS = ("react", "card", "update", "say")


class Pair:
    """Two replicas over one database, each with a client of its own of one Slack."""

    def __init__(self, slack: Workspace, first: Replica, second: Replica, work: BackgroundTasks) -> None:
        self.slack = slack
        self.first = first
        self.second = second
        self.work = work

    def alert(self, ts: str, kind: Kind = Kind.FIRING) -> ReceivedAlert:
        return replace(alert(kind, ts=ts), at=self.first.clock.at)

    async def answer(self, replica: Replica, received: ReceivedAlert) -> None:
        assert await replica.responder.receive(received)
        await replica.responder.answer(received)

    async def cards(self) -> list[Message]:
        """Return the cards that stand in Slack once nothing is under way any more."""
        await self.work.wait_until_idle()
        return [
            one
            for one in self.slack.messages("C0ALERTS")
            if (one.metadata or {}).get("event_payload", {}).get("part") == "card"
        ]


@pytest.fixture
async def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(Workspace())
        first = Replica(tmp_path)
        second = Replica(tmp_path, first)
        first.clock.at = datetime.now(UTC)
        work = BackgroundTasks()
        for replica in (first, second):
            client = await stack.enter_async_context(web_client(slack.bot_token, slack.api_url))
            replica.messenger = SlackMessenger(client, await identify(client), work, replica.clock.now)  # type: ignore[assignment]
            replica.build()
            await replica.store.start()
            stack.push_async_callback(replica.store.close)
            await replica.store.take_over()
        yield Pair(slack, first, second, work)


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_an_alert_counted_by_another_replica_posts_no_second_card(pair: Pair, at: int) -> None:
    async def counted() -> None:
        await pair.answer(pair.second, pair.alert("2.2"))

    pause = Paused(at, counted)
    pair.first.messenger = pause.around(pair.first.messenger, EFFECTS)
    pair.first.build()
    await pair.answer(pair.first, pair.alert("1.1"))
    assert pause.count >= at
    [incident] = await pair.first.store.recent()
    assert (incident.state, incident.alerts) == (State.PROPOSED, 2)
    [card] = await pair.cards()
    assert card.ts == incident.card
    assert "2 alerts" in card.words


async def test_an_incident_that_ends_while_its_card_is_posted_leaves_no_card_that_waits(pair: Pair) -> None:
    async def over() -> None:
        await pair.answer(pair.second, pair.alert("2.2", Kind.RESOLVED))

    pause = Paused(1, over)
    pair.first.messenger = pause.around(pair.first.messenger, ("card",))
    pair.first.build()
    await pair.answer(pair.first, pair.alert("1.1"))
    [incident] = await pair.first.store.recent()
    assert incident.state is State.RESOLVED
    cards = await pair.cards()
    assert cards
    assert all("Recovered without action" in one.words for one in cards), [one.words for one in cards]


async def test_alerts_of_one_target_at_both_replicas_at_once_make_one_card(pair: Pair) -> None:
    replicas = [pair.first, pair.second] * 2
    await asyncio.gather(*(pair.answer(one, pair.alert(f"{n}.1")) for n, one in enumerate(replicas, 1)))
    [incident] = await pair.first.store.recent()
    assert incident.alerts == 4
    [card] = await pair.cards()
    assert "4 alerts" in card.words
