"""Stores the runbook in a table of PostgreSQL, for several replicas.

Each entry is stored as it was written.

People read and edit it as a file, with ``aegis runbook export`` and ``import``. What is asked of it is answered by an
index in this process, which follows the table.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from bot.adapters.database import errors
from bot.adapters.database.engine import connecting, understood
from bot.adapters.database.tables import runbook
from bot.adapters.runbook.index import RunbookIndex
from bot.domain.runbook.json_format import (
    entry_to_json,
    parse_runbook,
    stream_entries,
    stream_with_text,
    strip_controls,
)
from bot.domain.runbook_entry import Entry
from bot.errors import RunbookBroken, RunbookError, RunbookUnwritable

_ADVISORY_LOCK = 0x41454752
"""The key of PostgreSQL's advisory lock that lets one process at a time write the runbook ("AEGR")."""

NAME = "the runbook"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """How many entries of a file were new, how many had been edited, and how many stood there already."""

    new: int
    edited: int
    known: int


class RunbookTable:
    """The memory in the database ``url`` of PostgreSQL, whose tables the store has made."""

    def __init__(self, url: str) -> None:
        self._url = understood(url)
        self._made: Engine | None = None
        self._index: RunbookIndex | None = None
        self._following = threading.Lock()

    async def entries(self) -> Sequence[Entry]:
        """Return all entries, newest last. Raises ``RunbookBroken`` where the database does not give them."""
        return await asyncio.to_thread(self._current)

    async def check(self) -> tuple[str, ...]:
        """Return a sentence for each entry that is not used and each doubled key; raises as ``entries``."""
        return parse_runbook((await self.export()).encode(), NAME).warnings

    async def check_writable(self) -> None:
        """Try all that an append needs, and leave nothing. Raises ``RunbookUnwritable``."""
        await asyncio.to_thread(self._try)

    async def append(self, entry: Entry) -> None:
        """Add an entry, unless one with its id is there; one without an id is given one. Raises ``RunbookError``."""
        named = replace(entry, id=strip_controls(entry.id) or uuid4().hex)
        await asyncio.to_thread(self._append, named)

    async def export(self) -> str:
        """Return the whole runbook as the text of a file, each entry as it was written; raises as ``entries``."""
        bodies = await asyncio.to_thread(self._bodies)
        return "[\n  " + ",\n  ".join(bodies) + "\n]\n" if bodies else "[]\n"

    async def take_in(self, data: bytes, name: str) -> TakenIn:
        """Add the entries of a file, and put those that were edited there in the place of what stood here.

        ``name`` is how messages call the file. An entry is known by its id, or where it has none, by all that it says.
        All of it happens, or nothing. Raises ``RunbookError``.
        """
        return await asyncio.to_thread(self._take_in, list(stream_with_text(data, name)))

    def _current(self) -> RunbookIndex:
        with self._following, self._reading() as connection:
            index = self._index = self._index or RunbookIndex(None)
            count, newest = connection.execute(select(func.count(), func.max(runbook.c.changed))).one()
            stamp = f"{count} {newest}"
            if index.stamp() != stamp:
                index.follow(stream_entries(_text(connection)), stamp)
            return index

    def _bodies(self) -> list[str]:
        with self._reading() as connection:
            return list(connection.scalars(select(runbook.c.body).order_by(runbook.c.number)))

    def _append(self, entry: Entry) -> None:
        with self._writing() as connection:
            if connection.scalar(select(runbook.c.number).where(runbook.c.id == entry.id)) is None:
                body = json.dumps(entry_to_json(entry), ensure_ascii=False, indent=2, allow_nan=False)
                _add(connection, entry.id, body.replace("\n", "\n  "))

    def _take_in(self, rows: list[tuple[Entry, str]]) -> TakenIn:
        counts = {"new": 0, "edited": 0, "known": 0}
        with self._writing() as connection:
            for entry, body in rows:
                name = entry.id or f"text {hashlib.sha256(body.encode()).hexdigest()}"
                there = connection.scalar(select(runbook.c.body).where(runbook.c.id == name))
                if there is None:
                    _add(connection, name, body)
                elif there != body:
                    changed = select(func.max(runbook.c.changed) + 1).scalar_subquery()
                    connection.execute(update(runbook).where(runbook.c.id == name).values(body=body, changed=changed))
                counts["new" if there is None else "known" if there == body else "edited"] += 1
        return TakenIn(**counts)

    def _try(self) -> None:
        with self._writing() as connection:
            name = f"check {uuid4().hex}"
            _add(connection, name, "{}")
            connection.execute(delete(runbook).where(runbook.c.id == name))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine().begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError, sqlite3.Error) as error:
            raise self._as_runbook_error(error, RunbookBroken) from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._engine().begin() as connection:
                connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise self._as_runbook_error(error, RunbookUnwritable) from error

    def _engine(self) -> Engine:
        if self._made is None:
            self._made = create_engine(
                self._url,
                hide_parameters=True,
                pool_pre_ping=True,
                poolclass=QueuePool,
                connect_args=connecting(self._url),
            )
        return self._made

    def _as_runbook_error(self, error: BaseException, kind: type[RunbookError]) -> RunbookError:
        if isinstance(error, sqlite3.Error):
            return kind("The index of the runbook cannot be made.", hint="Make room in the temporary folder.")
        fault = errors.as_store_error(error, self._url)
        return kind(fault.message, hint=fault.hint, detail=fault.detail)


def _text(connection: Connection) -> bytes:
    bodies = connection.scalars(select(runbook.c.body).order_by(runbook.c.number))
    return f"[{','.join(bodies)}]".encode()


def _add(connection: Connection, name: str, body: str) -> None:
    # Nobody else writes meanwhile: the lock is held.
    number, changed = connection.execute(select(func.max(runbook.c.number), func.max(runbook.c.changed))).one()
    row = {"number": (number or 0) + 1, "changed": (changed or 0) + 1, "id": name, "body": body}
    connection.execute(insert(runbook).values(row))
