"""``aegis audit``: the trail of who wanted what, what was answered and done; verified, or exported for an archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from bot import console
from bot.console import Json
from bot.domain import audit
from bot.domain.audit import Examined, Row
from bot.errors import AegisError
from bot.settings import load

app = typer.Typer(help="The audit trail: every alert, press, refusal, engine call and outcome.", no_args_is_help=True)

AT_ONCE = 1000
"""Rows that are read in one go, so that a long trail needs little memory."""


@app.command()
def verify(
    head: Annotated[
        str, typer.Option(metavar="HASH", help="A hash noted at an earlier verification, which must still be there.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Check that no row of the trail was changed, put in or taken out since it was written."""
    wrong, count, last = asyncio.run(_verified(head))
    if as_json:
        console.print_json({"well": not wrong, "rows": count, "head": last, "said": wrong})
    elif not wrong:
        console.print_text(f"The trail is whole: {count} row{'' if count == 1 else 's'}. Head: {last or 'none'}\n")
    if wrong and not as_json:
        raise AegisError(
            f"The audit trail is not whole. {wrong}",
            mend="Compare the database with its last copy; up to the row before, nothing was changed.",
        )
    if wrong:
        raise typer.Exit(1)


@app.command()
def export(
    after: Annotated[int, typer.Option(metavar="NUMBER", min=0, help="Begin behind this row.")] = 0,
) -> None:
    """Print the trail, one JSON object in a line, oldest first."""

    async def printed() -> None:
        async for rows in _trail(after):
            for row in rows:
                console.print_json(audit.as_json(row))

    asyncio.run(printed())


async def _verified(head: str) -> tuple[str, int, str]:
    examined = Examined(head)
    wrong = ""
    async for rows in _trail(0):
        wrong = wrong or examined.read(rows)
    return wrong or examined.end(), examined.count, examined.last


async def _trail(after: int) -> AsyncIterator[tuple[Row, ...]]:
    from bot.adapters.store import SqlStore  # noqa: PLC0415 - takes long to import; other commands do without it

    store = SqlStore(load().aegis_database_url.get_secret_value())
    if not store.exists():
        raise AegisError(
            "There is no database at AEGIS_DATABASE_URL.", mend="Run this where the bot runs, with its settings."
        )
    await store.start()
    try:
        while rows := await store.trail(after, AT_ONCE):
            yield rows
            after = rows[-1].number
    finally:
        await store.close()
