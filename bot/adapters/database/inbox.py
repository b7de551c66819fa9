"""Stores incoming alerts once each, until they are handled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database import audit
from bot.adapters.database.engine import READS, Run, insert_new
from bot.adapters.database.rows import MOST_AUDIT_CHARACTERS, replace_unstorable, to_received, to_text, within_limits
from bot.adapters.database.tables import alerts
from bot.domain.audit.trail import AuditEvent
from bot.errors import StoreError
from bot.ports.database import ReceivedAlert

HANDLED_ALERTS_TTL = timedelta(days=30)
"""How long handled alerts stay; Slack sends an event again for minutes only."""


class _Arrival:
    """An alert on its way in: its row, and then whether it was new, or why it could not be written."""

    def __init__(self, received: ReceivedAlert, owner: str) -> None:
        self.row: dict[str, object] = {
            "key": replace_unstorable(received.key),
            "receipt": uuid4().hex,
            "at": received.at,
            "body": to_text(within_limits(received)),
            "owner": owner,
            "tries": 1,
        }
        description = f"{received.alert.kind.value}: {received.alert.title} ({received.key})"
        self.act = AuditEvent("alert", received.at, said=description[:MOST_AUDIT_CHARACTERS])
        self.outcome: bool | StoreError | None = None


class Inbox:
    """The table ``alerts``; ``owner`` is the process that answers what it takes in."""

    def __init__(self, run: Run, owner: str) -> None:
        self._run = run
        self._owner = owner
        self._arrivals: list[_Arrival] = []
        self._taking_in = asyncio.Lock()

    async def receive(self, received: ReceivedAlert) -> bool:
        """Store an alert. Return False if its key was stored before.

        Alerts that come while others are being written share the next commit: Slack waits for each of them.
        """
        arrival = _Arrival(received, self._owner)
        self._arrivals.append(arrival)
        async with self._taking_in:
            if arrival.outcome is None:
                # It is not among them where whoever wrote for it was stopped in the middle.
                batch, self._arrivals = [arrival, *(one for one in self._arrivals if one is not arrival)], []
                await self._take_in(batch)
        if isinstance(arrival.outcome, StoreError):
            raise arrival.outcome
        return arrival.outcome is True

    async def _take_in(self, batch: Sequence[_Arrival]) -> None:
        """Write alerts in one commit, and forget handled ones that are old."""
        keys = [str(arrival.row["key"]) for arrival in batch]

        async def work(connection: AsyncConnection) -> set[str]:
            old = datetime.now(UTC) - HANDLED_ALERTS_TTL
            await connection.execute(delete(alerts).where(alerts.c.at < old, alerts.c.handled_at.is_not(None)))
            rows = [arrival.row for arrival in batch]
            new = insert_new(connection, alerts).values(rows).returning(alerts.c.receipt)
            taken = set(await connection.scalars(new))
            await audit.add(connection, [one.act for one in batch if one.row["receipt"] in taken])
            return set(await connection.scalars(select(alerts.c.receipt).where(alerts.c.key.in_(keys))))

        try:
            receipts = await self._run(work)
        except StoreError as error:
            for arrival in batch:
                arrival.outcome = error
        else:
            for arrival in batch:
                arrival.outcome = arrival.row["receipt"] in receipts

    async def mark_handled(self, key: str) -> None:
        """Mark an alert as handled."""
        change = update(alerts).where(alerts.c.key == replace_unstorable(key), alerts.c.handled_at.is_(None))
        await self._run(lambda connection: connection.execute(change.values(handled_at=datetime.now(UTC))))

    async def count_attempt(self, key: str) -> int:
        """Count one more attempt at an alert and return its number; 0 if the alert is handled."""
        mine = alerts.c.key == replace_unstorable(key), alerts.c.handled_at.is_(None)
        change = update(alerts).where(*mine).values(tries=alerts.c.tries + 1).returning(alerts.c.tries)
        return int(await self._run(lambda connection: connection.scalar(change)) or 0)

    async def set_aside(self, key: str, act: AuditEvent) -> bool:
        """Set an alert aside and add the audit event. Return False if the alert was handled already."""
        mine = alerts.c.key == replace_unstorable(key), alerts.c.handled_at.is_(None)
        change = update(alerts).where(*mine).values(handled_at=act.at, set_aside_at=act.at)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(change)).rowcount != 1:
                return False
            await audit.add(connection, [act])
            return True

        return await self._run(work)

    async def set_aside_since(self, since: datetime) -> tuple[ReceivedAlert, ...]:
        """Return the alerts that were set aside since then, oldest first."""
        asked = select(alerts).where(alerts.c.set_aside_at >= since).order_by(alerts.c.set_aside_at)

        async def work(connection: AsyncConnection) -> tuple[ReceivedAlert, ...]:
            return tuple(to_received(row) for row in await connection.execute(asked))

        return await self._run(work, begin=READS)

    async def unhandled(self) -> tuple[ReceivedAlert, ...]:
        """Return the alerts that are stored and not handled, oldest first."""
        asked = select(alerts).where(alerts.c.handled_at.is_(None)).order_by(alerts.c.at, alerts.c.key)

        async def work(connection: AsyncConnection) -> tuple[ReceivedAlert, ...]:
            return tuple(to_received(row) for row in await connection.execute(asked))

        return await self._run(work, begin=READS)

    async def taken_in(self, prefix: str, since: datetime) -> dict[str, datetime]:
        """Return the keys with this prefix that were taken in since then, and when, oldest first."""
        asked = select(alerts.c.key, alerts.c.at).where(alerts.c.at >= since, alerts.c.key.startswith(prefix))

        async def work(connection: AsyncConnection) -> dict[str, datetime]:
            return {row.key: row.at for row in await connection.execute(asked.order_by(alerts.c.at))}

        return await self._run(work, begin=READS)
