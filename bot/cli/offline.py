"""What the command line does without Slack: a diagnosis from the engine or from files, alerts, the memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.evidence import Evidence, LogDigest, Source, Status
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.target import Target
from bot.errors import AegisError

if TYPE_CHECKING:
    # What works without an engine starts quickly: docker, SQLAlchemy and Slack's packages stay out of it.
    from bot.adapters.runbook.file import RunbookFile
    from bot.incidents.investigation import Findings
    from bot.wiring import Components


@dataclass(frozen=True, slots=True)
class Given:
    """What was read from files in place of the engine: a log in blocks, and JSON with facts; ``None`` is not given."""

    log: Iterable[bytes] | None = None
    facts: object = None


async def diagnose(edges: Components, name: str, given: Given | None, secrets: Sequence[str]) -> Findings:
    """Diagnose ``name`` from the engine, or from what was ``given``. Raises ``TargetNotFound`` and ``EngineError``."""
    title = f"Diagnosis of {name}"
    try:
        if given is not None:
            evidence = _evidence(name, given, edges.world.now(), secrets)
            return await edges.examination.consider(evidence, title=title, alert="")
        await edges.containers.facts(name)
        found = await edges.examination.examine(name, title=title, alert="")
        return await edges.examination.deepen(found, title=title, alert="") or found
    finally:
        await edges.close()


def _evidence(name: str, given: Given, now: datetime, secrets: Sequence[str]) -> Evidence:
    from bot.domain.logs import filters  # noqa: PLC0415 - a command imports only what it needs

    facts, log = None, LogDigest()
    state, lines = (Source(source, Status.EMPTY, "not given") for source in ("state", "logs"))
    if given.facts is not None:
        from bot.adapters.docker import inspect_file  # noqa: PLC0415 - a command imports only what it needs

        facts = inspect_file.read(given.facts, name=name, secrets=secrets)
        state = Source("state", Status.OK) if facts else Source("state", Status.EMPTY, "nothing in the file")
    if given.log is not None:
        log = filters.digested(given.log, secrets)
        lines = Source("logs", Status.OK if log.total_lines else Status.EMPTY, f"{log.total_lines:,} lines")
    return Evidence(name, now.isoformat(timespec="seconds"), facts, log, sources=(state, lines))


def understand(given: object) -> dict[str, object]:
    """Return how an alert is understood, with the keys that do not change. Raises ``AegisError`` where it is none.

    ``given`` is a Slack message event, or an object with ``event``, or ``body`` and ``sender`` of a webhook, and
    ``inventory``: names, or objects with the fields of ``Target``.
    """
    from bot.domain.alerts.admission import bounded  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.alerts.alert import read, targets  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.alerts.webhook_bodies import read_webhook  # noqa: PLC0415 - a command imports only what it needs

    if not isinstance(given, dict):
        raise AegisError("An alert is a JSON object.", hint="Give a Slack message event, or an object with event.")
    event, body = given.get("event"), given.get("body")
    if isinstance(event, dict) or not isinstance(body, dict):
        found = read(event if isinstance(event, dict) else given)
    else:
        found = read_webhook(str(given.get("sender") or ""), body)
    found = bounded(found)
    named = targets(found, _inventory(given.get("inventory")))
    return {
        "kind": found.kind.value,
        "targets": list(named),
        "severity": found.severity,
        "title": found.title,
        "sender": found.sender,
    }


def _inventory(given: object) -> list[Target]:
    known = [field.name for field in fields(Target)]
    found = []
    for one in given if isinstance(given, list) else ():
        told = {"name": one} if isinstance(one, str) else one
        if isinstance(told, dict) and isinstance(told.get("name"), str):
            found.append(Target(**{name: told[name] for name in known if isinstance(told.get(name), str)}))
    return found


def recall(
    entries: Sequence[Entry], target: str, log: Iterable[bytes], now: datetime, limit: int
) -> tuple[Precedent, ...]:
    """Return the past incidents that fit the log of a trouble of ``target``, best first."""
    from bot.domain.logs import filters  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook import precedents  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.symptoms import diagnose as symptoms  # noqa: PLC0415 - a command imports only what it needs

    evidence = Evidence(target, now.isoformat(), None, filters.digested(log, ()))
    proven = symptoms.read(evidence)
    return precedents.precedents(
        entries,
        target=target,
        lines=[line.text for line in symptoms.decisive(evidence, precedents.ASKED)],
        trouble=proven[0].trouble.value if proven else "",
        now=now,
        limit=limit,
    )


async def merge(memory: RunbookFile, other: RunbookFile) -> tuple[int, int]:
    """Append what ``other`` holds and ``memory`` does not; return how many were new, and how many were known.

    An entry is known by its id, or where it has none, by all that it says.
    """
    there = await memory.entries()
    known = {entry.id for entry in there if entry.id} | {replace(entry, id="") for entry in there}
    found = await other.entries()
    new = [entry for entry in dict.fromkeys(found) if (entry.id or entry) not in known]
    for entry in new:
        await memory.append(entry)
    return len(new), len(found) - len(new)
