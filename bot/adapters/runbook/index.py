"""Full-text index of the runbook in SQLite's FTS5.

It holds the words, concepts and marks of each entry.

It is only a copy: whatever is wrong with it, it is made anew from the file. It follows edits by the hash of each entry,
so that one more or one changed entry costs milliseconds. Entries stay on the disk; none is held in memory.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import eq
from pathlib import Path
from typing import Any, overload

from bot.adapters.runbook import index_rows as rows
from bot.domain.runbook import ranking
from bot.domain.runbook_entry import Entry
from bot.errors import RunbookError

log = logging.getLogger(__name__)

MOST_CANDIDATES = 10_000
"""Holders of terms that are gone through for one query, the rarest first: what keeps it quick in a long history."""


class RunbookIndex(Sequence[Entry]):
    """All entries of the runbook in their order, newest last, and what the ranking asks of them (``retrieval.Shelf``).

    ``path`` is the index's own file; where there is none or it cannot be written, a private one in the temporary folder
    or in memory is used as long as this lives. ``follow`` and ``append`` raise ``sqlite3.Error``.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._path = path
        try:
            self._made = rows.opened_or_made_anew(path) if path else rows.opened("")
        except (sqlite3.Error, OSError) as error:
            log.warning("the index %s cannot be kept (%s); a private one is made at every start", path, error)
            rows.make_room(path, error)
            self._made = rows.opened("")

    def stamp(self) -> str:
        """Return what ``follow`` was told about the file last, ``""`` at first."""
        with self._reading() as base:
            return rows.stamp_of(base)

    def follow(self, entries: Iterable[Entry], stamp: str) -> None:
        """Make the index hold these entries, in this order; those that it knows already cost next to nothing."""
        with self._writing() as base:
            if rows.stamp_of(base) == stamp:  # another process was quicker
                return
            known: dict[bytes, list[tuple[int, int]]] = {}
            for number, place, digest in base.execute("SELECT number, place, hash FROM entry ORDER BY place DESC"):
                known.setdefault(digest, []).append((number, place))
            moved: list[tuple[int, int]] = []
            counts: Counter[str] = Counter()
            for place, entry in enumerate(entries):
                same = known.get(rows.digest(entry))
                if not same:
                    counts.update(rows.insert(base, entry, place))
                else:
                    number, before = same.pop()
                    if before != place:
                        moved.append((place, number))
            base.executemany("UPDATE entry SET place = ? WHERE number = ?", moved)
            for number, _ in (gone for rest in known.values() for gone in rest):
                counts.subtract(rows.delete(base, number))
            rows.count(base, counts)
            base.execute("REPLACE INTO about VALUES ('stamp', ?)", (stamp,))

    def append(self, entry: Entry, stamp: str, before: str) -> None:
        """Add an entry as the newest, unless the index has gone on since the stamp ``before``."""
        with self._writing() as base:
            if rows.stamp_of(base) != before:
                return
            last = base.execute("SELECT max(place) FROM entry").fetchone()[0]
            rows.count(base, Counter(rows.insert(base, entry, 0 if last is None else last + 1)))
            base.execute("REPLACE INTO about VALUES ('stamp', ?)", (stamp,))

    def has(self, name: str) -> bool:
        """Return True if there is an entry with the id ``name``."""
        with self._reading() as base:
            return base.execute("SELECT 1 FROM entry WHERE id = ? LIMIT 1", (name,)).fetchone() is not None

    def give_up(self, error: sqlite3.Error) -> None:
        """Close the index after an error; where its disk is full, make room on it."""
        with self._lock:
            self._made.close()
        rows.make_room(self._path, error)

    def __len__(self) -> int:
        with self._reading() as base:
            return int(base.execute("SELECT count(*) FROM entry").fetchone()[0])

    def __iter__(self) -> Iterator[Entry]:
        for at in range(0, len(self), 500):
            yield from self[at : at + 500]

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            with self._reading() as base:
                held = base.execute(
                    "SELECT body FROM entry ORDER BY place LIMIT ? OFFSET ?", (max(0, stop - start), start)
                ).fetchall()
            return [rows.entry_of(body) for (body,) in held][::step]
        place = index if index >= 0 else len(self) + index
        matches = self[place : place + 1] if place >= 0 else []
        if not matches:
            raise IndexError(index)
        return matches[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # it changes with the file

    def held(self, terms: Iterable[str]) -> dict[str, int]:
        """Return how many entries hold each term, as ``Shelf.held``."""
        wanted = {rows.word_of(term): term for term in terms}
        with self._reading() as base:
            matches = [
                base.execute("SELECT word, times FROM held WHERE word = ? AND times > 0", (word,)).fetchone()
                for word in wanted
            ]
        return {wanted[word]: times for word, times in filter(None, matches)}

    def nearest(self, worths: Mapping[str, float], limit: int) -> list[int]:
        """Return the entries whose terms are worth most together, as ``Shelf.nearest``."""
        counts = self.held(worths)
        rarest: dict[str, float] = {}
        left = MOST_CANDIDATES
        for term in sorted(counts, key=lambda term: counts[term]):
            left -= counts[term]
            if rarest and left < 0:
                break
            rarest[term] = worths[term]
        with self._reading() as base:
            return ranking.nearest_entries(
                rarest,
                lambda term: (
                    number for (number,) in base.execute(f"{_HOLDERS} LIMIT {MOST_CANDIDATES}", (rows.phrase([term]),))
                ),
                limit,
            )

    def marked(self, marks: Iterable[str], limit: int) -> list[int]:
        """Return the newest entries with any of these marks, as ``Shelf.marked``."""
        wanted = list(marks)
        if not wanted:
            return []
        with self._reading() as base:
            held = base.execute(f"{_HOLDERS} ORDER BY rowid DESC LIMIT ?", (rows.phrase(wanted), limit))
            return [number for (number,) in held]

    def weighed(self, numbers: Iterable[int]) -> dict[int, dict[str, float]]:
        """Return the terms of entries, as ``Shelf.weighed``."""
        return {number: rows.unpacked(terms) for number, terms in self._rows("terms", numbers)}

    def chosen(self, numbers: Iterable[int]) -> dict[int, Entry]:
        """Return entries by their numbers, as ``Shelf.chosen``."""
        return {number: rows.entry_of(body) for number, body in self._rows("body", numbers)}

    def mentioning(self, words: Sequence[str], limit: int) -> list[Entry]:
        """Return the newest entries whose texts hold any of the words, as ``Shelf.mentioning``."""
        wanted = [f"%{json.dumps(word, ensure_ascii=False)[1:-1]}%" for word in words]
        if not wanted:
            return []
        tests = " OR ".join("body LIKE ?" for _ in wanted)
        with self._reading() as base:
            held = base.execute(
                f"SELECT body FROM entry WHERE {tests} ORDER BY place DESC LIMIT ?",  # noqa: S608 - only marks for values
                (*wanted, limit),
            ).fetchall()
        return [rows.entry_of(body) for (body,) in reversed(held)]

    def _rows(self, column: str, numbers: Iterable[int]) -> list[tuple[int, Any]]:
        wanted = list(numbers)
        marks = ",".join("?" * len(wanted))
        with self._reading() as base:
            return base.execute(f"SELECT number, {column} FROM entry WHERE number IN ({marks})", wanted).fetchall()  # noqa: S608 - names of ours

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._made
            except sqlite3.Error as error:
                raise RunbookError(
                    "The index of the runbook cannot be read.",
                    hint="Delete the hidden .db file beside the runbook; it is made anew.",
                    detail=str(error),
                ) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._made:
            self._made.execute("BEGIN IMMEDIATE")
            yield self._made


_HOLDERS = "SELECT rowid FROM word WHERE word MATCH ?"
