"""Learns a log's words to tell its lines apart despite ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

_LINE = b"\x01"
# Words are parted by white space and by what parts fields; paths, dotted names and ids stay whole. Digits become
# zeros, so that what holds one is seen to be an id or a number.
_PARTED = b" \t\r\x0b\x0c\"'`,;:=()[]{}<>|\\$^~"
_TO_WORDS = bytes(
    48 if 48 <= sign < 58 else 1 if sign == 10 else 32 if sign < 32 or sign in _PARTED else sign for sign in range(256)
)
# Chance does not make words of one case, or of humps of two letters and more, nor words that cannot be said.
_WORD = re.compile(rb"(?:[A-Z]*+[a-z\x80-\xff]{2,}+)*+(?:[A-Z]{4,}+)?[.!?]?")
_UNSPEAKABLE = re.compile(rb"(?i)[bcdfghj-np-tv-xz]{5}")
_SHORT = 8
_KNOWN = 200_000
_PLENTY = 20_000
_COMMON = 5_000
_TALLIED = 4_000
_SHARE = 100
_FORMS = 300


@dataclass(frozen=True, slots=True)
class Words:
    """Of some lines: what each is known by, whether it holds a word that was never seen before, and all words."""

    keys: list[bytes]
    telling: Sequence[bool]
    all: list[bytes]


class Vocabulary:
    """The words that came so far, and which of them are common."""

    def __init__(self) -> None:
        self._known: set[bytes] = {_LINE}
        self._seen: set[bytes] = {_LINE}
        self._common: set[bytes] = {_LINE}
        self._tally: Counter[bytes] = Counter()
        self._tallied = 0

    def read(self, lines: Sequence[bytes]) -> Words:
        """Read lines: each is known by its words, without ids and numbers."""
        words = b"\n".join(lines).replace(b"\n", b" \n ").translate(_TO_WORDS).split()
        unknown = set(words) - self._seen
        new = {word for word in unknown if b"0" not in word}
        telling = {word for word in new if 3 < len(word) < 100 and _speaks(word)}
        if len(self._seen) > _KNOWN:
            self._known, self._seen = {_LINE}, {_LINE}
        self._known |= telling if len(self._known) > _PLENTY else new
        self._seen |= self._known & new
        # Times and numbers have few forms, and come again; ids have many.
        self._seen.update(word for word in islice(unknown, _FORMS) if not word.strip(b"0-.+TZ/%"))
        keys = _lines(filter(self._known.__contains__, words))
        if not telling:
            return Words(keys, [False] * len(keys), words)
        telling.add(_LINE)
        return Words(keys, [len(found) > 1 for found in _lines(filter(telling.__contains__, words))], words)

    def cast(self, read: Words) -> list[bytes]:
        """Return for each line those of its words that are common in the log; ``b""`` where that leaves little."""
        for key in read.keys[:: max(1, len(read.keys) // 200)]:
            self._tally.update(set(key.split()))
            self._tallied += 1
        self._common |= {word for word, count in self._tally.items() if count * _SHARE >= max(200, self._tallied)}
        if self._tallied > _TALLIED:
            self._tallied //= 2
            self._tally = Counter({word: count // 2 for word, count in self._tally.items() if count > 1})
        if len(self._common) > _COMMON:
            self._common = {_LINE}
        cast = _lines(filter(self._common.__contains__, read.all))
        return [short if len(short) * 2 >= len(key) else b"" for short, key in zip(cast, read.keys, strict=True)]


def _speaks(word: bytes) -> bool:
    if b"/" in word or not _WORD.fullmatch(word):
        return False
    return len(word) < _SHORT or not _UNSPEAKABLE.search(word)


def _lines(words: Iterable[bytes]) -> list[bytes]:
    return (b" " + b" ".join(words) + b" ").split(_LINE)
