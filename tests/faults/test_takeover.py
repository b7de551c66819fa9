"""A replica that is paused before any of its effects, while another takes over and finishes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot import background
from bot.adapters.database.store import SqlStore
from bot.adapters.database.tables import replicas
from bot.adapters.runbook.file import RunbookFile
from bot.domain.incident import LIVE, Press, State
from bot.errors import StoreUnavailable
from bot.ports.database import UnfinishedWork
from tests.incidents.test_responder import Bench
from tests.support.fakes import FakeContainers, FakeMessenger, FakeProber, alert

EFFECTS = {
    "containers": ("evidence", "bundle", "act", "newest_lines"),
    "messenger": ("react", "card", "update", "outcome", "say"),
    "prober": ("probe",),
    "memory": ("append",),
}


class SharedStore(SqlStore):
    """The store, as it is where several processes share it."""

    shared = True


class Replica(Bench):
    """A bench that shares database, engine, Slack and runbook with another one."""

    def __init__(self, folder: Path, other: Bench | None = None) -> None:
        super().__init__(folder)
        self.store = SharedStore(f"sqlite:///{folder}/aegis.db")
        if other is not None:
            self.containers, self.messenger, self.prober = other.containers, other.messenger, other.prober
            self.clock = other.clock
        self.build()

    async def goes_on(self) -> None:
        """Take over what dead replicas left, and finish it."""
        await self.resume.recover(await self.store.take_over(), self.responder)


class Paused:
    """Stops at the n-th effect, lets ``meanwhile`` happen, and goes on."""

    def __init__(self, at: int, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self.at = at
        self.count = 0
        self.name = ""
        self._meanwhile = meanwhile

    def around(self, part: object, names: tuple[str, ...]) -> Any:
        """Return the part with the pause in front of these calls."""
        return _Around(part, names, self)

    async def effect(self, name: str) -> None:
        self.count += 1
        if self.count == self.at:
            self.name = name
            await self._meanwhile()


class _Around:
    def __init__(self, part: object, names: tuple[str, ...], pause: Paused) -> None:
        self._part, self._names, self._pause = part, names, pause

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name not in self._names:
            return found

        async def call(*words: object, **more: object) -> object:
            await self._pause.effect(name)
            return await found(*words, **more)

        return call


async def dead(store: SqlStore) -> None:
    """Let the store's process have shown its last sign of life an hour ago."""
    shift = update(replicas).where(replicas.c.owner == store._owner).values(seen_at=replicas.c.seen_at - 3600)
    await store._run(lambda connection: connection.execute(shift))


async def whole_flow(replica: Bench) -> None:
    """Answer an alert, and press Restart as soon as there is a card that can be pressed."""
    received = alert()
    await replica.responder.receive(received)
    await replica.responder.answer(received)
    for incident in await replica.store.live():
        if incident.state is State.PROPOSED:
            await replica.responder.act(
                Press("U0ONCALL", "T1", incident.place, incident.id, incident.digest, incident.card)
            )


@pytest.mark.fault(74)
@pytest.mark.parametrize("at", range(1, 15))
async def test_74_a_replica_paused_before_its_nth_effect_loses_to_the_one_that_took_over(tmp_path: Path, at: int):
    other: Replica | None = None

    async def taken_over() -> None:
        assert other is not None
        await dead(first.store)
        await other.goes_on()

    pause = Paused(at, taken_over)
    first = Replica(tmp_path)
    containers, messenger, prober = FakeContainers(), FakeMessenger(), FakeProber()
    first.containers, first.messenger, first.prober = containers, messenger, prober
    other = Replica(tmp_path, first)
    for part, names in EFFECTS.items():
        setattr(first, part, pause.around(getattr(first, part), names))
    first.build()
    for replica in (first, other):
        await replica.store.start()
        await replica.store.take_over()
    try:
        await whole_flow(first)
        for replica in (other, first):
            await replica.goes_on()
        [incident] = await other.store.recent()
        trail = await other.store.trail()
    finally:
        for replica in (first, other):
            await replica.store.close()
    assert pause.name, "the flow has fewer effects than that"
    approvals = [row for row in trail if row.act.kind == "press" and row.act.verdict.value == "allowed"]
    sent = [row for row in trail if row.act.kind == "engine"]
    assert containers.restarts <= len(sent) <= len(approvals) <= 1
    assert incident.state not in LIVE or (incident.state is State.PROPOSED and not approvals)
    assert messenger.cards[-1].state is incident.state
    cards = [what for what, *_ in messenger.said].count("card")
    outcomes = [what for what, *_ in messenger.said].count("outcome")
    assert cards <= (2 if pause.name == "card" else 1)
    assert outcomes <= (2 if pause.name in ("outcome", "newest_lines") else 1)
    entries = [entry.id for entry in await RunbookFile(first.runbook).entries()]
    assert len(entries) == len(set(entries)) == (incident.state in (State.RESOLVED, State.UNRESOLVED))


async def test_a_replica_paused_between_its_look_and_its_claim_restarts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    replica = Replica(tmp_path)
    await replica.store.start()
    await replica.store.take_over()
    incident = await replica.fire()
    history = replica.store.history

    async def paused(*words: Any) -> Any:
        replica.clock.at += timedelta(minutes=1)
        return await history(*words)

    monkeypatch.setattr(replica.store, "history", paused)
    await replica.responder.act(Press("U0ONCALL", "T1", incident.place, incident.id, incident.digest, incident.card))
    stored = await replica.store.get(incident.id)
    await replica.store.close()
    assert stored is not None
    assert stored.state is State.PROPOSED
    assert replica.containers.writes == []
    assert "Press once more" in replica.messenger.whispers("U0ONCALL")[0]


class Beats:
    """Lets ``count`` signs of life be given, then stops."""

    def __init__(self, count: int) -> None:
        self.left = count

    async def sleep(self, _: float) -> None:
        self.left -= 1
        if self.left < 0:
            raise asyncio.CancelledError


async def test_what_ended_while_the_database_was_away_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    replica = Replica(tmp_path)
    await replica.store.start()
    await replica.store.take_over()
    await replica.responder.receive(alert())
    take_over, tries, resumed = replica.store.take_over, list[int](), list[UnfinishedWork]()

    async def away_once() -> UnfinishedWork:
        tries.append(1)
        if len(tries) == 2:
            raise StoreUnavailable("away")
        return await take_over()

    monkeypatch.setattr(replica.store, "take_over", away_once)
    with pytest.raises(asyncio.CancelledError):
        await background.keep_lease(replica.store, resumed.append, Beats(4).sleep)
    await replica.store.close()
    assert [len(left.alerts) for left in resumed] == [1]
    assert len(tries) == 4
