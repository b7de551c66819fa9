"""A sign of trouble: one row of the table of what programs write into their logs, and what it proves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.domain.diagnosis import Trouble


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern in lower case, matched without regard to case, and what a line that holds it proves.

    ``restart_helps`` is ``None`` where nobody can say, ``sure`` (0 to 1) is how sure one such line makes it. A group of
    the pattern whose name begins with ``what`` is the name, path or address that ``{what}`` in ``cause`` stands for.
    A ``change`` counts in full only where trouble follows it.
    """

    trouble: Trouble
    headline: str
    restart_helps: bool | None
    sure: float
    cause: str
    instead: str
    pattern: str
    change: bool = False
    _lower: re.Pattern[str] = field(init=False, compare=False, repr=False)
    _names: re.Pattern[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lower", re.compile(self.pattern.replace("A-Z", "a-z")))
        object.__setattr__(self, "_names", re.compile(self.pattern, re.IGNORECASE))

    def told_by(self, lowered: str) -> bool:
        """Say whether a line, given in lower case, holds the sign; four times as fast as to ignore the case."""
        return self._lower.search(lowered) is not None

    def what(self, text: str) -> str:
        """Return the name, path or address in the line that the pattern points out, or ``""``."""
        groups = self._names.groupindex
        named = (match[group] for match in self._names.finditer(text) for group in groups) if groups else ()
        return next(filter(None, named), "")
