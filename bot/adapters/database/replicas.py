"""Registers live replicas and moves the work of dead ones.

Whether a replica is alive is decided by the database's clock.

Each process renews its lease as long as it can. Once it has run out, another makes the work its own: the epoch of each
incident goes up, and whatever the old owner still writes, should it only have been paused, is refused by the claim.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Double, Table, and_, delete, func, insert, literal_column, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.rows import ENDED_ROWS, LIVE_ROWS, to_incident, to_received
from bot.adapters.database.tables import alerts, incidents, replicas
from bot.domain.incident import State
from bot.ports.database import MOST_TRIES, UnfinishedWork

REPLICA_LEASE_S = 15.0
"""Seconds without a sign after which a process counts as dead."""

REPLICA_TTL_S = 86_400.0
"""Seconds after which a process that ended is forgotten; it counts as dead all the same."""

_ADVISORY_LOCK = 0x41454754
"""The key of PostgreSQL's advisory lock that lets one process at a time take over ("AEGT")."""

_NOW = {"sqlite": "(julianday('now') - 2440587.5) * 86400.0", "postgresql": "extract(epoch FROM clock_timestamp())"}
"""The database's own clock, in seconds since 1970: the clocks of several machines differ."""


async def take_over(connection: AsyncConnection, owner: str, everything: bool) -> UnfinishedWork:
    """Make what dead processes left ``owner``'s, and renew its lease; ``everything``: what living ones have too."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    now: ColumnElement[float] = literal_column(_NOW[connection.dialect.name], Double)

    def gone(table: Table) -> ColumnElement[bool]:
        # A clock that was put back would keep a lease for ever.
        living = select(replicas.c.owner).where(
            replicas.c.seen_at.between(now - REPLICA_LEASE_S, now + REPLICA_LEASE_S)
        )
        return true() if everything else table.c.owner.not_in(living)

    unhandled = update(alerts).where(alerts.c.handled_at.is_(None), gone(alerts)).values(owner=owner)
    # First those that failed before: of the others the tries are counted here.
    doubtful = unhandled.where(alerts.c.tries >= MOST_TRIES - 1)
    suspect_rows = (await connection.execute(doubtful.returning(alerts))).all()
    unhandled = unhandled.where(alerts.c.tries < MOST_TRIES - 1).values(tries=alerts.c.tries + 1)
    alert_rows = (await connection.execute(unhandled.returning(alerts))).all()
    taken = {"owner": owner, "epoch": incidents.c.epoch + 1}
    live = update(incidents).where(incidents.c.state.in_(LIVE_ROWS), gone(incidents)).values(taken)
    looked_at = incidents.c.state == State.OPEN.value
    doubted = live.where(looked_at, incidents.c.tries >= MOST_TRIES - 1)
    doubted_rows = (await connection.execute(doubted.returning(incidents))).all()
    again = live.where(looked_at, incidents.c.tries < MOST_TRIES - 1).values(tries=incidents.c.tries + 1)
    live_rows = [*(await connection.execute(again.returning(incidents))).all()]
    live_rows += (await connection.execute(live.where(~looked_at).returning(incidents))).all()
    unremembered = and_(incidents.c.remembered == 0, incidents.c.state.in_(ENDED_ROWS))
    ended = update(incidents).where(unremembered, gone(incidents)).values(taken)
    ended_rows = (await connection.execute(ended.returning(incidents))).all()
    await connection.execute(
        delete(replicas).where((replicas.c.owner == owner) | (replicas.c.seen_at < now - REPLICA_TTL_S))
    )
    await connection.execute(insert(replicas).values(owner=owner, seen_at=now))
    return UnfinishedWork(
        tuple(to_received(row) for row in sorted(alert_rows, key=lambda row: (row.at, row.key))),
        tuple(to_incident(row) for row in sorted(live_rows, key=lambda row: (row.opened_at, row.id))),
        tuple(to_incident(row) for row in sorted(ended_rows, key=lambda row: (row.opened_at, row.id))),
        # Those with fewer failures first: an innocent one is then done before the next process ends.
        tuple(to_received(row) for row in sorted(suspect_rows, key=lambda row: (row.tries, row.at, row.key))),
        tuple(to_incident(row) for row in sorted(doubted_rows, key=lambda row: (row.tries, row.opened_at, row.id))),
    )


async def give_back(connection: AsyncConnection, owner: str) -> None:
    """Take one try back of each alert and each open incident that is ``owner``'s and under way."""
    begun = update(alerts).where(alerts.c.owner == owner, alerts.c.handled_at.is_(None), alerts.c.tries > 0)
    await connection.execute(begun.values(tries=alerts.c.tries - 1))
    mine = incidents.c.owner == owner, incidents.c.state == State.OPEN.value, incidents.c.tries > 0
    await connection.execute(update(incidents).where(*mine).values(tries=incidents.c.tries - 1))


async def resign(connection: AsyncConnection, owner: str) -> None:
    """Give the lease back."""
    await connection.execute(delete(replicas).where(replicas.c.owner == owner))
