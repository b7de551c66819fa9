"""The audit trail in the database: rows are added at its end, in the transaction of what they tell, and never else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Row as Found
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.schema import audit
from bot.adapters.store_rows import clean
from bot.domain.audit import Act, Row, Verdict, sealed

_OURS = 0x41454755
"""The key of PostgreSQL's advisory lock that lets one transaction at a time add to the trail ("AEGU")."""


async def add(connection: AsyncConnection, acts: Sequence[Act]) -> None:
    """Add acts within the open transaction."""
    if not acts:
        return
    if connection.dialect.name == "postgresql":
        # Held until the commit: the next row seals this one, so nobody may number theirs before.
        await connection.execute(select(func.pg_advisory_xact_lock(_OURS)))
    newest = select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    found = (await connection.execute(newest)).one_or_none()
    number, previous = (found.number, found.hash) if found is not None else (0, "")
    rows = []
    for act in acts:
        row = sealed(number + 1, _storable(act), previous)
        number, previous = row.number, row.hash
        rows.append(_written(row))
    await connection.execute(insert(audit), rows)


async def has(connection: AsyncConnection, kind: str, incident: str) -> bool:
    """Say whether there is an act of this kind about an incident. Without an index: it is asked after crashes only."""
    asked = select(audit.c.number).where(audit.c.kind == kind, audit.c.incident == clean(incident)).limit(1)
    return await connection.scalar(asked) is not None


async def read(connection: AsyncConnection, after: int, limit: int) -> tuple[Row, ...]:
    """Return up to ``limit`` rows after the number ``after``."""
    asked = select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(limit)
    return tuple(_row(found) for found in await connection.execute(asked))


def _storable(act: Act) -> Act:
    return replace(
        act,
        kind=clean(act.kind),
        rule=clean(act.rule),
        actor=clean(act.actor),
        incident=clean(act.incident),
        target=clean(act.target),
        said=clean(act.said),
    )


def _written(row: Row) -> dict[str, object]:
    act = row.act
    return {
        "number": row.number,
        "at": act.at,
        "kind": act.kind,
        "verdict": act.verdict.value,
        "rule": act.rule,
        "actor": act.actor,
        "incident": act.incident,
        "target": act.target,
        "said": act.said,
        "previous": row.previous,
        "hash": row.hash,
    }


def _row(found: Found[tuple[object, ...]]) -> Row:
    # A verdict that somebody wrote over by hand is no error here: its hash tells.
    verdict = Verdict(found.verdict) if found.verdict in set(Verdict) else Verdict.NO_RULE
    act = Act(
        kind=found.kind,
        at=found.at,
        verdict=verdict,
        rule=found.rule,
        actor=found.actor,
        incident=found.incident,
        target=found.target,
        said=found.said,
    )
    return Row(found.number, act, found.previous, found.hash)
