"""Compares the audit trail with approvals, refusals and incidents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.audit.seal import Cell
from bot.domain.audit.trail import AuditRow

_RENAMED_STATES = {"RESTARTING": "ACTING"}
"""Names of states in the rows of earlier versions, which never change."""

_STEP = re.compile(r"([A-Z]+) -> ([A-Z]+)")

MOST_NAMED = 20
"""Differences that are named one by one; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedPress:
    """A press of Restart as a table has it; ``words`` are the digest of an approval, or why it was refused."""

    incident: Cell
    person: Cell
    at: Cell
    rule: Cell = ""
    words: Cell = ""

    def __str__(self) -> str:
        return f"incident {self.incident!s}, by {self.person or 'nobody known'!s}, at {self.at!s}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedIncident:
    """An incident as its table has it; ``older`` than the trail, where the database was made before there was one."""

    id: str
    state: str
    restarted: bool
    older: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What the tables held when the trail had ``rows`` rows; ``older``: presses from before the trail, left out."""

    rows: int
    approvals: tuple[AuditedPress, ...] = ()
    refusals: tuple[AuditedPress, ...] = ()
    incidents: tuple[AuditedIncident, ...] = ()
    older: int = 0


class TableComparison:
    """Reads the rows of a trail and names what stands there and not in the tables, or the other way round."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._allowed: Counter[AuditedPress] = Counter()
        self._denied: Counter[AuditedPress] = Counter()
        self._states: dict[str, str] = {}
        self._restarted: set[str] = set()

    def read(self, rows: Iterable[AuditRow]) -> None:
        """Read the next rows; those that came after the look at the tables do not count."""
        for row in rows:
            if row.number > self._tables.rows:
                return
            incident = str(row.incident)
            if row.kind == "press" and row.verdict == "allowed":
                self._allowed[AuditedPress(incident=row.incident, person=row.actor, at=row.at, words=row.said)] += 1
            elif row.kind == "press" and row.verdict == "denied":
                press = AuditedPress(incident=row.incident, person=row.actor, at=row.at, rule=row.rule, words=row.said)
                self._denied[press] += 1
            elif row.kind == "opened":
                self._states[incident] = "OPEN"
            elif row.kind == "state" and (step := _STEP.match(str(row.said))):
                state = _RENAMED_STATES.get(step[2], step[2])
                self._states[incident] = state
                if state == "ACTING":
                    self._restarted.add(incident)

    def differences(self) -> str:
        """Return a sentence for each difference, one a line, or ``""``."""
        found = [
            *_between("An approval", self._allowed, Counter(self._tables.approvals)),
            *_between("A refusal", self._denied, Counter(self._tables.refusals)),
            *self._incidents(),
        ]
        more = [f"And {len(found) - MOST_NAMED} more."] if len(found) > MOST_NAMED else []
        return "\n".join(found[:MOST_NAMED] + more)

    def _incidents(self) -> Iterable[str]:
        known = {incident.id: incident for incident in self._tables.incidents}
        for name in sorted(self._states.keys() - known.keys()):
            yield f"Incident {name} is in the trail and not in its table."
        for name, incident in sorted(known.items()):
            state = self._states.get(name, "")
            if incident.older and not state:
                continue
            if incident.restarted and not incident.older and name not in self._restarted:
                yield f"Incident {name} was restarted, and the trail has no such step."
            if not state:
                yield f"Incident {name} is in its table and not in the trail."
            elif state != incident.state:
                yield f"Incident {name} is {incident.state} in its table; by the trail it is {state}."


def _between(what: str, trail: Counter[AuditedPress], table: Counter[AuditedPress]) -> Iterable[str]:
    for press in sorted((table - trail).elements(), key=str):
        yield f"{what} is in its table and not in the trail: {press}."
    for press in sorted((trail - table).elements(), key=str):
        yield f"{what} is in the trail and not in its table: {press}."
