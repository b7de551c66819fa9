"""``aegis audit``: the trail of who wanted what, what was answered and done; verified, or exported for an archive."""

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
    from bot.domain.audit.trail import Examined, Row

app = typer.Typer(help="The audit trail: every alert, press, refusal, engine call and outcome.", no_args_is_help=True)

AT_ONCE = 1000
"""Rows that are read in one go, so that a long trail needs little memory."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of reading the trail: what is wrong, or what could not be looked at."""

    wrong: str
    count: int
    last: str
    unchecked: int
    older: int


@app.command()
def verify(
    head: Annotated[
        str, typer.Option(metavar="HASH", help="A hash noted at an earlier verification, which must still be there.")
    ] = "",
    log: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Aegis's log, with its rotated files; - is standard input. May be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that no row of the trail was changed, put in or taken out, and that it agrees with the tables.

    With --log, also that it still holds every row whose hash Aegis wrote to its log.
    """
    from bot.cli import log_heads  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.audit.trail import Examined  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    heads = log_heads.read(log or [])
    key = load().aegis_audit_key.get_secret_value()
    found = console.wait_for(_verified(Examined(head, heads, key)))
    missing = _without_key(found, key) if not found.wrong else ""
    if as_json:
        said = found.wrong or missing
        console.print_json({"well": not said, "rows": found.count, "head": found.last, "said": said})
        if said:
            raise typer.Exit(1 if found.wrong else 2)
        return
    if found.wrong:
        raise AegisError(
            f"The audit trail is not whole. {found.wrong}",
            hint="Compare the database with its last copy; up to the row before, nothing was changed.",
        )
    if missing:
        raise SettingsError(missing, hint="Set AEGIS_AUDIT_KEY to the key with which Aegis ran.")
    console.print_text(_whole(found, len(heads)))


@app.command()
def export(
    after: Annotated[int, typer.Option(metavar="NUMBER", min=0, help="Begin behind this row.")] = 0,
) -> None:
    """Print the trail, one JSON object in a line, oldest first."""
    from bot.domain.audit import trail  # noqa: PLC0415 - a command imports only what it needs

    async def printed() -> None:
        async with _opened() as store:
            async for rows in _trail(store, after):
                for row in rows:
                    console.print_json(trail.as_json(row))

    console.wait_for(printed())


def _whole(found: _Found, heads: int) -> str:
    lines = [f"The trail is whole: {found.count} row{'' if found.count == 1 else 's'}. Head: {found.last or 'none'}"]
    if heads:
        lines.append(
            f"It holds each of the {heads} rows that the log has seen."
            if heads > 1
            else "It holds the row that the log has seen."
        )
    if found.older:
        records = "1 record is" if found.older == 1 else f"{found.older} records are"
        lines.append(f"{records} older than the trail; nothing vouches for what is that old.")
    return "".join(f"{line}\n" for line in lines)


def _without_key(found: _Found, key: str) -> str:
    """Say what could not be checked for want of the key that seals it; ``""`` where all was."""
    if not found.unchecked:
        return ""
    rows = f"{found.unchecked} of {found.count} rows are sealed with a key"
    why = "other than the one in AEGIS_AUDIT_KEY" if key else "and AEGIS_AUDIT_KEY is not set here"
    return f"Not verified: {rows} {why}. Only their order was checked; nothing wrong was found in it."


async def _verified(examined: Examined) -> _Found:
    from bot.domain.audit.tables import Compared  # noqa: PLC0415 - a command imports only what it needs

    async with _opened() as store:
        tables = await store.audit_tables()
        compared = Compared(tables)
        wrong = ""
        async for rows in _trail(store, 0):
            wrong = wrong or examined.read(rows)
            compared.read(rows)
    wrong = wrong or examined.end() or compared.differences()
    return _Found(wrong, examined.count, examined.last, examined.unchecked, tables.older)


@asynccontextmanager
async def _opened() -> AsyncIterator[SqlStore]:
    from bot.adapters.database.store import SqlStore  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    store = SqlStore(load().database_url)
    if not store.exists():
        raise AegisError(
            "There is no database at AEGIS_DATABASE_URL.", hint="Run this where the bot runs, with its settings."
        )
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def _trail(store: SqlStore, after: int) -> AsyncIterator[tuple[Row, ...]]:
    while rows := await store.trail(after, AT_ONCE):
        yield rows
        after = rows[-1].number
