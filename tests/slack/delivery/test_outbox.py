"""What a thread must hear: it survives Slack's absence and a crash, comes in order, and comes once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.adapters.database.store import SqlStore
from bot.domain.incident import Incident, State, Thread
from bot.domain.verification import Verification
from bot.errors import SlackError, StoreUnavailable
from bot.playground.slack.faults import Fault
from bot.playground.slack.state.messages import Message
from bot.playground.slack.workspace import Workspace
from bot.runtime import Runtime
from bot.slack.connection.tasks import BackgroundTasks
from bot.slack.connection.web_api import identify, web_client
from bot.slack.delivery import cards
from bot.slack.delivery.messenger import SlackMessenger
from bot.slack.delivery.outbox import MESSAGE_TTL, Outbox
from tests.slack.conftest import incident, now
from tests.support.fakes import Clock

PLACE = Thread("C0ALERTS")


@dataclass
class Run:
    """One run of the bot, as far as it speaks."""

    ws: Workspace
    store: SqlStore
    messenger: SlackMessenger
    outbox: Outbox
    work: BackgroundTasks
    clock: Clock = field(default_factory=Clock)

    def said(self, thread: Message) -> list[str]:
        return [one.words for one in self.ws.thread(thread)]


@dataclass
class Scene:
    """A workspace and a database, for one run after the other."""

    ws: Workspace
    store: SqlStore

    @asynccontextmanager
    async def run(self, *, later: timedelta = timedelta(0)) -> AsyncIterator[Run]:
        clock = Clock()
        clock.at = now() + later
        async with web_client(self.ws.bot_token, self.ws.api_url) as client:
            work = BackgroundTasks()
            messenger = SlackMessenger(client, await identify(client), work, clock.now, patience=0.5)
            world = Runtime(clock.now, asyncio.sleep, clock.name)
            outbox = Outbox(messenger, self.store.outbox, self.store, world)
            yield Run(self.ws, self.store, messenger, outbox, work, clock)
            await work.close(0)

    async def opened(self, state: State = State.PROPOSED, **more: object) -> tuple[Message, Incident]:
        """Return an alert, and its incident on disk."""
        alert = await self.ws.alert("C0ALERTS", "down")
        given = incident(State.OPEN, place=Thread("C0ALERTS", alert.ts), **more)
        known = (await self.store.open(given)).incident
        if state is State.PROPOSED:
            claimed = await self.store.save_if_unchanged(known, replace(known, state=state))
            assert claimed is not None
            known = claimed
        return alert, known


@pytest.fixture
async def scene(workspace: Workspace, tmp_path: Path) -> AsyncIterator[Scene]:
    store = SqlStore(f"sqlite:///{tmp_path}/aegis.db")
    await store.start()
    yield Scene(workspace, store)
    await store.close()


@pytest.mark.fault(30)
async def test_while_slack_is_away_nothing_is_lost_and_the_order_holds(scene: Scene) -> None:
    alert, known = await scene.opened()
    async with scene.run() as run:
        scene.ws.fail("chat.postMessage", Fault(status=503), times=2)
        for sentence in ("First.", "Second.", "Third."):
            await run.outbox.say(known, sentence)
        scene.ws.faults.clear()
        assert await run.outbox.send_waiting() is False
        assert [words.split()[0] for words in run.said(alert)] == ["First.", "Second.", "Third."]
        assert await scene.store.outbox.depth() == (0, None)


async def test_another_thread_goes_on_while_one_waits(scene: Scene) -> None:
    alert, known = await scene.opened()
    async with scene.run() as run:
        scene.ws.fail("chat.postMessage", Fault(status=503), times=2)
        await run.outbox.say(known, "Held up.")
        scene.ws.faults.clear()
        await run.outbox.say_at(Thread("C0OPS"), "Not held up.")
        assert run.said(alert) == []
        assert "Not held up." in scene.ws.messages("C0OPS")[-1].words


async def test_what_the_last_run_did_not_get_out_is_said_by_the_next(scene: Scene) -> None:
    alert, known = await scene.opened()
    async with scene.run() as run:
        scene.ws.fail("chat.postMessage", Fault(status=503), times=99)
        await run.outbox.say(known, "Nothing was restarted.", offer=True, mention=("U0SECOND",))
        await run.outbox.choose(PLACE, "Which one?", ("a1", "b2"))
    scene.ws.faults.clear()
    async with scene.run(later=timedelta(minutes=1)) as run:
        assert await run.outbox.send_waiting() is False
        (said,) = scene.ws.thread(alert)
        assert said.buttons == ["rediagnose"]
        assert said.pings == {"U0SECOND"}
        assert [one for one in scene.ws.messages("C0ALERTS") if one.buttons == ["choose"]]


async def test_killed_between_the_post_and_its_note_the_next_run_finds_it_and_posts_nothing(scene: Scene) -> None:
    alert, known = await scene.opened()
    async with scene.run() as run:
        note = run.outbox._note("say", known.place, known, "Once.")
        await scene.store.outbox.add(note)
        taken = await scene.store.outbox.claim(note, note.at)
        assert taken is not None
        await run.messenger.send(taken, known, look=False)
    async with scene.run(later=timedelta(minutes=1)) as run:
        await run.outbox.send_waiting()
        assert len(run.said(alert)) == 1
        assert await scene.store.outbox.depth() == (0, None)


@pytest.mark.fault(32)
async def test_a_reply_whose_answer_was_lost_is_found_and_not_said_twice(scene: Scene) -> None:
    alert, known = await scene.opened()
    async with scene.run() as run:
        scene.ws.fail("chat.postMessage", Fault(reset=True, after_effect=True))
        await run.outbox.say(known, "Once.")
        await run.outbox.send_waiting()
        assert len(run.said(alert)) == 1


async def test_a_menu_of_a_thread_that_the_last_run_answered_is_not_posted_again(scene: Scene) -> None:
    alert = await scene.ws.alert("C0ALERTS", "down")
    place = Thread("C0ALERTS", alert.ts)
    for minutes in (0, 1):
        async with scene.run(later=timedelta(minutes=minutes)) as run:
            await run.outbox.choose(place, "Which one?", ("a1", "b2"))
    assert len(scene.ws.thread(alert)) == 1


@pytest.mark.fault(34)
async def test_what_slack_will_never_take_is_given_up_and_does_not_hold_up_the_rest(scene: Scene) -> None:
    _, known = await scene.opened()
    async with scene.run() as run:
        scene.ws.fail("chat.postMessage", "is_archived")
        with pytest.raises(SlackError):
            await run.outbox.say(known, "Into the void.")
        await run.outbox.say(known, "Heard.")
        assert await scene.store.outbox.depth() == (0, None)


@pytest.mark.fault(30)
async def test_after_a_day_nobody_wants_to_hear_it(scene: Scene) -> None:
    _, known = await scene.opened()
    async with scene.run() as run:
        scene.ws.fail("chat.postMessage", Fault(status=503), times=99)
        await run.outbox.say(known, "News.")
        run.clock.at += MESSAGE_TTL
        await run.outbox.send_waiting()
        assert await scene.store.outbox.depth() == (0, None)


async def test_without_a_database_it_is_said_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    alert, known = await scene.opened()

    async def full(*_: object) -> None:
        raise StoreUnavailable("The disk is full.")

    async with scene.run() as run:
        monkeypatch.setattr(scene.store.outbox, "add", full)
        await run.outbox.say(known, "It cannot be recorded.")
        assert len(run.said(alert)) == 1


async def test_the_last_picture_of_an_ended_card_survives_a_crash(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "CARD_EDIT_WAIT_S", 0.05)
    _, known = await scene.opened()
    async with scene.run() as run:
        card = await run.outbox.card(known)
        known = await scene.store.save_if_unchanged(known, replace(known, card=card)) or known
        ended = await scene.store.save_if_unchanged(
            known, replace(known, state=State.IGNORED, closing="Ignored.", announced=True)
        )
        assert ended is not None
        scene.ws.fail("chat.update", Fault(status=503), times=99)
        await run.outbox.update(ended)
        assert "restart" in scene.ws.message("C0ALERTS", card).buttons
    scene.ws.faults.clear()
    async with scene.run(later=timedelta(minutes=1)) as run:
        await run.outbox.send_waiting()
        assert scene.ws.message("C0ALERTS", card).buttons == []
        assert await scene.store.outbox.depth() == (0, None)


async def test_a_card_that_slack_did_not_take_is_asked_for_again(scene: Scene) -> None:
    _, known = await scene.opened()
    asked: list[bool] = []

    async def catch_up() -> None:
        asked.append(True)
        await run.outbox.card(known)

    async with scene.run() as run:
        run.outbox.catch_up = catch_up
        scene.ws.fail("chat.postMessage", "fatal_error", times=2)
        with pytest.raises(SlackError):
            await run.outbox.card(known)
        with pytest.raises(SlackError):
            await run.outbox.send_waiting()
        assert await run.outbox.send_waiting() is False
        assert len(asked) == 2


async def test_it_sends_by_itself_as_soon_as_slack_is_back(scene: Scene) -> None:
    alert, known = await scene.opened()
    async with scene.run() as run:
        scene.ws.fail("chat.postMessage", Fault(status=503))
        scene.ws.fail("conversations.replies", Fault(status=503), times=2)
        await run.outbox.say(known, "Late, but here.")
        sending = asyncio.create_task(run.outbox.keep_sending())
        run.outbox.wake()
        await scene.ws.wait_for(lambda: scene.ws.thread(alert))
        sending.cancel()


async def test_what_waits_for_long_is_said_to_whoever_asks_for_the_health(scene: Scene) -> None:
    _, known = await scene.opened()
    async with scene.run() as run:
        assert await run.outbox.trouble() == ""
        scene.ws.fail("chat.postMessage", Fault(status=503), times=99)
        await run.outbox.say(known, "News.")
        assert await run.outbox.trouble() == ""
        run.clock.at += timedelta(minutes=6)
        assert "1 messages wait for Slack" in await run.outbox.trouble()


async def test_the_outcome_and_who_is_named_after_it_come_in_this_order(scene: Scene) -> None:
    alert, known = await scene.opened()
    bad = Verification(False, 60.0, summary="503 ×3", reason="the health URL did not return success")
    async with scene.run() as run:
        scene.ws.fail("chat.postMessage", Fault(status=503), times=2)
        await run.outbox.outcome(replace(known, state=State.UNRESOLVED, verification=bad), ("ERROR still",))
        await run.outbox.say(known, "Please take over.")
        scene.ws.faults.clear()
        await run.outbox.send_waiting()
        assert len(run.said(alert)) == 2
        assert "take over" in run.said(alert)[1]


async def test_a_reply_that_stands_though_nobody_could_tell_is_found_at_the_next_try(scene: Scene) -> None:
    async with scene.run() as run:
        alert, known = await scene.opened(opened_at=run.clock.at + timedelta(seconds=1))
        scene.ws.fail("chat.postMessage", Fault(reset=True, after_effect=True))
        scene.ws.fail("conversations.replies", Fault(status=503), times=2)
        await run.outbox.say(known, "Once.")
        assert (await scene.store.outbox.depth())[0] == 1
        assert await run.outbox.send_waiting() is False
        assert len(run.said(alert)) == 1


async def test_two_edits_of_a_card_are_a_second_apart(scene: Scene) -> None:
    async with scene.run() as run:
        _, known = await scene.opened()
        card = await run.outbox.card(known)
        for number in range(2, 5):
            await run.outbox.update(replace(known, card=card, alerts=number))
        at = [call.at for call in scene.ws.called("chat.update")]
        assert len(at) == 3
        assert min(after - before for before, after in pairwise(at)) >= 0.95
