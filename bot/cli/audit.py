"""``aegis audit``: verifies or exports the audit trail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import console
from bot.cli.console import Json
from bot.errors import AegisError, SettingsError

if TYPE_CHECKING:
    from bot.adapters.database.store import SqlStore
    from bot.domain.audit.trail import AuditRow, TrailCheck

app = typer.Typer(
    help="Verify or export the audit trail of every alert, approval, refusal, engine call and outcome.",
    no_args_is_help=True,
)

ROWS_PER_READ = 1000
"""Rows of one query, so that a long trail needs little memory."""


@dataclass(frozen=True, slots=True)
class _Verification:
    """The result of a verification: the first fault, and the number of rows that it could not check."""

    fault: str
    count: int
    last: str
    unchecked: int
    older: int


@app.command()
def verify(
    head: Annotated[
        str, typer.Option(metavar="HASH", help="Head of an earlier verification; the trail must still contain it.")
    ] = "",
    log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Log of aegis run; its rotated files are read too. - is standard input. Can be repeated.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that no row of the trail was changed, added or removed, and that the trail matches the tables.

    With --log, also check that the trail contains every row whose hash is in the log.
    """
    from bot.cli import log_heads  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.audit.trail import TrailCheck  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    heads = log_heads.load(log or [])
    key = load().aegis_audit_key.get_secret_value()
    result = console.wait_for(_verify(TrailCheck(head, heads, key)))
    unchecked = _unchecked(result, key) if not result.fault else ""
    if as_json:
        detail = result.fault or unchecked
        console.print_json({"ok": not detail, "rows": result.count, "head": result.last, "detail": detail})
        if detail:
            raise typer.Exit(1 if result.fault else 2)
        return
    if result.fault:
        raise AegisError(
            f"The audit trail is not intact. {result.fault}",
            hint="Compare the database with its last backup. The rows before this one are unchanged.",
        )
    if unchecked:
        raise SettingsError(unchecked, hint="Set AEGIS_AUDIT_KEY to the key of the running Aegis.")
    console.print_text(_summary(result, len(heads)))


@app.command()
def export(
    after: Annotated[int, typer.Option(metavar="NUMBER", min=0, help="Start after the row with this number.")] = 0,
) -> None:
    """Print the trail as one JSON object per line, oldest first."""
    from bot.domain.audit import trail  # noqa: PLC0415 - a command imports only what it needs

    async def print_rows() -> None:
        async with _open_store() as store:
            async for rows in _trail(store, after):
                for row in rows:
                    console.print_json(trail.row_to_json(row))

    console.wait_for(print_rows())


def _summary(result: _Verification, heads: int) -> str:
    rows = "1 row" if result.count == 1 else f"{result.count} rows"
    lines = [f"The audit trail is intact: {rows}. Head: {result.last or 'none'}"]
    if heads:
        lines.append(f"It contains all {heads} rows of the log." if heads > 1 else "It contains the row of the log.")
    if result.older:
        records = "1 record is" if result.older == 1 else f"{result.older} records are"
        lines.append(f"{records} older than the trail and cannot be verified.")
    return "".join(f"{line}\n" for line in lines)


def _unchecked(result: _Verification, key: str) -> str:
    """Return how many rows could not be verified without their key, or ``""`` if all were."""
    if not result.unchecked:
        return ""
    rows = "1 row" if result.unchecked == 1 else f"{result.unchecked} rows"
    reason = "AEGIS_AUDIT_KEY holds another key" if key else "AEGIS_AUDIT_KEY is not set"
    return f"Not verified: a key seals {rows} of {result.count}, and {reason}. Only the order was checked; it is right."


async def _verify(examined: TrailCheck) -> _Verification:
    from bot.domain.audit.tables import TableComparison  # noqa: PLC0415 - a command imports only what it needs

    async with _open_store() as store:
        tables = await store.audit_tables()
        compared = TableComparison(tables)
        fault = ""
        async for rows in _trail(store, 0):
            fault = fault or examined.read(rows)
            compared.read(rows)
    fault = fault or examined.end() or compared.differences()
    return _Verification(fault, examined.count, examined.last, examined.unchecked, tables.older)


@asynccontextmanager
async def _open_store() -> AsyncIterator[SqlStore]:
    from bot.adapters.database.store import SqlStore  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    store = SqlStore(load().database_url)
    if not store.exists():
        raise AegisError(
            "The database of AEGIS_DATABASE_URL does not exist.",
            hint="Run the command where the bot runs, with its settings.",
        )
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def _trail(store: SqlStore, after: int) -> AsyncIterator[tuple[AuditRow, ...]]:
    while rows := await store.trail(after, ROWS_PER_READ):
        yield rows
        after = rows[-1].number
