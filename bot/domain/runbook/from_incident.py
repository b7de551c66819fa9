"""The runbook entry of an incident that ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING

from bot.domain.logs.line import Level, level_of
from bot.domain.runbook_entry import Entry

if TYPE_CHECKING:
    from bot.domain.incident import Incident
from bot.domain.runbook.precedents import EVIDENCE, comparable_line, redact_entry

log = logging.getLogger(__name__)


_OUTCOMES = {"RESOLVED": "resolved", "UNRESOLVED": "not_resolved", "IGNORED": "ignored"}


def entry_from(incident: Incident) -> Entry | None:
    """Return what is remembered of an ended incident; ``None`` where nothing was diagnosed, ended or tried in earnest.

    ``action`` is what was done, not what was proposed: that of the approval, else ``ignore``.
    """
    outcome = _OUTCOMES.get(incident.state)
    diagnosis = incident.diagnosis
    if outcome is None or diagnosis is None or _only_tried(incident):
        return None
    lines = _telling(incident)
    seen = incident.verification
    recovered = seen is not None and seen.recovered is True
    facts = incident.evidence.facts if incident.evidence else None
    reason = f"Ignored: {incident.reason}" if outcome == "ignored" and incident.reason else diagnosis.justification
    made = Entry(
        id=incident.id,
        at=(incident.closed_at or incident.opened_at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        target=str(incident.target),
        image=facts.image if facts else "",
        symptom=comparable_line(lines[0]) if lines else "",
        trouble=diagnosis.trouble.value,
        evidence=_in_order(incident, lines),
        root_cause=diagnosis.root_cause or diagnosis.headline or "unknown",
        action=incident.approval.action.value if incident.approval else "ignore",
        justification=reason,
        diagnosed_by=diagnosis.by,
        outcome=outcome,
        approved_by=", ".join(incident.approved_by),
        ignored_by=incident.closed_by if outcome == "ignored" else "",
        recovered_in_s=round(seen.seconds, 1) if seen is not None and recovered else None,
        verification=(seen.summary or seen.reason) if seen is not None else "",
    )
    return redact_entry(made)


def _only_tried(incident: Incident) -> bool:
    return incident.approval is not None and getattr(incident.verdict, "dry_run", False)


def _telling(incident: Incident) -> list[str]:
    """Return the lines that tell this trouble from others: what the diagnosis rests on, then the loudest of the log."""
    quoted = [quote.text for quote in incident.diagnosis.quotes] if incident.diagnosis else []
    log = [line.text for line in incident.evidence.log.lines if not line.boundary] if incident.evidence else []
    loud = sorted((line for line in log if level_of(line) >= Level.WARN), key=level_of, reverse=True)
    different: dict[str, str] = {}
    for line in (*quoted, *(loud or log)):
        different.setdefault(comparable_line(line), line)
    return [line for comparable, line in different.items() if comparable][:EVIDENCE]


def _in_order(incident: Incident, lines: Sequence[str]) -> tuple[str, ...]:
    log = [line.text for line in incident.evidence.log.lines] if incident.evidence else []
    return tuple(sorted(lines, key=lambda line: log.index(line) if line in log else -1))
