"""Investigates a target: evidence, precedents, and the diagnosis."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.diagnosis import Diagnosis
from bot.domain.evidence import Evidence, Source, Status
from bot.domain.llm import prompt
from bot.domain.llm.fact_check import check_reply
from bot.domain.llm.reply import parse_reply
from bot.domain.logs.attached import with_sent_log
from bot.domain.logs.digest import has_earlier_cause
from bot.domain.recent_changes import find_changes
from bot.domain.runbook import precedents as runbook
from bot.domain.runbook_entry import Precedent
from bot.domain.symptoms import diagnose
from bot.domain.symptoms.diagnose import Symptom
from bot.domain.target import Target
from bot.errors import EngineError, EngineTimeout, ModelError, RunbookError, TargetNotFound
from bot.ports.engine import Engine
from bot.ports.model import Diagnoser
from bot.ports.runbook import Runbook
from bot.runtime import Runtime
from bot.telemetry import DIAGNOSIS, MODEL_FALLBACKS, STAGES

log = logging.getLogger(__name__)

INVESTIGATIONS_AT_ONCE = 4
"""Targets that are looked at at the same time; more would only slow the answers to Slack in a storm."""


LONG_LOG_WAIT_S = 1.0
"""Seconds in which a long log may be read to its end before the card is made from its newest lines."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one look brought. ``rest`` is the reading of a long log that goes on behind it; await it or cancel it."""

    evidence: Evidence
    diagnosis: Diagnosis
    precedents: tuple[Precedent, ...]
    rest: asyncio.Task[Evidence] | None = None


class Diagnostician:
    """Diagnoses evidence, wherever it comes from."""

    def __init__(self, *, diagnoser: Diagnoser | None, memory: Runbook, world: Runtime) -> None:
        self._diagnoser = diagnoser
        self._memory = memory
        self._world = world

    async def consider(self, evidence: Evidence, *, title: str, alert: str) -> Findings:
        """Read the evidence, remember what was alike, and diagnose."""
        # In threads, since hundreds of patterns over each line take a tenth of a second; no single one holds the loop.
        proven = await asyncio.to_thread(diagnose.find_symptoms, evidence, f"{title}\n{alert}")
        precedents, memory = await self._precedents(evidence, proven)
        proven = diagnose.with_past(evidence, proven, precedents)
        evidence = replace(evidence, sources=(*evidence.sources, *memory))
        nonce = self._world.name()
        asked = await asyncio.to_thread(
            prompt.build_prompts, evidence, proven, precedents, alert=alert, title=title, nonce=nonce
        )
        return Findings(evidence, await self._diagnosis(evidence, proven, precedents, asked), precedents)

    async def _precedents(
        self, evidence: Evidence, proven: Sequence[Symptom]
    ) -> tuple[tuple[Precedent, ...], tuple[Source, ...]]:
        try:
            entries = await self._memory.entries()
        except RunbookError as error:
            log.warning("no memory: %s", error.sentence)
            return (), (Source("runbook", Status.DENIED, error.message),)
        # In a thread, since the index of a large runbook takes seconds to make, once after each change of the file.
        found = await asyncio.to_thread(
            runbook.find_precedents,
            entries,
            target=str(evidence.target),
            lines=[line.text for line in diagnose.decisive(evidence)],
            trouble=proven[0].trouble.value if proven else "",
            now=self._world.now(),
        )
        return found, ()

    async def _diagnosis(
        self,
        evidence: Evidence,
        proven: Sequence[Symptom],
        precedents: Sequence[Precedent],
        asked: Sequence[prompt.Prompt],
    ) -> Diagnosis:
        """Ask the model; whatever goes wrong with it, the rules speak and say why."""
        if self._diagnoser is None:
            return diagnose.diagnose_by_rules(evidence, proven, precedents, why="No model configured.")
        try:
            reply = await self._diagnoser.ask(asked)
            return check_reply(
                parse_reply(reply.text),
                evidence,
                proven,
                target=str(evidence.target),
                by=reply.model,
                tokens=reply.tokens,
                seconds=reply.seconds,
            )
        except ModelError as error:
            MODEL_FALLBACKS.inc()
            log.warning("the rules diagnose: %s", error.sentence)
            return diagnose.diagnose_by_rules(evidence, proven, precedents, why=error.sentence)


class Investigator:
    """Looks at targets. Whatever fails on the way is said in the findings; nothing here raises for it."""

    def __init__(self, *, containers: Engine, diagnoser: Diagnoser | None, memory: Runbook, world: Runtime) -> None:
        self._containers = containers
        self._memory = memory
        self._world = world
        self._diagnostician = Diagnostician(diagnoser=diagnoser, memory=memory, world=world)
        self._look_turns = asyncio.Semaphore(INVESTIGATIONS_AT_ONCE)

    async def examine(self, target: Target, *, title: str, alert: str, logs: str = "") -> Findings:
        """Gather the evidence of ``target`` and consider it.

        ``title`` and ``alert`` are what the sender said, ``logs`` the log that it sent along, redacted.
        """
        with DIAGNOSIS.time():
            started_at = time.monotonic()
            evidence = await self._with_changes(await self._evidence(target))
            log.debug("evidence of %s read in %d ms", target, (time.monotonic() - started_at) * 1000)
            for source in evidence.sources:
                log.debug("evidence source %s: %s %s", source.name, source.status.value, source.detail)
            rest = asyncio.create_task(self._rest(evidence)) if evidence.log.partial else None
            if rest is not None and rest in (await asyncio.wait({rest}, timeout=LONG_LOG_WAIT_S))[0]:
                evidence, rest = rest.result(), None
            found = await self._diagnostician.consider(with_sent_log(evidence, logs), title=title, alert=alert)
            made = found.diagnosis
            log.debug("diagnosis by %s: %s, %d%% confidence", made.by, made.action.value, made.confidence * 100)
            return replace(found, rest=rest)

    async def deepen(self, found: Findings, *, title: str, alert: str, logs: str = "") -> Findings | None:
        """Wait for the rest of a long log; ``None`` where there is none. An earlier cause in it is considered anew."""
        if found.rest is None:
            return None
        whole = await found.rest
        if whole.log.partial:
            return None
        if has_earlier_cause(found.evidence.log, whole.log):
            return await self._diagnostician.consider(with_sent_log(whole, logs), title=title, alert=alert)
        known = {source.name for source in whole.sources}
        others = tuple(source for source in found.evidence.sources if source.name not in known)
        return replace(found, evidence=replace(whole, sources=(*whole.sources, *others)), rest=None)

    async def _rest(self, evidence: Evidence) -> Evidence:
        try:
            return await self._containers.whole_log(evidence)
        except EngineError as error:
            log.warning("only the newest log lines were read: %s", error.sentence)
            return evidence

    async def _evidence(self, target: Target) -> Evidence:
        try:
            async with self._look_turns:
                with STAGES.labels("evidence").time():
                    return await self._containers.evidence(target)
        except EngineError as error:
            status = {TargetNotFound: Status.EMPTY, EngineTimeout: Status.TIMED_OUT}.get(type(error), Status.DENIED)
            return Evidence(
                target, self._world.now().isoformat(), None, sources=(Source("engine", status, error.message),)
            )

    async def _with_changes(self, evidence: Evidence) -> Evidence:
        if evidence.facts is None:
            return evidence
        try:
            entries = await self._memory.entries()
        except RunbookError:
            entries = ()  # that there is no memory is said where precedents are looked for
        return replace(evidence, sources=(*evidence.sources, find_changes(evidence, entries)))
