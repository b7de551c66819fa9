"""Whatever goes wrong at whichever effect: one restart at most, an approval before it, and an end that people see.

The short form; ``make torture`` tries everything at every effect of every flow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.faults.torture.flow import FLOWS, Run, faults, play, twice
from tests.faults.torture.seam import Effect, Fault, Kind
from tests.playground.conftest import without_proxies

pytestmark = pytest.mark.slow

AT_ONCE = 12
SAMPLE = 6


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


async def survived(flow: str, folder: Path, wanted: Sequence[tuple[Fault, ...]]) -> None:
    """Let each of these go wrong in a run of its own; not one may leave anything wrong."""
    room = asyncio.Semaphore(AT_ONCE)

    async def tried(number: int, each: tuple[Fault, ...]) -> Run:
        (folder / str(number)).mkdir()
        async with room:
            return await play(flow, folder / str(number), *each)

    runs = await asyncio.gather(*(tried(number, each) for number, each in enumerate(wanted)))
    assert {", then ".join(map(str, run.faults)): run.wrong for run in runs if run.wrong} == {}
    assert sum(run.happened for run in runs) >= len(runs) * 0.9, "what was counted does not come up"


async def clean(flow: str, folder: Path) -> list[Effect]:
    """Return the effects of a flow in which nothing goes wrong."""
    (folder / "clean").mkdir()
    run = await play(flow, folder / "clean")
    assert run.wrong == []
    return run.effects


def at(effects: Sequence[Effect], name: str) -> int:
    """Return where the first effect of this name comes."""
    return next(number for number, one in enumerate(effects) if one.name.startswith(name))


async def test_the_approval_the_evidence_and_what_is_told_are_on_disk_before_the_engine_is_told(tmp_path: Path) -> None:
    effects = await clean("recovered", tmp_path)
    order = (
        "commit alerts",
        "slack acknowledgement",
        "slack chat.postMessage (card)",
        "commit incidents (ACTING), approvals",
        "rename bundle",
        "commit incidents, audit (engine)",
        "engine POST /containers/{id}/restart",
        "commit incidents (VERIFYING)",
        "probe",
        "commit incidents (RESOLVED)",
        "slack chat.postMessage (outcome)",
        "rename runbook.json",
    )
    places = [at(effects, name) for name in order]
    assert places == sorted(places)
    buttons_gone = [number for number, one in enumerate(effects) if one.name == "slack chat.update"]
    assert any(places[3] < number < at(effects, "engine POST") for number in buttons_gone)


async def test_killed_before_any_effect_from_the_press_to_the_end(tmp_path: Path) -> None:
    effects = await clean("recovered", tmp_path)
    pressed = effects[at(effects, "slack users.info") :]
    await survived("recovered", tmp_path, [(Fault(Kind.CRASH_BEFORE, one),) for one in pressed])


@pytest.mark.parametrize("flow", FLOWS)
async def test_killed_after_an_effect_twice_in_a_row_or_met_by_errors_and_silence(tmp_path: Path, flow: str) -> None:
    effects, chance = await clean(flow, tmp_path), Random(7)
    others = [(one,) for one in faults(effects) if one.kind is not Kind.CRASH_BEFORE]
    await survived(flow, tmp_path, [*chance.sample(others, SAMPLE), *twice(effects, 2, chance)])
