"""Schema versions and how to reach them, as plain SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.tables import (
    versions,
)
from bot.errors import SchemaTooNew, StoreUnavailable

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE alerts (
            key TEXT PRIMARY KEY, receipt TEXT NOT NULL, at TEXT NOT NULL, handled_at TEXT, body TEXT NOT NULL)""",
        "CREATE INDEX alerts_at ON alerts (at)",
        """CREATE TABLE incidents (
            id TEXT PRIMARY KEY, target TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL,
            writer TEXT NOT NULL, opened_at TEXT NOT NULL, updated_at TEXT NOT NULL, restarted_at TEXT,
            alerts INTEGER NOT NULL, remembered INTEGER NOT NULL, body TEXT NOT NULL)""",
        """CREATE UNIQUE INDEX incidents_one_live ON incidents (target)
            WHERE state IN ('OPEN', 'PROPOSED', 'RESTARTING', 'VERIFYING')""",
        "CREATE UNIQUE INDEX incidents_one_restarting ON incidents (target) WHERE state = 'RESTARTING'",
        "CREATE INDEX incidents_opened ON incidents (target, opened_at)",
        "CREATE INDEX incidents_restarted ON incidents (target, restarted_at)",
        """CREATE INDEX incidents_unremembered ON incidents (opened_at)
            WHERE remembered = 0 AND state IN ('RESOLVED', 'UNRESOLVED', 'IGNORED')""",
        """CREATE TABLE approvals (
            token TEXT PRIMARY KEY, incident TEXT NOT NULL REFERENCES incidents (id), revision INTEGER NOT NULL,
            person TEXT NOT NULL, at TEXT NOT NULL, digest TEXT NOT NULL)""",
        """CREATE TABLE refusals (
            token TEXT PRIMARY KEY, incident TEXT NOT NULL, person TEXT NOT NULL, team TEXT NOT NULL,
            channel TEXT NOT NULL, card TEXT NOT NULL, digest TEXT NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL,
            at TEXT NOT NULL)""",
    ),
    (
        """CREATE TABLE audit (
            number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, verdict TEXT NOT NULL, rule TEXT NOT NULL,
            actor TEXT NOT NULL, incident TEXT NOT NULL, target TEXT NOT NULL, said TEXT NOT NULL,
            previous TEXT NOT NULL, hash TEXT NOT NULL)""",
        "CREATE TABLE heard (name TEXT PRIMARY KEY, at TEXT NOT NULL)",
        """CREATE TABLE outbox (
            id TEXT PRIMARY KEY, number INTEGER NOT NULL, thread TEXT NOT NULL, at TEXT NOT NULL, due TEXT NOT NULL,
            tries INTEGER NOT NULL, body TEXT NOT NULL)""",
        "CREATE TABLE replicas (owner TEXT PRIMARY KEY, seen_at DOUBLE PRECISION NOT NULL)",
        "ALTER TABLE incidents ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE incidents ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE alerts ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX alerts_unhandled ON alerts (at) WHERE handled_at IS NULL",
        """CREATE TABLE runbook (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, changed INTEGER NOT NULL, body TEXT NOT NULL)""",
        "CREATE INDEX runbook_changed ON runbook (changed)",
    ),
    (
        "DROP INDEX incidents_unremembered",
        "CREATE INDEX incidents_unremembered ON incidents (opened_at) WHERE remembered = 0",
    ),
    (
        "ALTER TABLE alerts ADD COLUMN tries INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE alerts ADD COLUMN set_aside_at TEXT",
        "ALTER TABLE incidents ADD COLUMN tries INTEGER NOT NULL DEFAULT 0",
    ),
    (
        "DROP INDEX incidents_one_live",
        "DROP INDEX incidents_one_restarting",
        """UPDATE incidents SET state = 'ACTING', body = replace(body, '"state": "RESTARTING"', '"state": "ACTING"')
            WHERE state = 'RESTARTING'""",
        """CREATE UNIQUE INDEX incidents_one_live ON incidents (target)
            WHERE state IN ('OPEN', 'PROPOSED', 'ACTING', 'VERIFYING')""",
        "CREATE UNIQUE INDEX incidents_one_acting ON incidents (target) WHERE state = 'ACTING'",
        "ALTER TABLE approvals ADD COLUMN action TEXT NOT NULL DEFAULT 'restart'",
    ),
    (
        "ALTER TABLE incidents ADD COLUMN host TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE incidents ADD COLUMN kind TEXT NOT NULL DEFAULT 'container'",
        "DROP INDEX incidents_one_live",
        "DROP INDEX incidents_one_acting",
        """CREATE UNIQUE INDEX incidents_one_live ON incidents (host, kind, target)
            WHERE state IN ('OPEN', 'PROPOSED', 'ACTING', 'VERIFYING')""",
        "CREATE UNIQUE INDEX incidents_one_acting ON incidents (host, kind, target) WHERE state = 'ACTING'",
    ),
)
"""``host``, ``kind`` and ``target``, which is the name, are an incident's target; the only engine has no name.
``approvals``, ``refusals`` and ``audit`` are never changed or deleted: they say who wanted what, and what was done.

``heard`` says until when Slack was heard. ``replicas`` are the processes that work on this database and when each was
seen last, in seconds since 1970 by the database's clock; ``owner`` is the one that an alert or incident belongs to, and
``epoch`` counts how often it changed hands. ``tries`` counts how often work on an alert was begun, or on an incident in
its state; ``set_aside_at`` says when an alert was given up. ``runbook`` is the memory where several processes share it:
``body`` is an entry as somebody wrote it, ``changed`` goes up with every change.
"""


_ADVISORY_LOCK = 0x41454749
"""The key of PostgreSQL's advisory lock that lets one replica at a time migrate ("AEGI")."""


async def version(connection: AsyncConnection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> int:
    """Return the schema's version, 0 for an empty database; looks only.

    Raises ``SchemaTooNew``, and ``StoreUnavailable`` where the database belongs to something else.
    """
    tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    if versions.name not in tables:
        if tables:
            raise StoreUnavailable(
                "The database that AEGIS_DATABASE_URL names holds tables of something else.",
                hint="Name a file or a database of Aegis's own.",
            )
        return 0
    current = await connection.scalar(select(func.max(versions.c.version))) or 0
    if current > len(migrations):
        raise SchemaTooNew(
            f"The database has schema {current}; this Aegis knows schemas up to {len(migrations)}.",
            hint="Run the newer Aegis that wrote it, or go back to the copy of the database made before the update.",
        )
    return int(current)


async def migrate(connection: AsyncConnection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the database up to date within the open transaction; raises as ``version`` does."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    current = await version(connection, migrations)
    if current == 0:
        await connection.execute(
            text("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, at TEXT NOT NULL)")
        )
    for number, statements in enumerate(migrations[current:], start=current + 1):
        for statement in statements:
            await connection.execute(text(statement))
        await connection.execute(versions.insert().values(version=number, at=datetime.now(UTC)))
