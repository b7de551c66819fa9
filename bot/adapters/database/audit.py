"""Appends to the audit trail, in the transaction that it records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    cast,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.rows import replace_unstorable
from bot.adapters.database.tables import approvals, audit, incidents, refusals, versions
from bot.domain.audit.seal import Cell, Seal
from bot.domain.audit.tables import AuditedIncident, AuditedPress, Tables
from bot.domain.audit.trail import AuditEvent, AuditRow, row_columns, seal_events
from bot.errors import StoreUnavailable

SEAL = "aegis_seal"
"""The execution option that carries the ``Seal`` of this process to every transaction."""

_ADVISORY_LOCK = 0x41454755
"""The key of PostgreSQL's advisory lock that lets one transaction at a time add to the trail ("AEGU")."""

_FIRST_WITH_TRAIL = 2
"""The version of the schema that brought the trail."""

_MADE_AT_ONCE = timedelta(minutes=1)
"""Between the first two versions of a schema that was made in one go; where it is longer, the database is older."""


def _as_text(table: Table) -> Table:
    """Return the table with its columns as they stand, nothing turned into moments."""
    kinds = ((column.name, Integer if isinstance(column.type, Integer) else Text) for column in table.columns)
    return Table(table.name, MetaData(), *(Column(name, kind, autoincrement=False) for name, kind in kinds))


_AUDIT, _APPROVALS, _REFUSALS, _INCIDENTS = (_as_text(table) for table in (audit, approvals, refusals, incidents))
_TEXTS = tuple(column for column in _AUDIT.columns if column.name != "number")


async def add(connection: AsyncConnection, acts: Sequence[AuditEvent]) -> None:
    """Add acts within the open transaction. Raises ``StoreUnavailable`` where a key is missing that seals the trail."""
    if acts:
        await _lock(connection)
        await _append(connection, acts, await _newest(connection))


async def begin(connection: AsyncConnection) -> None:
    """Continue the trail by this process's rule. Add a row about the change if its rows have another rule.

    Raises as ``add``.
    """
    await _lock(connection)
    newest = await _newest(connection)
    if newest is not None and newest.sealed_by != _seal(connection).rule:
        await _append(connection, (), newest)


async def has(connection: AsyncConnection, kind: str, incident: str) -> bool:
    """Return True if the trail has an event of this kind for an incident. Has no index, since only crashes need it."""
    asked = (
        select(audit.c.number).where(audit.c.kind == kind, audit.c.incident == replace_unstorable(incident)).limit(1)
    )
    return await connection.scalar(asked) is not None


async def read(connection: AsyncConnection, after: int, limit: int) -> tuple[AuditRow, ...]:
    """Return up to ``limit`` rows after the number ``after``."""
    return await _rows(
        connection, _asked(connection).where(_AUDIT.c.number > after).order_by(_AUDIT.c.number).limit(limit)
    )


async def head(connection: AsyncConnection) -> tuple[int, str]:
    """Return the number and the hash of the newest row; 0 and ``""`` where there is none."""
    newest = await _newest(connection)
    return (0, "") if newest is None else (newest.number, str(newest.hash))


async def tables(connection: AsyncConnection) -> Tables:
    """Return what the trail must agree with, as it stands at one moment."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    since = await _trail_since(connection)
    newest = await connection.scalar(select(func.max(_AUDIT.c.number)))
    allowed = [
        AuditedPress(incident=row.incident, person=row.person, at=row.at, words=row.digest)
        for row in await connection.execute(select(_APPROVALS))
    ]
    denied = [
        AuditedPress(incident=row.incident, person=row.person, at=row.at, rule=row.rule, words=row.reason)
        for row in await connection.execute(select(_REFUSALS))
    ]
    names = _INCIDENTS.c.id, _INCIDENTS.c.state, _INCIDENTS.c.restarted_at, _INCIDENTS.c.opened_at
    standing = [
        AuditedIncident(
            id=row.id, state=row.state, restarted=row.restarted_at is not None, older=str(row.opened_at) < since
        )
        for row in await connection.execute(select(*names))
    ]
    recent = [tuple(press for press in presses if str(press.at) >= since) for presses in (allowed, denied)]
    return Tables(
        rows=newest or 0,
        approvals=recent[0],
        refusals=recent[1],
        incidents=tuple(standing),
        older=len(allowed) + len(denied) - len(recent[0]) - len(recent[1]) + sum(one.older for one in standing),
    )


async def _trail_since(connection: AsyncConnection) -> str:
    """Return the moment before which this database had no trail, ``""`` where it always had one."""
    made = {row.version: row.at for row in await connection.execute(select(versions))}
    first, trail = made.get(1), made.get(_FIRST_WITH_TRAIL)
    if first is None or trail is None or trail - first < _MADE_AT_ONCE:
        return ""
    return str(trail.astimezone(UTC).isoformat(timespec="microseconds"))


async def _lock(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        # Held until the commit: the next row seals this one, so nobody may number theirs before.
        await connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))


async def _append(connection: AsyncConnection, acts: Sequence[AuditEvent], newest: AuditRow | None) -> None:
    try:
        rows = seal_events([_storable(act) for act in acts], newest, _seal(connection), datetime.now(UTC))
    except ValueError as error:
        raise StoreUnavailable(
            "The audit trail is sealed with a key, and AEGIS_AUDIT_KEY is not set here.",
            hint="Set the key with which it is sealed; a trail never goes on by a weaker rule.",
        ) from error
    await connection.execute(insert(_AUDIT), [row_columns(row) for row in rows])


def _seal(connection: AsyncConnection) -> Seal:
    sync = connection.sync_connection
    seal = sync.get_execution_options().get(SEAL) if sync is not None else None
    return seal if isinstance(seal, Seal) else Seal()


async def _newest(connection: AsyncConnection) -> AuditRow | None:
    rows = await _rows(connection, _asked(connection).order_by(_AUDIT.c.number.desc()).limit(1))
    return rows[0] if rows else None


def _asked(connection: AsyncConnection) -> Select[Any]:
    """Return the SELECT of rows as they stand; SQLite lets bytes stand in a text that are none."""
    if connection.dialect.name != "sqlite":
        return select(_AUDIT)
    raw = [cast(column, LargeBinary).label(column.name) for column in _TEXTS]
    kinds = [func.typeof(column).label(f"kind_of_{column.name}") for column in _TEXTS]
    return select(_AUDIT.c.number, *raw, *kinds)


async def _rows(connection: AsyncConnection, asked: Select[Any]) -> tuple[AuditRow, ...]:
    rows = []
    for found in await connection.execute(asked):
        cells = found._mapping
        rows.append(AuditRow(cells["number"], *(_cell(cells, column.name) for column in _TEXTS)))
    return tuple(rows)


def _cell(cells: RowMapping, name: str) -> Cell:
    cell: Cell = cells[name]
    if isinstance(cell, bytes) and cells[f"kind_of_{name}"] != "blob":
        return cell.decode("utf-8", "surrogateescape")
    return cell


def _storable(act: AuditEvent) -> AuditEvent:
    return replace(
        act,
        kind=replace_unstorable(act.kind),
        rule=replace_unstorable(act.rule),
        actor=replace_unstorable(act.actor),
        incident=replace_unstorable(act.incident),
        target=replace_unstorable(act.target),
        said=replace_unstorable(act.said),
    )
