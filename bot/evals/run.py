"""The run of ``aegis eval``: each case is diagnosed by the brain that is set up, as often as wanted, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import TYPE_CHECKING

from bot.domain.diagnosis import RULES
from bot.domain.runbook_entry import Entry
from bot.evals.case import Case
from bot.evals.grade import Mark, Total, mark, total
from bot.incidents.investigation import Investigator

if TYPE_CHECKING:
    from bot.wiring import Components


@dataclass(frozen=True, slots=True)
class Report:
    """What a run brought: who diagnosed, every mark in the order of the cases, and their total."""

    brain: str
    times: int
    marks: tuple[Mark, ...]
    total: Total

    def json(self) -> dict[str, object]:
        """Return the report for a file, with keys that do not change."""
        return {
            "brain": self.brain,
            "times": self.times,
            "total": _named(asdict(self.total)),
            "results": [_named(asdict(one)) for one in self.marks],
        }


def _named(fields: dict[str, object]) -> dict[str, object]:
    return {{"trouble": "class", "helps": "restart_helps"}.get(name, name): value for name, value in fields.items()}


class _NoMemory:
    """A runbook without entries: what a team has lived through must not change the figures."""

    async def entries(self) -> tuple[Entry, ...]:
        """Return nothing."""
        return ()

    async def append(self, entry: Entry) -> None:
        """Forget it."""


async def run(
    edges: Components,
    cases: Sequence[Case],
    *,
    times: int,
    jobs: int,
    secrets: Sequence[str] = (),
    done: Callable[[Mark], None] = lambda _: None,
) -> Report:
    """Diagnose each case ``times`` times, ``jobs`` at once, and call ``done`` with each mark as it comes.

    Raises ``AegisError`` for a case that cannot be used. Nothing is asked of the engine, Slack or the runbook.
    """
    turns = asyncio.Semaphore(jobs)
    memory = _NoMemory()

    async def one(case: Case) -> Mark:
        async with turns:
            # One examination for each: it holds back all but a few questions to the model by itself.
            examination = Investigator(
                containers=edges.containers, diagnoser=edges.diagnoser, memory=memory, world=edges.world
            )
            evidence = await asyncio.to_thread(case.evidence, secrets)
            began = monotonic()
            found = await examination.consider(evidence, title=case.alert, alert=case.alert)
            seconds = monotonic() - began
        marked = mark(case, evidence, found.diagnosis, seconds=seconds, model=edges.diagnoser is not None)
        done(marked)
        return marked

    marks = tuple(await asyncio.gather(*(one(case) for case in cases for _ in range(times))))
    return Report(edges.diagnoser.model if edges.diagnoser else RULES, times, marks, total(marks))
