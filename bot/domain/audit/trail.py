"""The audit trail, in which each row seals those before it.

A row records who asked for what, which rule answered, and what was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bot.domain.audit.seal import Cell, Seal, may_follow, rule_of


class Verdict(StrEnum):
    """What was answered. ``NO_RULE``: nothing had to be decided, it is only told."""

    ALLOWED = "allowed"
    DENIED = "denied"
    NO_RULE = "no rule"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that happened.

    ``kind`` is ``alert``, ``opened``, ``state``, ``press``, ``engine``, or ``trail`` where the rule changes by which
    rows are sealed. ``rule`` names what decided, where something did. ``actor`` is a user id, or ``""`` for Aegis
    itself. ``said`` is a sentence of ours.
    """

    kind: str
    at: datetime
    verdict: Verdict = Verdict.NO_RULE
    rule: str = ""
    actor: str = ""
    incident: str = ""
    target: str = ""
    said: str = ""


SWITCH = "trail"
"""The kind of the row with which a trail goes on by another rule."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row exactly as it stands in its columns: numbered from one without a gap, with the hash before and its own."""

    number: int
    at: Cell
    kind: Cell
    verdict: Cell
    rule: Cell
    actor: Cell
    incident: Cell
    target: Cell
    said: Cell
    previous: Cell
    hash: Cell

    @property
    def act(self) -> AuditEvent:
        """Return what the row tells; of a row that somebody changed by hand, what can be read."""
        verdict = Verdict(self.verdict) if self.verdict in set(Verdict) else Verdict.NO_RULE
        try:
            at = datetime.fromisoformat(_text(self.at))
        except ValueError:
            at = datetime.min.replace(tzinfo=UTC)
        return AuditEvent(
            kind=_text(self.kind),
            at=at,
            verdict=verdict,
            rule=_text(self.rule),
            actor=_text(self.actor),
            incident=_text(self.incident),
            target=_text(self.target),
            said=_text(self.said),
        )

    @property
    def sealed_by(self) -> str:
        """Return the rule that the row's hash names, ``""`` where it is no hash."""
        return rule_of(_text(self.hash))


def seal_row(number: int, act: AuditEvent, previous: str, seal: Seal | None = None) -> AuditRow:
    """Return the row that follows the one with the hash ``previous`` (``""`` for the first)."""
    cells: dict[str, Cell] = {
        "number": number,
        "at": _moment(act.at),
        "kind": act.kind,
        "verdict": act.verdict.value,
        "rule": act.rule,
        "actor": act.actor,
        "incident": act.incident,
        "target": act.target,
        "said": act.said,
        "previous": previous,
    }
    return _row(number, cells, (seal or Seal()).sealed(cells))


def seal_events(acts: Iterable[AuditEvent], newest: AuditRow | None, seal: Seal, now: datetime) -> list[AuditRow]:
    """Return the rows of ``acts`` after the newest one, with a row of its own before them where the rule changes.

    Raises ``ValueError`` where the trail is sealed with a key and ``seal`` has none.
    """
    following = list(acts)
    number, previous = (newest.number, _text(newest.hash)) if newest is not None else (0, "")
    before = newest.sealed_by if newest is not None else seal.rule
    if before != seal.rule:
        if before and not may_follow(seal.rule, before):
            raise ValueError("the trail is sealed with a key")
        following.insert(0, AuditEvent(SWITCH, now, said=f"rows are sealed by rule {seal.rule} from here on"))
    rows = []
    for act in following:
        row = seal_row(number + 1, act, previous, seal)
        number, previous = row.number, _text(row.hash)
        rows.append(row)
    return rows


def row_columns(row: AuditRow) -> dict[str, Cell]:
    """Return what stands in the row's columns."""
    return {**_cells(row), "hash": row.hash}


def row_to_json(row: AuditRow) -> dict[str, object]:
    """Return a row for export."""
    shown = {name: cell.hex() if isinstance(cell, bytes) else cell for name, cell in row_columns(row).items()}
    return dict(shown)


class TrailCheck:
    """Reads a trail from its first row on, and says what is wrong with it.

    ``head`` is a hash that was noted before, ``heads`` the hashes that a log has for the numbers of rows. With ``key``
    the rows that are sealed with it are checked, and the newest row must be one of them.
    """

    def __init__(self, head: str = "", heads: Mapping[int, frozenset[str]] | None = None, key: str = "") -> None:
        self.count = 0
        self.last = ""
        self.unchecked = 0
        """Rows that are sealed with a key that is not here: only their order was checked."""
        self._wanted = head
        self._heads = dict(heads or {})
        self._seal = Seal(key)
        self._rule = ""

    def read(self, rows: Iterable[AuditRow]) -> str:
        """Read the next rows; return what is wrong with the first bad one, or ``""``."""
        for row in rows:
            wrong = self._wrong(row)
            if wrong:
                return wrong
            self.count, self.last, self._rule = row.number, _text(row.hash), row.sealed_by
            if row.hash == self._wanted:
                self._wanted = ""
        return ""

    def end(self) -> str:
        """Return what is wrong with the whole: missing rows at its end, or a missing seal."""
        if self._wanted:
            return "The noted hash is not in the trail: rows at its end were taken away."
        beyond = max((number for number in self._heads if number > self.count), default=0)
        if beyond:
            return (
                f"The log has seen row {beyond}, the trail ends with row {self.count}: rows at its end were taken away."
            )
        if self._seal.key and self.count and self._rule != self._seal.rule:
            return (
                f"Row {self.count} is not sealed with the key that is set: it is another key, Aegis was not started"
                " with it yet, or rows that were sealed with it are gone."
            )
        return ""

    def _wrong(self, row: AuditRow) -> str:
        expected = self.count + 1
        if row.number != expected:
            return f"Row {expected} is missing: after {self.count} comes {row.number}."
        if row.previous != self.last:
            return f"Row {row.number} does not follow row {self.count}: a row between them was changed or taken out."
        rule = row.sealed_by
        if not rule:
            return f"Row {row.number} was changed after it was written."
        if self._rule and rule != self._rule and (not may_follow(rule, self._rule) or row.kind != SWITCH):
            return f"Row {row.number} is sealed by rule {rule}, though row {self.count} is by rule {self._rule}."
        if rule.startswith("2k") and rule != self._seal.rule:
            self.unchecked += 1
        elif not self._seal.fits(_cells(row), _text(row.hash)):
            return f"Row {row.number} was changed after it was written."
        if not self._heads.get(row.number, frozenset()) <= {_text(row.hash)}:
            return f"Row {row.number} is not the one that the log has seen: the trail was written anew."
        return ""


def _row(number: int, cells: Mapping[str, Cell], seal: str) -> AuditRow:
    rest = {name: cell for name, cell in cells.items() if name != "number"}
    return AuditRow(number=number, **rest, hash=seal)


def _cells(row: AuditRow) -> dict[str, Cell]:
    return {
        "number": row.number,
        "kind": row.kind,
        "at": row.at,
        "verdict": row.verdict,
        "rule": row.rule,
        "actor": row.actor,
        "incident": row.incident,
        "target": row.target,
        "said": row.said,
        "previous": row.previous,
    }


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ""


def _moment(at: datetime) -> str:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")
