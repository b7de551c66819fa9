"""A runbook entry, and a precedent that fits the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.target import Target, parse_target


@dataclass(frozen=True, slots=True)
class Entry:
    """One past incident as runbook.json holds it; only ``root_cause`` and ``action`` are always there.

    ``outcome`` is ``resolved``, ``not_resolved``, ``ignored`` or ``""``. ``trouble`` is the file's ``class``.
    """

    root_cause: str
    action: str
    justification: str = ""
    id: str = ""
    at: str = ""
    target: str = ""
    image: str = ""
    symptom: str = ""
    trouble: str = ""
    evidence: tuple[str, ...] = ()
    diagnosed_by: str = ""
    outcome: str = ""
    approved_by: str = ""
    recovered_in_s: float | None = None
    verification: str = ""
    ignored_by: str = ""

    @property
    def about(self) -> Target:
        """Return the target that the file names; people write it by hand too."""
        return parse_target(self.target)


@dataclass(frozen=True, slots=True)
class Precedent:
    """An entry that fits the evidence, how well (higher is better), and why in a few words of ours."""

    entry: Entry
    score: float
    why: str
