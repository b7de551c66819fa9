"""Describes recent changes of a container.

A change is a new container or image within the hour, or since the last incident.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bot.domain.evidence import Evidence, Facts, Source, Status
from bot.domain.runbook_entry import Entry

SOURCE = "changes"
LATELY = timedelta(hours=1)


def find_changes(evidence: Evidence, entries: Iterable[Entry]) -> Source:
    """Return what changed, by the engine's facts and the runbook's ``entries`` (newest last) of the same target.

    ``empty`` where nothing did, ``denied`` where the engine did not say what there is to compare it with.
    """
    facts = evidence.facts
    if facts is None:
        return Source(SOURCE, Status.DENIED, "the engine did not say")
    changes = [*_lately(facts, _moment(evidence.gathered_at)), *_since(facts, entries, str(evidence.target))]
    return (
        Source(SOURCE, Status.OK, ", ".join(changes)) if changes else Source(SOURCE, Status.EMPTY, "none that is known")
    )


def _lately(facts: Facts, now: datetime | None) -> list[str]:
    changes = []
    for what, when in (("container created", facts.created_at), ("image built", facts.image_created_at)):
        age = now - at if now and (at := _moment(when)) else None
        if age is not None and timedelta() <= age <= LATELY:
            minutes = age // timedelta(minutes=1)
            changes.append(f"{what} {f'{minutes} min ago' if minutes else 'just now'}")
    return changes


def _since(facts: Facts, entries: Iterable[Entry], target: str) -> list[str]:
    last = next((entry for entry in reversed(tuple(entries)) if entry.target == target and entry.at), None)
    at = _moment(last.at) if last else None
    if last is None or at is None:
        return []
    changes = []
    made = _moment(facts.created_at)
    if last.image and last.image != facts.image:
        changes.append(f"image was {last.image} in the incident of {at:%d %b}")
    if made and made > at:
        changes.append(f"re-created since the incident of {at:%d %b}")
    return changes


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
