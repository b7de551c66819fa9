"""A signature: a log pattern, its failure class and its confidence."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.domain.diagnosis import FailureClass

_PIECE = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\]){0,300}+\]|[^\\\[])([*+]?)", re.DOTALL)
_LONGEST_GAP_CHARS, _LONGEST_WORD_CHARS, _MOST_TIMES = 400, 100, 20


def bounded(pattern: str) -> str:
    """Return a pattern in which no repeat is endless, so that its time is linear in the text, whatever the text is.

    A gap reaches over 400 signs, a word over 100, a group comes 20 times: more than a line of a digest has of any.
    """

    def limited(piece: re.Match[str]) -> str:
        what, sign = piece.groups()
        if not sign:
            return what
        most = _LONGEST_GAP_CHARS if what == "." else _MOST_TIMES if what in ") " else _LONGEST_WORD_CHARS
        return f"{what}{{{int(sign == '+')},{most}}}"

    return _PIECE.sub(limited, pattern)


@dataclass(frozen=True, slots=True)
class Signature:
    """A pattern of a known failure, and what a line that matches it proves.

    The pattern is written in lower case and matched without regard to case. A group whose name begins with ``what``
    captures the name, path or address that replaces ``{what}`` in ``cause``.
    """

    #: The class of failure.
    trouble: FailureClass
    #: A few plain words for the card's header.
    headline: str
    #: Whether a restart helps; ``None`` if that is unknown.
    restart_helps: bool | None
    #: The confidence, from 0 to 1, that one matching line gives.
    confidence: float
    #: A sentence that explains the cause.
    cause: str
    #: What to do about the cause.
    remedy: str
    #: The regular expression.
    pattern: str
    #: True for a change of settings, which counts in full only if trouble follows it.
    change: bool = False
    _lower: re.Pattern[str] = field(init=False, compare=False, repr=False)
    _names: re.Pattern[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lower", re.compile(bounded(self.pattern).replace("A-Z", "a-z")))
        # Most patterns capture nothing, and compiling all twice would double the start of each command.
        names = re.compile(bounded(self.pattern), re.IGNORECASE) if "(?P<" in self.pattern else self._lower
        object.__setattr__(self, "_names", names)

    def matches(self, lowered: str) -> bool:
        """Return True if the line, given in lower case, matches; ignoring case would take four times as long."""
        return self._lower.search(lowered) is not None

    def what(self, text: str) -> str:
        """Return the name, path or address in the line that the pattern points out, or ``""``."""
        groups = self._names.groupindex
        named = (match[group] for match in self._names.finditer(text) for group in groups) if groups else ()
        return next(filter(None, named), "")
