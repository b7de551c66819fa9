"""Tables of the runbook's index, and an entry as their rows."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path

from bot.adapters.private_files import create_private_database
from bot.domain.runbook import precedents, ranking
from bot.domain.runbook_entry import Entry

FORMAT = "2"
"""Changed when entries are taken apart in another way, so that an older index is made anew."""

_BUSY_TIMEOUT_S = 30.0  # seconds to wait for another process that writes the index
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS entry (number INTEGER PRIMARY KEY, place INTEGER, id TEXT, hash BLOB, body TEXT, terms BLOB);
CREATE INDEX IF NOT EXISTS entry_place ON entry (place);
CREATE INDEX IF NOT EXISTS entry_id ON entry (id);
CREATE VIRTUAL TABLE IF NOT EXISTS word USING fts5(words, content='', detail=none, columnsize=0,
  tokenize="ascii tokenchars '_'");
CREATE TABLE IF NOT EXISTS held (word TEXT PRIMARY KEY, times INTEGER) WITHOUT ROWID;
"""
_FIELDS = tuple(field.name for field in fields(Entry))


def stamp_of(base: sqlite3.Connection) -> str:
    """Return what the index was last told about the file."""
    row = base.execute("SELECT value FROM about WHERE name = 'stamp'").fetchone()
    return str(row[0]) if row else ""


def make_room(path: Path | None, error: Exception) -> None:
    """Take the index off a full disk, where the runbook itself needs the room."""
    if path and getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            with suppress(OSError):
                path.with_name(name).unlink()


def opened_or_made_anew(path: Path) -> sqlite3.Connection:
    """Open an index; what is none, or is damaged, is thrown away."""
    try:
        return opened(str(path))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        path.unlink()
        return opened(str(path))


def opened(path: str) -> sqlite3.Connection:
    """Open an index, with its tables; ``""`` is a private one. Raises ``sqlite3.Error``."""
    if path:
        create_private_database(Path(path))
    base = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = NORMAL")
        base.execute("PRAGMA wal_autocheckpoint = 4000")  # pages of 4 KB: the disk is forced to write seldom
        base.execute("PRAGMA cache_size = -8000")
        base.executescript(_TABLES)
        version = f"{FORMAT} {ranking.VERSION}"
        row = base.execute("SELECT value FROM about WHERE name = 'format'").fetchone()
        if row != (version,):
            base.executescript("BEGIN; DROP TABLE held; DROP TABLE word; DROP TABLE entry; DELETE FROM about; COMMIT")
            base.executescript(_TABLES)
            base.execute("REPLACE INTO about VALUES ('format', ?)", (version,))
    except sqlite3.Error:
        base.close()
        raise
    return base


def insert(base: sqlite3.Connection, entry: Entry, place: int) -> list[str]:
    """Add an entry, and return its words."""
    terms = ranking.weigh_entry(entry)
    made = base.execute(
        "INSERT INTO entry (place, id, hash, body, terms) VALUES (?, ?, ?, ?, ?)",
        (place, entry.id, digest(entry), body_of(entry), packed(terms)),
    )
    words = words_of(entry, terms)
    base.execute("INSERT INTO word (rowid, words) VALUES (?, ?)", (made.lastrowid, " ".join(words)))
    return words


def delete(base: sqlite3.Connection, number: int) -> list[str]:
    """Take an entry out, and return its words."""
    body, terms = base.execute("SELECT body, terms FROM entry WHERE number = ?", (number,)).fetchone()
    words = words_of(entry_of(body), unpacked(terms))
    base.execute("INSERT INTO word (word, rowid, words) VALUES ('delete', ?, ?)", (number, " ".join(words)))
    base.execute("DELETE FROM entry WHERE number = ?", (number,))
    return words


def count(base: sqlite3.Connection, counts: Counter[str]) -> None:
    """Add to how many entries hold each word."""
    base.executemany(
        "INSERT INTO held VALUES (?, ?) ON CONFLICT (word) DO UPDATE SET times = times + excluded.times",
        sorted(counts.items()),
    )


def words_of(entry: Entry, terms: Iterable[str]) -> list[str]:
    """Return the words under which an entry stands in the index."""
    return sorted(set(map(word_of, ranking.single_terms(terms) | precedents.entry_marks(entry))))


def word_of(term: str) -> str:
    """Return a term as one word of the index; the star of a concept and its blanks are no letters."""
    return term.replace("*", "_").replace(" ", "_")


def phrase(terms: Iterable[str]) -> str:
    """Return the question for entries with any of the terms."""
    return " OR ".join(f'"{word_of(term)}"' for term in terms)


def body_of(entry: Entry) -> str:
    """Return an entry as JSON."""
    values = {name: getattr(entry, name) for name in _FIELDS}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()


def packed(terms: dict[str, float]) -> bytes:
    """Return the terms of an entry as they are kept."""
    return zlib.compress(json.dumps(terms, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"), 1)


def unpacked(packed: bytes) -> dict[str, float]:
    """Return the terms of an entry as ``weigh_entry`` gave them."""
    terms: dict[str, float] = json.loads(zlib.decompress(packed))
    return terms


def digest(entry: Entry) -> bytes:
    """Return what tells one entry from all others."""
    return blake2b(repr(entry).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def entry_of(body: str) -> Entry:
    """Return the entry that ``body_of`` wrote."""
    values = json.loads(body)
    values["evidence"] = tuple(values["evidence"])
    return Entry(**{name: values[name] for name in _FIELDS})
