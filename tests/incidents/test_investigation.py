"""One look at a target whose log is long: first its newest lines, then all of it, and the card that comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.evidence import Evidence, LogDigest, LogLine, Source, Status
from bot.domain.incident import Incident, State
from bot.domain.target import Target
from bot.errors import EngineTimeout
from bot.incidents import investigation
from tests.incidents.test_responder import Bench, press
from tests.support.fakes import POOL_LINE, FakeContainers, facts

CAUSE = "2026-11-22T01:00:00Z ERROR could not open /etc/shop/tls.pem: certificate has expired"
TAIL = LogDigest((LogLine(9_000, POOL_LINE, 412),), 10_000, partial=True)
WHOLE = LogDigest((LogLine(70, CAUSE), LogLine(99_000, POOL_LINE, 9_412)), 100_000)


class LongLog(FakeContainers):
    """An engine with a log so long that its newest lines come first; ``reading`` is set when the whole may end."""

    def __init__(self, whole: LogDigest | EngineTimeout = WHOLE) -> None:
        super().__init__()
        self.whole = whole
        self.reading = asyncio.Event()

    async def evidence(self, target: Target) -> Evidence:
        sources = (Source("logs", Status.OK, "newest 10,000 lines of more"),)
        return Evidence(target, "2026-11-22T03:00:00+00:00", await self.facts(target), TAIL, sources=sources)

    async def whole_log(self, evidence: Evidence) -> Evidence:
        await self.reading.wait()
        if isinstance(self.whole, EngineTimeout):
            raise self.whole
        return replace(evidence, log=self.whole, sources=(Source("logs", Status.OK, "100,000 lines"),))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.store.start()
    yield made
    await made.store.close()


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(investigation, "LONG_LOG_WAIT_S", 0.0)


async def proposed(bench: Bench, engine: LongLog) -> tuple[Incident, asyncio.Task[Incident]]:
    """Let the card come up from the newest lines, and return it with what is still being done about it."""
    bench.containers = engine
    bench.build()
    work = asyncio.create_task(bench.fire())
    while True:
        await asyncio.sleep(0)
        found = await bench.store.recent()
        if found and found[0].state is State.PROPOSED and bench.messenger.said[-1][0] == "update":
            return found[0], work


async def test_an_earlier_cause_in_the_whole_log_refines_the_card_once(bench: Bench) -> None:
    engine = LongLog()
    first, work = await proposed(bench, engine)
    assert first.evidence is not None
    assert first.evidence.log.partial
    engine.reading.set()
    await work
    refined = await bench.now(first)
    assert refined.evidence is not None
    assert [line.text for line in refined.evidence.log.lines] == [CAUSE, POOL_LINE]
    assert [source.detail for source in refined.evidence.sources if source.name == "logs"] == ["100,000 lines"]
    assert (refined.digest, refined.revision, refined.proposed_at) == (first.digest, first.revision, first.proposed_at)
    assert [what for what, _, _ in bench.messenger.said].count("update") == 2
    assert len(bench.diagnoser.asked) == 2


async def test_a_whole_log_that_tells_nothing_earlier_asks_no_model_again(bench: Bench) -> None:
    engine = LongLog(LogDigest((LogLine(99_000, POOL_LINE, 9_412),), 100_000))
    first, work = await proposed(bench, engine)
    engine.reading.set()
    await work
    refined = await bench.now(first)
    assert refined.evidence is not None
    assert refined.evidence.log.total_lines == 100_000
    assert refined.diagnosis == first.diagnosis
    assert len(bench.diagnoser.asked) == 1


async def test_a_press_while_the_log_is_read_goes_through_and_nothing_is_refined(bench: Bench) -> None:
    engine = LongLog()
    first, work = await proposed(bench, engine)
    await bench.responder.act(press(first))
    engine.reading.set()
    await work
    assert [what for what, _ in engine.writes] == ["bundle", "restart"]
    assert (await bench.now(first)).state is State.RESOLVED
    ended = await bench.now(first)
    assert ended.evidence is not None
    assert ended.evidence.log.partial


async def test_a_refinement_does_not_overtake_a_press_that_is_under_way(bench: Bench) -> None:
    engine = LongLog()
    first, work = await proposed(bench, engine)
    seen = await bench.now(first)
    engine.reading.set()
    await work
    assert await bench.store.save_if_unchanged(seen, replace(seen, state=State.IGNORED)) is not None


async def test_a_log_that_cannot_be_read_leaves_the_card_as_it_is(bench: Bench) -> None:
    engine = LongLog(EngineTimeout("no answer"))
    first, work = await proposed(bench, engine)
    engine.reading.set()
    await work
    assert await bench.now(first) == first
    assert len(bench.diagnoser.asked) == 1


async def test_a_log_that_is_read_within_a_moment_makes_one_card_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(investigation, "LONG_LOG_WAIT_S", 30.0)
    engine = LongLog()
    engine.reading.set()
    bench.containers = engine
    bench.build()
    incident = await bench.fire()
    assert incident.evidence is not None
    assert incident.evidence.log == WHOLE
    assert len(bench.diagnoser.asked) == 1


async def test_only_a_proposed_card_can_be_refined(bench: Bench) -> None:
    incident = await bench.fire()
    with pytest.raises(ValueError, match="more than a closer look"):
        await bench.store.refine(incident, replace(incident, state=State.ACTING))
    with pytest.raises(ValueError, match="more than a closer look"):
        await bench.store.refine(incident, replace(incident, digest="0" * 16))
    taken = await bench.store.save_if_unchanged(incident, replace(incident, state=State.IGNORED))
    assert taken is not None
    assert not await bench.store.refine(incident, incident)


async def test_what_changed_is_among_the_sources(bench: Bench) -> None:
    bench.containers = FakeContainers(looks=[facts(created_at="2026-11-22T02:50:00Z")])
    bench.build()
    incident = await bench.fire()
    assert incident.evidence is not None
    assert Source("changes", Status.OK, "container created 10 min ago") in incident.evidence.sources
