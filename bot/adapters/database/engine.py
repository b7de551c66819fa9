"""Builds the SQLAlchemy engine for AEGIS_DATABASE_URL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import URL, Table, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.domain.addresses.credentials import ENCODE, has_clear_parts
from bot.errors import StoreUnavailable

WRITES = "BEGIN IMMEDIATE"
"""Takes SQLite's write lock at once: one that is asked for in the middle cannot wait, it fails."""

READS = "BEGIN"
NO_TRANSACTION = ""

LOCK_TIMEOUT_MS = 5000
"""Milliseconds that SQLite waits for another process's write, and PostgreSQL for another's lock."""

IDLE_TRANSACTION_TIMEOUT_MS = 3000
"""Milliseconds after which PostgreSQL ends a transaction whose process says nothing: one that was paused in the middle
of it must not keep the others waiting as long as ``LOCK_TIMEOUT_MS``."""

_NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "glusterfs", "fuse.glusterfs"})
"""Where SQLite's write-ahead log does not work between machines (sqlite.org/wal.html)."""


_Answer = TypeVar("_Answer")


class Run(Protocol):
    """Does work in one transaction of the store, again where its outcome is unknown. Raises ``StoreError`` only."""

    async def __call__(self, work: Callable[[AsyncConnection], Awaitable[_Answer]], *, begin: str = WRITES) -> _Answer:
        """Return what the work returns."""


def check_file(path: Path) -> None:
    """Raise ``StoreUnavailable`` where SQLite can't keep its file at ``path``; touches nothing."""
    if path.is_dir():
        raise StoreUnavailable(
            f"{path} is a folder; the database is a file.",
            hint="Docker makes a folder where a mounted file is missing: remove it, and mount its folder instead.",
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StoreUnavailable(
            f"{path} cannot be opened: there is no folder {folder}.",
            hint="Make the folder, or correct AEGIS_DATABASE_URL.",
        )
    kind = _file_system(folder.resolve())
    if kind in _NETWORK_FILE_SYSTEMS:
        raise StoreUnavailable(
            f"{path} lies on a network file system ({kind}), where SQLite can lose what it wrote.",
            hint="Use a local disk, or PostgreSQL.",
        )


def understood(given: str) -> URL:
    """Read AEGIS_DATABASE_URL and name the driver; the password stays out of every message."""
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        url = None
    backend = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
    name = url.drivername.split("+")[0] if url is not None else ""
    if url is None or name not in backend or (name == "sqlite" and url.database in (None, "", ":memory:")):
        raise StoreUnavailable(
            "AEGIS_DATABASE_URL names no database that Aegis can use.",
            hint="Write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.",
        )
    if name != "sqlite" and not has_clear_parts(given):
        raise StoreUnavailable(
            "AEGIS_DATABASE_URL cannot be read for sure: signs of its password are not percent-encoded.",
            hint=f"Encode the password with {ENCODE}, or set AEGIS_DATABASE_PASSWORD.",
        )
    return url.set(drivername=backend[name])


def connect(url: URL) -> AsyncEngine:
    """Make the engine; connects to nothing yet. Raises ``StoreUnavailable`` where the driver is missing."""
    try:
        if url.get_backend_name() == "sqlite":
            # isolation_level None: the driver begins no transaction of its own, _begin says which kind
            engine = create_async_engine(
                url, hide_parameters=True, connect_args={"timeout": LOCK_TIMEOUT_MS / 1000, "isolation_level": None}
            )
            event.listen(engine.sync_engine, "connect", _prepare)
            event.listen(engine.sync_engine, "begin", _begin)
            return engine
        return create_async_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=connecting(url))
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            "PostgreSQL needs a part that is not installed.", hint="Install it: pip install 'aegis-oncall[postgres]'"
        ) from error


def connecting(url: URL) -> dict[str, object]:
    """Return what PostgreSQL's driver is told beside ``url``, which itself counts first."""
    asked = {
        "connect_timeout": 5,
        "tcp_user_timeout": 8000,
        "application_name": "aegis",
        "options": f"-c statement_timeout={LOCK_TIMEOUT_MS + 2000} -c lock_timeout={LOCK_TIMEOUT_MS} "
        f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_TIMEOUT_MS}",
    }
    return {name: value for name, value in asked.items() if name not in url.query}


async def write_ahead(connection: AsyncConnection) -> None:
    """Switch SQLite's file to its write-ahead log, which stays with the file; raises ``StoreUnavailable``."""
    if connection.dialect.name == "sqlite" and await connection.scalar(text("PRAGMA journal_mode=WAL")) != "wal":
        raise StoreUnavailable(
            f"{connection.engine.url.database} cannot use SQLite's write-ahead log on this file system.",
            hint="Use a local disk.",
        )


def insert_new(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Make an INSERT that does nothing where a unique index says no."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    begin = connection.get_execution_options().get("aegis_begin", WRITES)
    if begin:
        connection.exec_driver_sql(begin)


def _file_system(folder: Path) -> str:
    """Return the file system's type as Linux names it, ``""`` on other systems."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    best, kind = "", ""
    for line in mounts.read_text(errors="surrogateescape").splitlines():
        point, file_system = line.split(" ")[1:3]
        point = point.replace("\\040", " ")
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, file_system
    return kind
