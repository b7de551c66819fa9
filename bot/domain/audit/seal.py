"""Seals rows of the audit trail by a hash.

The hash names its own rule.

Rule 1 is that of the first versions. Rule 2 hashes every column under a name that is fixed here, and the rule's own
name. Rule 2k is rule 2 with a key (HMAC-SHA-256); the eight digits behind it tell one key from another.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Cell = str | int | bytes | None
"""What stands in a column; ``bytes`` where somebody put a BLOB there, which Aegis never writes."""

_NAMES_1 = ("actor", "at", "incident", "kind", "number", "previous", "rule", "said", "target", "verdict")
_NAMES_2 = ("number", "at", "kind", "verdict", "rule", "actor", "incident", "target", "said", "previous")
"""The names inside the hash, in their order. They never change, whatever the columns and fields are called."""

_SHAPE = re.compile(r"(?:2:|2k(?P<key>[0-9a-f]{8}):)?[0-9a-f]{64}")
_DIGITS = 8
"""Hexadecimal digits that name a key: enough to tell two keys apart, too few to be of use against one."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Rule 2, or 2k where there is a key; the key is never shown."""

    key: str = field(default="", repr=False)

    @property
    def rule(self) -> str:
        """Return the rule by which this seals: ``2``, or ``2k`` and the digits that name the key."""
        return f"2k{_mac(self.key, b'aegis audit key')[:_DIGITS]}" if self.key else "2"

    def sealed(self, cells: Mapping[str, Cell]) -> str:
        """Return the hash of a row, its rule before it."""
        return f"{self.rule}:{self._digest(cells)}"

    def fits(self, cells: Mapping[str, Cell], written: str) -> bool:
        """Return True if ``written`` is the hash of these cells by the rule that it names; a key must be this one."""
        if any(isinstance(cell, bytes) for cell in cells.values()):
            return False
        rule = rule_of(written)
        if rule == "1":
            expected = _first(cells)
        elif rule == "2":
            expected = Seal().sealed(cells)
        else:
            expected = self.sealed(cells)
        return hmac.compare_digest(expected.encode(), written.encode("utf-8", "surrogateescape"))

    def _digest(self, cells: Mapping[str, Cell]) -> str:
        # NULL becomes null, empty text "", and a character that is none an escape: no two rows give the same text.
        content = [self.rule, *([name, cells[name]] for name in _NAMES_2)]
        text = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        return _mac(self.key, text) if self.key else hashlib.sha256(text).hexdigest()


def rule_of(written: str) -> str:
    """Return the rule that a hash names: ``1``, ``2`` or ``2k`` with the key's digits; ``""`` where it is no hash."""
    shape = _SHAPE.fullmatch(written)
    if shape is None:
        return ""
    return written.partition(":")[0] if ":" in written else "1"


def may_follow(rule: str, before: str) -> bool:
    """Return True if a trail may go on by ``rule`` after ``before``: never by a weaker one."""
    return _strength(rule) >= _strength(before)


def _strength(rule: str) -> int:
    return 3 if rule.startswith("2k") else int(rule)


def _first(cells: Mapping[str, Cell]) -> str:
    content = {name: cells[name] for name in _NAMES_1}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # What is no character was never written: it must not pass for the question mark that "replace" would make of it.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _mac(key: str, text: bytes) -> str:
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
