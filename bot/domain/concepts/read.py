"""Reads a statement with every concept."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.domain.concepts.code import read_code_fault
from bot.domain.concepts.damage import read_damage
from bot.domain.concepts.limits import read_limit
from bot.domain.concepts.partners import read_partner
from bot.domain.concepts.reading import Reading
from bot.domain.concepts.settings import read_absence, read_demand, read_refused_setting
from bot.domain.concepts.system_errors import read_system_error
from bot.domain.concepts.versions import read_disagreement

_COMPOUND = re.compile(
    r"\b(?:[a-z_]\w{0,40}[.:]{1,2}){0,8}((?:[A-Z][a-z]{1,20}){2,6})(?:Error|Exception|Failure|Fault)?\b"
)
_WORD = re.compile(r"[A-Z][a-z]+")

_READERS: tuple[Callable[[str], Reading | None], ...] = (
    read_system_error,
    read_disagreement,
    read_demand,
    read_refused_setting,
    read_absence,
    read_limit,
    read_damage,
    read_partner,
    read_code_fault,
)


def read_concepts(text: str) -> tuple[Reading, ...]:
    """Return everything that a statement says, weightiest first."""
    words = _spelled_out(text)
    found = [reading for read in _READERS if (reading := read(words))]
    return tuple(sorted(found, key=lambda reading: -reading.weight))


def _spelled_out(text: str) -> str:
    """Return ``text`` with the words of its first compound name behind it: ``ReadTimeout`` says “Read Timeout”."""
    name = _COMPOUND.search(text)
    return f"{text} ({' '.join(_WORD.findall(name[1]))})" if name else text
