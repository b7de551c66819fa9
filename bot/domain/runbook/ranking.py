"""Ranks past incidents by how well they fit a log.

The ranking is full-text over the query's rarest terms.

A line counts by how loud it is, a term by how rare it is in the runbook; a term counts once however often it is
repeated, or a flood would drown the cause. Terms are words, pairs of neighbouring words (they tell the same program's
message from a mere mention) and concepts (they tell the same failure in another program). Whether anything fits is
decided by how much of the query the best entry covers and how much the whole runbook has never seen, not by the rank.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from heapq import nlargest
from itertools import pairwise
from typing import Protocol, overload, runtime_checkable

from bot.domain.logs.line import Level, level_of, message_of
from bot.domain.runbook.synonyms import PHRASES, concepts
from bot.domain.runbook_entry import Entry

WORDS, PAIRS, CONCEPTS = 12, 20, 6
"""How many of the query's rarest terms of each kind are asked for."""

CANDIDATES = 100
"""How many entries are weighed in full, after words and concepts alone have chosen them."""

BACKGROUND = 50
"""Everyday entries that every runbook is taken to hold, so that the counts of a small one mean something."""

LINES, LINE_CHARS = 200, 2_000
"""At most so many lines, and characters of a line, are read."""

_LOUDNESS = {Level.DEBUG: 0.3, Level.INFO: 0.5, Level.NONE: 0.9, Level.WARN: 0.9, Level.ERROR: 1.0, Level.FATAL: 1.0}
_CONCEPT = "*"
_CONCEPT_WEIGHT = 1.5
_PAIR_WEIGHT = 0.5  # its words count by themselves already
_ADVICE = 0.5  # what was advised names the trouble too, but less surely than its cause

_ID = re.compile(
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{20,30}\b"  # UUID
    r"|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b"  # hash, trace id
    r"|\b\d+(?:\.\d+){2,3}\b"  # address, version
    r"|\b\d+(?:ms|s|kb|mb|gb|%)"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+\d{0,2}(?![0-9a-z])|[^\W\d_]+|\b\d{3,5}\b")
_CODES = {400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504}  # of HTTP
_CODES |= {111, 113, 137, 139, 143}  # errno and exit codes
_CODES |= {1040, 1045, 1205, 1213}  # MySQL's errors
_EMPTY = frozenset(
    word
    for line in (
        "the and for with from this that was not are has have had its into after before but will been all can there",
        "any more than then when while which who out per via http https com org java lang",
    )
    for word in line.split()
)
_EVERYDAY = frozenset(
    word
    for line in (
        "error failed failure warn warning info request response get post put status exception at in on of to is be by",
        "user service server client message data time path api app file line code host name type value id method",
    )
    for word in line.split()
)


VERSION = f"2 {blake2b(repr(PHRASES).encode(), digest_size=8).hexdigest()}"
"""Changes with the way in which texts are taken apart; what was kept of another way is of no use."""


def split_terms(text: str) -> list[str]:
    """Return the words of a text in order: lower case, ``camelCase`` taken apart, ids and most numbers dropped."""
    apart = _CAMEL.sub(" ", _ID.sub(" ", text))
    return [word for word in map(str.lower, _WORD.findall(apart)) if len(word) > 1 and not _plain(word)]


def weigh(lines: Iterable[str], loudness: float | None = None) -> dict[str, float]:
    """Return the terms of some lines, each with the loudness of its loudest line (or ``loudness`` for all)."""
    terms: dict[str, float] = {}
    for line in lines:
        cut = line[:LINE_CHARS]
        weight = _LOUDNESS[level_of(cut)] if loudness is None else loudness
        for term in _terms(message_of(cut) if loudness is None else cut):
            terms[term] = max(terms.get(term, 0.0), weight * (_CONCEPT_WEIGHT if term[0] == _CONCEPT else 1.0))
    return terms


def weigh_entry(entry: Entry) -> dict[str, float]:
    """Return the terms of an entry: its evidence by loudness, then its symptom, its cause and what was advised."""
    terms = weigh(entry.evidence[:LINES])
    for text, weight in ((entry.symptom, 1.0), (entry.root_cause, 1.0), (entry.justification, _ADVICE)):
        for term, found in weigh((text,), weight).items():
            terms[term] = max(terms.get(term, 0.0), found)
    return terms


@runtime_checkable
class EntryIndex(Protocol):
    """What the ranking asks of all entries. An entry is known by a number; a greater one was added later."""

    def __len__(self) -> int:
        """Return how many entries there are."""

    def held(self, terms: Iterable[str]) -> dict[str, int]:
        """Return how many entries hold each word or concept; one that no entry holds is left out."""

    def nearest(self, worths: Mapping[str, float], limit: int) -> list[int]:
        """Return the entries whose words and concepts are worth most together, best first."""

    def marked(self, marks: Iterable[str], limit: int) -> list[int]:
        """Return the newest entries with any of these marks."""

    def weighed(self, numbers: Iterable[int]) -> dict[int, dict[str, float]]:
        """Return the terms of entries as ``weigh_entry`` gives them; entries that are gone are left out."""

    def chosen(self, numbers: Iterable[int]) -> dict[int, Entry]:
        """Return entries by their numbers; those that are gone are left out."""

    def mentioning(self, words: Sequence[str], limit: int) -> list[Entry]:
        """Return the newest entries whose texts hold any of the words, oldest first."""


class Ranking:
    """One query against all entries: which are nearest, how well each fits, and what it shares."""

    def __init__(self, shelf: EntryIndex, query: Mapping[str, float]) -> None:
        self._query = query
        self._size = len(shelf)
        single = [term for term in query if " " not in term or _named(term)]
        self._held = shelf.held(single)
        self._worths = {term: query[term] * self._rarity(self._count(term)) for term in single}
        self._asked = self._rarest()
        nearest = shelf.nearest(self._asked, CANDIDATES) if self._asked else []
        self._terms = shelf.weighed(nearest)
        self.ranked = self._rank()

    def also(self, shelf: EntryIndex, numbers: Iterable[int]) -> None:
        """Weigh further entries, which something else than their words has brought up."""
        self._terms |= shelf.weighed([number for number in numbers if number not in self._terms])
        self.ranked = self._rank()

    def fit(self, number: int) -> float:
        """Return how well an entry fits, 0 to 1: what it covers of the query, less what no entry has ever held."""
        held = self._terms.get(number, {})
        covered = sum(worth for term, worth in self._worths.items() if term in held)
        unknown = sum(worth for term, worth in self._worths.items() if term not in self._held)
        return (1 + (covered - unknown) / (sum(self._worths.values()) or 1)) / 2

    def shared(self, number: int) -> tuple[list[str], int]:
        """Return the concepts that query and entry share, rarest first, and how many of the rarest words."""
        both = [term for term in self._asked if term in self._terms.get(number, {})]
        return [term[1:] for term in both if _named(term)], sum(not _named(term) for term in both)

    def _rank(self) -> dict[int, float]:
        """Return the entries' numbers with their share (0 to 1) of the best one's score, best first."""
        asked = self._asked | self._pairs()
        scored = [
            (number, sum(worth * terms[term] for term, worth in asked.items() if term in terms))
            for number, terms in self._terms.items()
        ]
        scored.sort(key=lambda pair: (-pair[1], -pair[0]))
        return {number: score / scored[0][1] for number, score in scored if score > 0}

    def _count(self, term: str) -> float:
        return self._held.get(term, 0) + (BACKGROUND / 2 if term in _EVERYDAY else 0)

    def _rarity(self, held: float) -> float:
        return math.log((self._size + BACKGROUND + 1) / (held + 0.5))

    def _rarest(self) -> dict[str, float]:
        """Return the rarest of the query's words and concepts that any entry holds, with what each is worth."""
        rarest = sorted(self._held, key=lambda term: (-self._worths[term], term))
        plain = [term for term in rarest if not _named(term)][:WORDS]
        named = [term for term in rarest if _named(term)][:CONCEPTS]
        return {term: self._worths[term] * self._rarity(self._count(term)) for term in (*plain, *named)}

    def _pairs(self) -> dict[str, float]:
        """Return the rarest of the query's pairs among the candidates, with what each is worth."""
        pairs = {term for term in self._query if " " in term and not _named(term)}
        held = Counter(term for terms in self._terms.values() for term in pairs & terms.keys())
        worths = {term: self._query[term] * _PAIR_WEIGHT * self._rarity(count) ** 2 for term, count in held.items()}
        return {term: worths[term] for term in nlargest(PAIRS, worths, key=lambda term: (worths[term], term))}


class Listed(Sequence[Entry]):
    """Entries in memory with what the ranking asks of them. Never changed once it is made."""

    def __init__(self, entries: Sequence[Entry], marks: Callable[[Entry], frozenset[str]]) -> None:
        self._entries = entries
        self._holders: dict[str, array[int]] = {}
        for number, entry in enumerate(entries):
            for term in single_terms(weigh_entry(entry)) | marks(entry):
                self._holders.setdefault(term, array("I")).append(number)

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self._entries[index]

    def held(self, terms: Iterable[str]) -> dict[str, int]:
        """Return how many entries hold each term, as ``EntryIndex.held``."""
        return {term: len(self._holders[term]) for term in terms if term in self._holders}

    def nearest(self, worths: Mapping[str, float], limit: int) -> list[int]:
        """Return the entries whose terms are worth most together, as ``EntryIndex.nearest``."""
        return nearest_entries(worths, lambda term: self._holders.get(term, ()), limit)

    def marked(self, marks: Iterable[str], limit: int) -> list[int]:
        """Return the newest entries with any of these marks, as ``EntryIndex.marked``."""
        found = {number for mark in marks for number in self._holders.get(mark, ())}
        return nlargest(limit, found)

    def weighed(self, numbers: Iterable[int]) -> dict[int, dict[str, float]]:
        """Return the terms of entries, as ``EntryIndex.weighed``."""
        return {number: _weighed(self._entries[number]) for number in numbers}

    def chosen(self, numbers: Iterable[int]) -> dict[int, Entry]:
        """Return entries by their numbers, as ``EntryIndex.chosen``."""
        return {number: self._entries[number] for number in numbers}

    def mentioning(self, words: Sequence[str], limit: int) -> list[Entry]:
        """Return the newest entries whose texts hold any of the words, as ``EntryIndex.mentioning``."""
        return [entry for entry in self._entries if any(word in entry_text(entry) for word in words)][-limit:]


def nearest_entries(worths: Mapping[str, float], holders: Callable[[str], Iterable[int]], limit: int) -> list[int]:
    """Return the ``limit`` entries whose terms are worth most together, the newest of equals first."""
    found: dict[int, float] = {}
    for term, worth in worths.items():
        for number in holders(term):
            found[number] = found.get(number, 0.0) + worth
    return nlargest(limit, found, key=lambda number: (found[number], number))


def single_terms(terms: Iterable[str]) -> set[str]:
    """Return the words and concepts among the terms of an entry, by which it is found; pairs only rank it."""
    return {term for term in terms if " " not in term or _named(term)}


def entry_text(entry: Entry) -> str:
    """Return all texts of an entry, case-folded, to be searched for words."""
    texts = (entry.id, entry.at, entry.target, entry.image, entry.symptom, entry.trouble, *entry.evidence)
    more = (entry.root_cause, entry.action, entry.justification, entry.outcome, entry.diagnosed_by, entry.verification)
    return "\n".join((*texts, *more)).casefold()


_weighed = lru_cache(maxsize=4_096)(weigh_entry)


def _terms(text: str, *, pairs: bool = True) -> set[str]:
    found = split_terms(text)
    stems = list(map(_stem, found))
    terms = {stem for stem in stems if stem not in _EMPTY and len(stem) > 2}
    terms |= {_CONCEPT + concept for concept in concepts(found)}
    if pairs:
        terms |= {f"{left} {right}" for left, right in pairwise(stems)}
    return terms


def _named(term: str) -> bool:
    return term[0] == _CONCEPT


def _plain(word: str) -> bool:
    return word.isdecimal() and int(word) not in _CODES


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """Cut the commonest English endings; "locked", "locking" and "locks" are one word."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
