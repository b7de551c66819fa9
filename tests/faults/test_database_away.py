"""A database that fails once, at any call: the bot goes on by itself, without a new start, and people are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts.alert import Kind
from bot.domain.audit.trail import Verdict
from bot.domain.guard import Refusal
from bot.domain.incident import LIVE, Incident, State
from bot.errors import RunbookUnwritable, SlackError, StoreUnavailable
from tests.incidents.test_responder import Bench, press
from tests.support.fakes import alert

CALLS = (
    "open",
    "mark_handled",
    "save_if_unchanged",
    "refine",
    "log_engine_call",
    "engine_call_logged",
    "get",
    "recent",
    "live",
    "history",
)


class FailsOnce:
    """Lets the n-th call of the store fail, before or after it was carried out."""

    def __init__(self, bench: Bench, at: int, *, after: bool) -> None:
        self.count, self.at, self.after = 0, at, after
        for name in CALLS:
            setattr(bench.store, name, self._around(getattr(bench.store, name)))

    def _around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def wrapped(*words: Any, **more: Any) -> Any:
            self.count += 1
            mine = self.count == self.at
            if mine and not self.after:
                raise StoreUnavailable("The database does not answer.")
            done = await call(*words, **more)
            if mine:
                raise StoreUnavailable("The database does not answer.")
            return done

        return wrapped


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 19))
async def test_a_failure_at_the_nth_call_leaves_nothing_stuck(tmp_path: Path, at: int, after: bool) -> None:
    bench = Bench(tmp_path)
    await bench.store.start()
    received = alert()
    await bench.responder.receive(received)
    recent = bench.store.recent
    fails = FailsOnce(bench, at, after=after)
    try:
        await bench.responder.answer(received)
        for _ in range(2):
            [incident] = await recent()
            if incident.state is State.PROPOSED and isinstance(incident.verdict, Refusal):
                await bench.responder.rediagnose(press(incident))
                [incident] = await recent()
            if incident.state is State.PROPOSED:
                await bench.responder.act(press(incident))
        [incident] = await recent()
        trail = await bench.store.trail()
        approvals = [row for row in trail if row.act.kind == "press" and row.act.verdict is Verdict.ALLOWED]
        assert await bench.store.unhandled() == ()
    finally:
        await bench.store.close()
    assert fails.count >= at, "the flow has fewer calls than that"
    assert incident.state not in LIVE
    assert incident.finalized
    assert bench.messenger.cards[-1].state is incident.state
    assert bench.containers.restarts == len(approvals) == 1 or incident.state is State.INTERRUPTED
    assert bench.containers.restarts == (incident.state is State.RESOLVED)
    assert [what for what, *_ in bench.messenger.said].count("card") <= 2  # the messenger finds the one that stands
    assert [what for what, *_ in bench.messenger.said].count("outcome") == bench.containers.restarts
    if incident.state is State.INTERRUPTED:
        assert any("[offer]" in words for what, _, words in bench.messenger.said if what == "say")


REQUESTS: dict[str, Callable[[Bench, Incident], Awaitable[None]]] = {
    "a fresh look": lambda bench, card: bench.responder.rediagnose(press(card)),
    "a diagnosis": lambda bench, card: bench.responder.diagnose(card.target.name, card.place, "U0ONCALL"),
    "ignore": lambda bench, card: bench.responder.ignore(press(card), "known"),
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 8))
@pytest.mark.parametrize("what", REQUESTS)
async def test_a_request_that_meets_a_failing_database_leaves_nobody_waiting(
    tmp_path: Path, what: str, at: int, after: bool
) -> None:
    bench = Bench(tmp_path)
    await bench.store.start()
    card = await bench.fire()
    recent = bench.store.recent
    FailsOnce(bench, at, after=after)
    try:
        with suppress(StoreUnavailable):
            await REQUESTS[what](bench, card)  # the asker is told that it failed
        for _ in range(2):
            with suppress(StoreUnavailable):
                await bench.resume.catch_up()
        incidents = await recent()
    finally:
        await bench.store.close()
    for incident in incidents:
        assert incident.state is State.PROPOSED or incident.finalized
        assert [shown.state for shown in bench.messenger.cards if shown.id == incident.id][-1] is incident.state


@pytest.mark.parametrize("at", range(1, 5))
async def test_an_end_that_meets_a_failing_database_still_ends_the_incident(tmp_path: Path, at: int) -> None:
    bench = Bench(tmp_path)
    await bench.store.start()
    await bench.fire()
    over = alert(Kind.RESOLVED, ts="2.2")
    await bench.responder.receive(over)
    recent = bench.store.recent
    fails = FailsOnce(bench, at, after=False)
    try:
        await bench.responder.answer(over)
        [incident] = await recent()
        assert await bench.store.unhandled() == ()
    finally:
        await bench.store.close()
    assert fails.count >= at
    assert incident.state is State.RESOLVED
    assert incident.finalized


async def test_a_runbook_that_takes_nothing_for_a_while_is_written_later_and_that_is_said_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.store.start()
    append, tries = bench.memory.append, list[int]()

    async def full(entry: Any) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise RunbookUnwritable("The disk is full.")
        await append(entry)

    bench.memory.append = full  # type: ignore[method-assign]
    try:
        await bench.responder.act(press(await bench.fire()))
        for _ in range(3):
            await bench.resume.catch_up()
        [incident] = await bench.store.recent()
    finally:
        await bench.store.close()
    assert incident.finalized
    assert [entry["id"] for entry in bench.entries()] == [incident.id]
    assert sum("runbook could not be written" in words for what, _, words in bench.messenger.said if what == "say") == 1
    assert [what for what, *_ in bench.messenger.said].count("outcome") == 1


@pytest.mark.parametrize(("code", "remembered"), [("no_answer", False), ("is_archived", True)])
async def test_an_end_that_slack_will_never_hear_is_remembered_all_the_same(
    tmp_path: Path, code: str, remembered: bool
) -> None:
    bench = Bench(tmp_path)
    await bench.store.start()
    try:
        incident = await bench.fire()
        bench.messenger.error = SlackError("Slack does not take it.", code=code)
        await bench.responder.act(press(incident))
        ended = await bench.now(incident)
    finally:
        await bench.store.close()
    assert ended.state is State.RESOLVED
    assert ended.finalized is remembered
