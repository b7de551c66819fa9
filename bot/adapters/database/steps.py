"""Builds the rows of one transition and its ownership conditions."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, case

from bot.adapters.database.rows import MOST_AUDIT_CHARACTERS, replace_unstorable, to_text
from bot.adapters.database.tables import incidents
from bot.domain.audit.trail import AuditEvent, Verdict
from bot.domain.incident import Approval, Incident, State

_DECIDED = frozenset({State.RESOLVED, State.IGNORED, State.EXPIRED})
"""Ends that a person or a sender decides while it is still being looked at; their word may come to any replica."""


def anyone(before: Incident, after: Incident) -> bool:
    """Return True if any replica may take this step. All other steps are the owner's alone."""
    return before.state is State.PROPOSED or (before.state is State.OPEN and after.state in _DECIDED)


def unchanged(before: Incident) -> ColumnElement[bool]:
    """Return what holds as long as nobody took a step of this incident, or took it over."""
    return and_(
        incidents.c.id == replace_unstorable(before.id),
        incidents.c.state == before.state.value,
        incidents.c.revision == before.revision,
        incidents.c.epoch == before.epoch,
    )


def owned(incident: Incident, owner: str) -> ColumnElement[bool]:
    """Return what holds as long as the incident belongs to ``owner``, since it was read."""
    mine = incidents.c.id == replace_unstorable(incident.id), incidents.c.owner == owner
    return and_(*mine, incidents.c.epoch == incident.epoch)


def to(owner: str) -> dict[str, object]:
    """Return what a row says once it belongs to ``owner``; the epoch counts the changes of hands."""
    return {"owner": owner, "epoch": incidents.c.epoch + case((incidents.c.owner == owner, 0), else_=1)}


def columns(incident: Incident) -> dict[str, object]:
    """Return what a row says beside what never changes and what only the database counts."""
    return {
        "state": incident.state.value,
        "updated_at": datetime.now(UTC),
        "restarted_at": incident.restarted_at,
        "remembered": int(incident.finalized),
        "body": to_text(incident),
    }


def opened(incident: Incident) -> AuditEvent:
    """Return what the trail tells of a new incident."""
    description = f"opened: {incident.title}"[:MOST_AUDIT_CHARACTERS]
    return AuditEvent(
        "opened",
        incident.opened_at,
        actor=incident.opened_by,
        incident=incident.id,
        target=str(incident.target),
        said=description,
    )


def step(before: Incident, after: Incident, approval: Approval | None) -> list[AuditEvent]:
    """Return what the trail tells of a step: an approval, and a change of state; nothing where only words changed."""
    acts = []
    target = str(after.target)
    if approval is not None:
        acts.append(
            AuditEvent(
                "press",
                approval.at,
                Verdict.ALLOWED,
                "approver" if after.state is State.ACTING else "one of several approvers",
                approval.user,
                after.id,
                target,
                approval.digest,
            )
        )
    if after.state is not before.state:
        description = f"{before.state.value} -> {after.state.value} {after.closing}".rstrip()
        now = datetime.now(UTC)
        acts.append(AuditEvent("state", now, actor=after.closed_by, incident=after.id, target=target, said=description))
    return acts


def approved(incident: Incident, approval: Approval, token: str) -> dict[str, object]:
    """Return the row of an approval."""
    return {
        "token": token,
        "incident": replace_unstorable(incident.id),
        "revision": incident.revision + 1,
        "person": replace_unstorable(approval.user),
        "at": approval.at,
        "digest": replace_unstorable(approval.digest),
        "action": approval.action.value,
    }
