"""The audit trail: who wanted what, which rule answered, what was done; each row seals the rows before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What was answered. ``NO_RULE``: nothing had to be decided, it is only told."""

    ALLOWED = "allowed"
    DENIED = "denied"
    NO_RULE = "no rule"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happened.

    ``kind`` is ``alert``, ``opened``, ``state``, ``press`` or ``engine``. ``rule`` names what decided, where something
    did. ``actor`` is a user id, or ``""`` for Aegis itself. ``said`` is a sentence of ours.
    """

    kind: str
    at: datetime
    verdict: Verdict = Verdict.NO_RULE
    rule: str = ""
    actor: str = ""
    incident: str = ""
    target: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An act in its place: numbered from one without a gap, with the hash of the row before and its own."""

    number: int
    act: Act
    previous: str
    hash: str


def sealed(number: int, act: Act, previous: str) -> Row:
    """Return the row that follows the one with the hash ``previous`` (``""`` for the first)."""
    content = {**asdict(act), "at": _moment(act.at), "number": number, "previous": previous}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Row(number, act, previous, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())


def as_json(row: Row) -> dict[str, object]:
    """Return a row for export."""
    return {
        "number": row.number,
        **asdict(row.act),
        "at": _moment(row.act.at),
        "previous": row.previous,
        "hash": row.hash,
    }


class Examined:
    """Reads a trail from its first row on, and says what is wrong with it; ``head`` is one that was noted before."""

    def __init__(self, head: str = "") -> None:
        self.count = 0
        self.last = ""
        self._wanted = head

    def read(self, rows: Iterable[Row]) -> str:
        """Read the next rows; return what is wrong with the first bad one, or ``""``."""
        for row in rows:
            expected = sealed(self.count + 1, row.act, self.last)
            if row.number != expected.number:
                return f"Row {expected.number} is missing: after {self.count} comes {row.number}."
            if row.previous != expected.previous:
                return (
                    f"Row {row.number} does not follow row {self.count}: a row between them was changed or taken out."
                )
            if row.hash != expected.hash:
                return f"Row {row.number} was changed after it was written."
            self.count, self.last = row.number, row.hash
            if row.hash == self._wanted:
                self._wanted = ""
        return ""

    def end(self) -> str:
        """Say what is wrong with the whole: rows at the end that were there when ``head`` was noted."""
        return "The noted hash is not in the trail: rows at its end were taken away." if self._wanted else ""


def _moment(at: datetime) -> str:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")
