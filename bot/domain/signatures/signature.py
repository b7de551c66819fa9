"""A sign of trouble: one row of the table of what programs write into their logs, and what it proves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.domain.diagnosis import FailureClass

_PIECE = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[])([*+]?)", re.DOTALL)
_LONGEST_GAP, _LONGEST_WORD, _MOST_TIMES = 400, 100, 20


def bounded(pattern: str) -> str:
    """Return a pattern in which no repeat is endless, so that its time is linear in the text, whatever the text is.

    A gap reaches over 400 signs, a word over 100, a group comes 20 times: more than a line of a digest has of any.
    """

    def limited(piece: re.Match[str]) -> str:
        what, sign = piece.groups()
        if not sign:
            return what
        most = _LONGEST_GAP if what == "." else _MOST_TIMES if what in ") " else _LONGEST_WORD
        return f"{what}{{{int(sign == '+')},{most}}}"

    return _PIECE.sub(limited, pattern)


@dataclass(frozen=True, slots=True)
class Signature:
    """A pattern in lower case, matched without regard to case, and what a line that holds it proves.

    ``restart_helps`` is ``None`` where nobody can say, ``sure`` (0 to 1) is how sure one such line makes it. A group of
    the pattern whose name begins with ``what`` is the name, path or address that ``{what}`` in ``cause`` stands for.
    A ``change`` counts in full only where trouble follows it.
    """

    trouble: FailureClass
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
        object.__setattr__(self, "_lower", re.compile(bounded(self.pattern).replace("A-Z", "a-z")))
        object.__setattr__(self, "_names", re.compile(bounded(self.pattern), re.IGNORECASE))

    def told_by(self, lowered: str) -> bool:
        """Say whether a line, given in lower case, holds the sign; four times as fast as to ignore the case."""
        return self._lower.search(lowered) is not None

    def what(self, text: str) -> str:
        """Return the name, path or address in the line that the pattern points out, or ``""``."""
        groups = self._names.groupindex
        named = (match[group] for match in self._names.finditer(text) for group in groups) if groups else ()
        return next(filter(None, named), "")
