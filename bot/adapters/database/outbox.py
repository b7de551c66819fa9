"""Stores messages until Slack has accepted them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.engine import READS, Run, insert_new
from bot.adapters.database.rows import replace_unstorable, to_text
from bot.adapters.database.tables import outbox
from bot.errors import StoreUnavailable
from bot.ports.outbox import OutboxMessage

_NOTE = TypeAdapter(OutboxMessage)


class SqlOutbox:
    """Implements ``ports.Outgoing``. All methods raise ``StoreError``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def add(self, note: OutboxMessage) -> None:
        """Add a message. A message that is there already stays as it is."""
        row: dict[str, object] = {"id": note.id, "thread": replace_unstorable(note.thread), "at": note.at}
        row |= {"due": note.due or note.at, "tries": note.tries, "body": to_text(note)}
        # Numbered, since a clock may jump; two replicas that give the same number say it in different threads.
        row["number"] = select(func.coalesce(func.max(outbox.c.number), 0) + 1).scalar_subquery()

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert_new(connection, outbox).values(row))

        await self._run(work)

    async def waiting(self, thread: str = "") -> tuple[OutboxMessage, ...]:
        """Return the waiting messages of one thread or all, oldest first."""
        asked = select(outbox).order_by(outbox.c.number, outbox.c.id)
        if thread:
            asked = asked.where(outbox.c.thread == replace_unstorable(thread))

        async def work(connection: AsyncConnection) -> tuple[OutboxMessage, ...]:
            return tuple(_note(row) for row in await connection.execute(asked))

        return await self._run(work, begin=READS)

    async def claim(self, note: OutboxMessage, due: datetime) -> OutboxMessage | None:
        """Reserve a message for sending until ``due``. Return ``None`` if another process reserved it before."""
        mine = outbox.c.id == note.id, outbox.c.tries == note.tries
        change = update(outbox).where(*mine).values(tries=note.tries + 1, due=due)

        async def work(connection: AsyncConnection) -> OutboxMessage | None:
            changed = await connection.execute(change)
            return replace(note, tries=note.tries + 1, due=due) if changed.rowcount == 1 else None

        return await self._run(work)

    async def mark_delivered(self, note: OutboxMessage) -> None:
        """Remove a message that Slack accepted."""
        await self._run(lambda connection: connection.execute(delete(outbox).where(outbox.c.id == note.id)))

    async def depth(self) -> tuple[int, datetime | None]:
        """Return the number of waiting messages and the time of the oldest."""
        asked = select(func.count(), func.min(outbox.c.at)).select_from(outbox)

        async def work(connection: AsyncConnection) -> tuple[int, datetime | None]:
            count, oldest = (await connection.execute(asked)).one()
            return int(count), oldest

        return await self._run(work, begin=READS)


def _note(row: Row[Any]) -> OutboxMessage:
    try:
        return replace(_NOTE.validate_json(row.body), tries=row.tries, due=row.due)
    except ValueError as error:
        raise StoreUnavailable(
            f"The database's record of the message {row.id} cannot be understood.",
            hint="Somebody changed it by hand; delete that record of the table outbox.",
        ) from error
