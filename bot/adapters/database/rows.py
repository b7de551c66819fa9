"""Converts incidents and received alerts to stored JSON and back."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Row

from bot.domain.alerts.admission import limit_alert
from bot.domain.incident import LIVE, Incident, State
from bot.domain.target import Target, to_stored
from bot.errors import StoreUnavailable
from bot.ports.database import ReceivedAlert
from bot.ports.outbox import OutboxMessage

MOST_AUDIT_CHARACTERS = 300
"""Characters of outside text in one row of the audit trail."""

LIVE_ROWS = sorted(state.value for state in LIVE)
ENDED_ROWS = sorted(state.value for state in State if state not in LIVE)
"""The states that are live, and those in which an incident has ended, as rows say them."""

_INCIDENT = TypeAdapter(Incident)
_RECEIVED = TypeAdapter(ReceivedAlert)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_FORMER_NAMES = {
    "told": "announced",
    "remembered": "finalized",
    "along": "grouped_targets",
    "common": "group_reason",
    "before": "times_before",
    "flaps": "flap_count",
}
"""The names that an incident's fields had in earlier versions, and the names that they have now."""

_FORMER_KEY = re.compile(rf'"(?:{"|".join(_FORMER_NAMES)})"\s*:')
"""Any former key. Text inside a JSON string cannot match, since its quotes are escaped."""


def replace_unstorable(text: str) -> str:
    """Return the text with U+FFFD for NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    return _UNSTORABLE.sub("\ufffd", text)


def to_text(value: Incident | ReceivedAlert | OutboxMessage) -> str:
    """Write an incident, a received alert or a message as JSON."""
    return json.dumps(_storable(value), ensure_ascii=False)


def as_stored(incident: Incident) -> Incident:
    """Return the incident as it comes back from the database."""
    return from_text(to_text(incident))


def from_text(body: str) -> Incident:
    """Return the incident of a stored body, which may use former names. Raise ``ValueError`` if there is none in it."""
    if _FORMER_KEY.search(body):
        fields = json.loads(body)
        if isinstance(fields, dict):
            current = {_FORMER_NAMES[name]: value for name, value in fields.items() if name in _FORMER_NAMES}
            body = json.dumps(current | {name: value for name, value in fields.items() if name not in _FORMER_NAMES})
    return _INCIDENT.validate_json(body)


def to_incident(row: Row[tuple[object, ...]]) -> Incident:
    """Read a row of ``incidents``; the columns count where they say what the body says too."""
    try:
        body = from_text(row.body)
        return replace(body, state=State(row.state), revision=row.revision, alerts=row.alerts, epoch=row.epoch)
    except ValueError as error:
        raise _unreadable(f"incident {row.id}", error) from error


def to_received(row: Row[tuple[object, ...]]) -> ReceivedAlert:
    """Read a row of ``alerts``."""
    try:
        return within_limits(_RECEIVED.validate_json(row.body))
    except ValueError as error:
        raise _unreadable(f"alert {row.key}", error) from error


def within_limits(received: ReceivedAlert) -> ReceivedAlert:
    """Return an alert that no door can have made too long; databases of earlier versions hold longer ones."""
    return replace(received, alert=limit_alert(received.alert))


def _storable(value: object) -> object:
    if isinstance(value, str):
        return replace_unstorable(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Target):
        return _storable(to_stored(value))
    if is_dataclass(value):
        return {field.name: _storable(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {replace_unstorable(str(key)): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value


def _unreadable(what: str, error: ValueError) -> StoreUnavailable:
    where = ", ".join(str(problem["loc"]) for problem in error.errors()) if isinstance(error, ValidationError) else ""
    return StoreUnavailable(
        f"The database's record of {what} cannot be understood.",
        hint="Somebody changed it by hand; put the database back from its last copy, or delete that record.",
        detail=where,
    )
