"""Opens and checks a database, and retries transactions of unknown outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import URL, insert, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.adapters.database import errors, migrations
from bot.adapters.database.audit import SEAL
from bot.adapters.database.engine import NO_TRANSACTION, READS, WRITES, check_file, connect, understood, write_ahead
from bot.adapters.database.tables import alerts
from bot.adapters.private_files import create_private_database
from bot.domain.audit.seal import Seal
from bot.errors import StoreUnavailable

_Answer = TypeVar("_Answer")

TRANSACTION_TIMEOUT_S = 8.0
"""Seconds for one try of one transaction: longer than SQLite's busy time-out, shorter than a person's patience."""

RETRY_PAUSES_S: tuple[float, ...] = (0.2, 1.0)
"""Seconds before the second and the third try, where a connection was lost and the outcome is unknown."""


class Database:
    """What stands behind ``AEGIS_DATABASE_URL``. ``start`` comes first, ``close`` last. All raise ``StoreError``."""

    def __init__(self, url: str, audit_key: str = "") -> None:
        self._given = url
        self._seal = Seal(audit_key)
        self._url: URL | None = None
        self._engine: AsyncEngine | None = None
        self._one_writer = asyncio.Semaphore(1)

    def exists(self) -> bool:
        """Return True if there is a database to open. ``start`` makes a missing file."""
        url = understood(self._given)
        return url.get_backend_name() != "sqlite" or Path(str(url.database)).exists()

    @property
    def shared(self) -> bool:
        """Return True if other processes may work on this database at the same time. A file has one."""
        return understood(self._given).get_backend_name() != "sqlite"

    async def start(self) -> None:
        """Open the database and bring its tables up to date. What cannot be used is left as it is."""
        self._url = url = understood(self._given)
        if url.get_backend_name() == "sqlite":
            await asyncio.to_thread(check_file, Path(str(url.database)))
            await asyncio.to_thread(create_private_database, Path(str(url.database)))
        self._engine = connect(url)
        try:
            await self._run(self._look_over, begin=READS)
            await self._run(write_ahead, begin=NO_TRANSACTION)
            await self._run(migrations.migrate)
            await self.check()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            await self._engine.dispose()

    async def check(self) -> str:
        """Write something and roll it back; return in a few words which database this is."""

        async def tried(connection: AsyncConnection) -> None:
            nested = await connection.begin_nested()
            row = {"key": f"check-{uuid4().hex}", "receipt": "", "at": datetime.now(UTC), "body": ""}
            await connection.execute(insert(alerts).values(row))
            await nested.rollback()

        await self._run(tried)
        url = understood(self._given)
        name = "SQLite" if url.get_backend_name() == "sqlite" else "PostgreSQL"
        return f"{name}, {errors.place(url)}, schema {len(migrations.MIGRATIONS)}"

    async def _run(self, work: Callable[[AsyncConnection], Awaitable[_Answer]], *, begin: str = WRITES) -> _Answer:
        """Do ``work`` in one transaction, again where the outcome is unknown; raises ``StoreError`` only.

        Whoever is cancelled waits for the end of the transaction: stopped in its middle, the driver can wait for ever.
        """
        trying = asyncio.ensure_future(self._tried(work, begin))
        try:
            return await asyncio.shield(trying)
        except asyncio.CancelledError:
            await asyncio.wait([trying])
            raise

    async def _tried(self, work: Callable[[AsyncConnection], Awaitable[_Answer]], begin: str) -> _Answer:
        if self._engine is None or self._url is None:
            raise StoreUnavailable("The database is not open.", hint="Start the store before it is used.")
        engine = self._engine.execution_options(**{"aegis_begin": begin, SEAL: self._seal})
        alone = self._one_writer if begin == WRITES and engine.dialect.name == "sqlite" else nullcontext()
        pauses = list(RETRY_PAUSES_S)
        while True:
            try:
                async with alone, asyncio.timeout(TRANSACTION_TIMEOUT_S), engine.begin() as connection:
                    return await work(connection)
            except (SQLAlchemyError, TimeoutError, OSError) as error:
                if not (pauses and errors.unknown(error)):
                    raise errors.as_store_error(error, self._url) from error
            await asyncio.sleep(pauses.pop(0))

    async def _look_over(self, connection: AsyncConnection) -> None:
        """Read before anything is written, so that a file that cannot be used is left untouched."""
        if self._url is not None and connection.dialect.name == "sqlite":
            result = await connection.scalar(text("PRAGMA quick_check(1)"))
            if result != "ok":
                raise errors.damaged(self._url, str(result))
        await migrations.version(connection)
