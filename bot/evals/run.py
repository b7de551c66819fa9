"""Runs ``aegis eval``: diagnoses each case with the configured diagnoser."""

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
from bot.incidents.investigation import Diagnostician

if TYPE_CHECKING:
    from bot.adapters.llm.gemini import Gemini
    from bot.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run: the diagnoser, the marks in the order of the cases, and their total."""

    diagnoser: str
    times: int
    marks: tuple[Mark, ...]
    total: Total

    def json(self) -> dict[str, object]:
        """Return the report with keys that do not change between versions."""
        return {
            "brain": self.diagnoser,
            "times": self.times,
            "total": _named(asdict(self.total)),
            "results": [_named(asdict(result)) for result in self.marks],
        }


_JSON_KEYS = {
    "trouble": "class",
    "helps": "restart_helps",
    "predicted": "said",
    "predicted_action": "action_said",
    "predicted_helps": "helps_said",
    "digest_complete": "kept",
    "confident_errors": "sure_and_wrong",
}
"""Fields whose key in the report has another name; programs read these keys."""


def _named(fields: dict[str, object]) -> dict[str, object]:
    return {_JSON_KEYS.get(name, name): value for name, value in fields.items()}


class _NoMemory:
    """A runbook without entries: the incidents of a team must not change the figures."""

    async def entries(self) -> tuple[Entry, ...]:
        """Return no entries."""
        return ()

    async def append(self, entry: Entry) -> None:
        """Discard the entry."""


async def run(
    model: Gemini | None,
    world: Runtime,
    cases: Sequence[Case],
    *,
    times: int,
    jobs: int,
    secrets: Sequence[str] = (),
    done: Callable[[Mark], None] = lambda _: None,
) -> Report:
    """Diagnose each case ``times`` times, ``jobs`` at the same time. Call ``done`` with each mark.

    Raise ``AegisError`` if a case is invalid. The run calls no engine, no Slack and no runbook.
    """
    slots = asyncio.Semaphore(jobs)
    memory = _NoMemory()

    async def diagnose(case: Case) -> Mark:
        async with slots:
            # A new one for each case, since each limits its own calls of the model.
            diagnostician = Diagnostician(diagnoser=model, memory=memory, world=world)
            evidence = await asyncio.to_thread(case.evidence, secrets)
            began = monotonic()
            findings = await diagnostician.consider(evidence, title=case.alert, alert=case.alert)
            seconds = monotonic() - began
        graded = mark(case, evidence, findings.diagnosis, seconds=seconds, model=model is not None)
        done(graded)
        return graded

    marks = tuple(await asyncio.gather(*(diagnose(case) for case in cases for _ in range(times))))
    return Report(model.model if model else RULES, times, marks, total(marks))
