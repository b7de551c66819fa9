"""Detects a recent restart that did not help."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.diagnosis import Action, FailureClass
from bot.domain.evidence import Evidence
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.symptoms.symptom import Symptom
from bot.domain.target import Target

JUST = timedelta(hours=6)
"""A restart that did not help so long ago says what the next one will do; later, the world may have changed."""


def failed_restart_symptoms(evidence: Evidence, precedents: Sequence[Precedent]) -> tuple[Symptom, ...]:
    """Return True if the newest restart of this target was a short while ago and did not help."""
    now = _when(evidence.gathered_at)
    tried = [
        (now - at, one.entry)
        for one in precedents
        if _restarted(one.entry, evidence.target) and now and (at := _when(one.entry.at)) and at <= now
    ]
    if not tried:
        return ()
    ago, newest = min(tried, key=lambda one: one[0])
    if ago > JUST or newest.outcome != "not_resolved":
        return ()
    return (
        Symptom(
            FailureClass.UNKNOWN,
            "a restart just did not help",
            f"It was restarted {_format_duration(ago)} ago, and that did not help.",
            0.9,
            False,
            "Find the cause first; one more restart is likely to end the same way.",
            proven=True,
            restart_futile=True,
        ),
    )


def _restarted(entry: Entry, target: Target) -> bool:
    return entry.about == target and entry.action == Action.RESTART.value and bool(entry.outcome)


def _format_duration(ago: timedelta) -> str:
    minutes = int(ago.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(1, minutes)} min"


def _when(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
