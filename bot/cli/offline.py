"""Diagnoses, reads alerts and searches the runbook without Slack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.evidence import Evidence, LogDigest, Source, Status
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.target import KnownTarget, parse_target
from bot.errors import AegisError

if TYPE_CHECKING:
    # Only the types, so that commands without an engine start quickly.
    from bot.adapters.runbook.file import RunbookFile
    from bot.incidents.investigation import Findings
    from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class GivenEvidence:
    """Evidence from files instead of the engine: a log in blocks, and facts as JSON. ``None`` means no file."""

    log: Iterable[bytes] | None = None
    facts: object = None


async def diagnose_files(settings: Settings, name: str, given: GivenEvidence) -> Findings:
    """Return a diagnosis of ``name`` from files."""
    from bot.wiring.diagnosis import clock, make_diagnostician  # noqa: PLC0415 - a command imports only what it needs

    evidence = _evidence(name, given, clock(), settings.secrets)
    return await make_diagnostician(settings).consider(evidence, title=f"Diagnosis of {name}", alert="")


async def diagnose_container(settings: Settings, name: str) -> Findings:
    """Return a diagnosis of ``name`` from the engine. Raise ``TargetNotFound`` or ``EngineError``."""
    from bot.wiring.components import parts  # noqa: PLC0415 - a command imports only what it needs

    title = f"Diagnosis of {name}"
    components = parts(settings)
    try:
        await components.containers.facts(parse_target(name))
        findings = await components.examination.examine(parse_target(name), title=title, alert="")
        return await components.examination.deepen(findings, title=title, alert="") or findings
    finally:
        await components.close()


def _evidence(name: str, given: GivenEvidence, now: datetime, secrets: Sequence[str]) -> Evidence:
    from bot.domain.logs import filters  # noqa: PLC0415 - a command imports only what it needs

    facts, log = None, LogDigest()
    state, lines = (Source(source, Status.EMPTY, "not given") for source in ("state", "logs"))
    if given.facts is not None:
        from bot.adapters.docker import inspect_file  # noqa: PLC0415 - a command imports only what it needs

        facts = inspect_file.read(given.facts, name=name, secrets=secrets)
        state = Source("state", Status.OK) if facts else Source("state", Status.EMPTY, "the file holds no facts")
    if given.log is not None:
        log = filters.digest_blocks(given.log, secrets)
        lines = Source("logs", Status.OK if log.total_lines else Status.EMPTY, f"{log.total_lines:,} lines")
    return Evidence(parse_target(name), now.isoformat(timespec="seconds"), facts, log, sources=(state, lines))


def read_alert_file(content: object) -> dict[str, object]:
    """Return the fields of an alert, with keys that do not change. Raise ``AegisError`` if ``content`` is no alert.

    ``content`` is a Slack message event, or an object with ``event``, or with ``body`` and ``sender`` of a webhook. Its
    ``inventory`` lists names, or objects with the fields of ``KnownTarget``.
    """
    from bot.domain.alerts.admission import limit_alert  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.alerts.alert import find_targets, read_alert  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.alerts.webhook_bodies import read_webhook  # noqa: PLC0415 - a command imports only what it needs

    if not isinstance(content, dict):
        raise AegisError(
            "The file holds no alert: an alert is a JSON object.",
            hint="Give a Slack message event, or an object with the key event.",
        )
    event, body = content.get("event"), content.get("body")
    if isinstance(event, dict) or not isinstance(body, dict):
        alert = read_alert(event if isinstance(event, dict) else content)
    else:
        alert = read_webhook(str(content.get("sender") or ""), body)
    alert = limit_alert(alert)
    found = find_targets(alert, _inventory(content.get("inventory")))
    return {
        "kind": alert.kind.value,
        "targets": [str(target) for target in found],
        "severity": alert.severity,
        "title": alert.title,
        "sender": alert.sender,
    }


def _inventory(given: object) -> list[KnownTarget]:
    known = [field.name for field in fields(KnownTarget) if field.name not in ("host", "kind")]
    inventory = []
    for item in given if isinstance(given, list) else ():
        values = {"name": item} if isinstance(item, str) else item
        if isinstance(values, dict) and isinstance(values.get("name"), str):
            inventory.append(KnownTarget(**{name: values[name] for name in known if isinstance(values.get(name), str)}))
    return inventory


def find_similar(
    entries: Sequence[Entry], target: str, log: Iterable[bytes], now: datetime, limit: int
) -> tuple[Precedent, ...]:
    """Return the past incidents that are similar to a log of ``target``, best match first."""
    from bot.domain.logs import filters  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook import precedents  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.symptoms import diagnose as symptoms  # noqa: PLC0415 - a command imports only what it needs

    evidence = Evidence(parse_target(target), now.isoformat(), None, filters.digest_blocks(log, ()))
    proven = symptoms.find_symptoms(evidence)
    return precedents.find_precedents(
        entries,
        target=target,
        lines=[line.text for line in symptoms.decisive(evidence, precedents.ASKED)],
        trouble=proven[0].trouble.value if proven else "",
        now=now,
        limit=limit,
    )


async def merge(runbook: RunbookFile, other: RunbookFile) -> tuple[int, int]:
    """Append the entries of ``other`` that ``runbook`` lacks. Return the numbers of new and known entries.

    Two entries are the same if their ids are equal, or without an id, if all their fields are equal.
    """
    present = await runbook.entries()
    known = {entry.id for entry in present if entry.id} | {replace(entry, id="") for entry in present}
    others = await other.entries()
    new = [entry for entry in dict.fromkeys(others) if (entry.id or entry) not in known]
    for entry in new:
        await runbook.append(entry)
    return len(new), len(others) - len(new)
