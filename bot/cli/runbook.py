"""``aegis runbook``: reads and edits the runbook."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import uuid4

import typer

from bot.cli import console, input_files
from bot.cli.console import Json, show
from bot.errors import AegisError

if TYPE_CHECKING:
    from bot.adapters.runbook.file import RunbookFile
    from bot.adapters.runbook.table import RunbookTable
    from bot.domain.runbook_entry import Precedent

app = typer.Typer(help="Read and edit the runbook, which holds past incidents.", no_args_is_help=True)


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, help="Maximum number of entries.")] = 20,
    as_json: Json = False,
) -> None:
    """Print the newest entries; the newest is last."""
    from bot.cli import format as formats  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook.json_format import entry_to_json  # noqa: PLC0415 - a command imports only what it needs

    entries = console.wait_for(_open_runbook().entries())[-limit:]
    if as_json:
        console.print_json([entry_to_json(entry) for entry in entries])
    else:
        show(formats.entries(entries))


@app.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD", help="Words to search for.")] = None,
    logs: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Log of the current incident; - is standard input.")
    ] = None,
    target: Annotated[str, typer.Option(metavar="NAME", help="Container of the current incident.")] = "",
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, help="Maximum number of entries.")] = 3,
    as_json: Json = False,
) -> None:
    """Find past incidents by words or by a log, best match first, each with a reason."""
    from bot.cli import format as formats  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli import offline  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook import precedents  # noqa: PLC0415 - a command imports only what it needs

    entries = console.wait_for(_open_runbook().entries())
    now = datetime.now(UTC)

    def print_matches(matches: Sequence[Precedent]) -> None:
        if as_json:
            console.print_json(formats.matches_json(matches))
        else:
            show(formats.matches(matches))

    if logs:
        # After --logs, a shell's pattern passes its other files as words.
        console.for_each(
            [*logs, *(words or ())],
            lambda file: print_matches(offline.find_similar(entries, target, input_files.blocks(file), now, limit)),
        )
    elif words:
        print_matches(precedents.search_entries(entries, " ".join(words), now=now, limit=limit))
    else:
        raise typer.BadParameter("give words, or a log with --logs")


@app.command()
def check() -> None:
    """Check that the runbook can be read and written, and print its invalid entries."""
    runbook = _open_runbook()
    entries = console.wait_for(runbook.entries())
    warnings = console.wait_for(runbook.check())
    console.wait_for(runbook.check_writable())
    for warning in warnings:
        show(f"! {warning}")
    show(f"{len(entries)} valid {'entry' if len(entries) == 1 else 'entries'}.")
    if warnings:
        raise typer.Exit(1)


@app.command()
def add(
    root_cause: Annotated[str, typer.Option(metavar="TEXT", prompt="Root cause", help="What failed, and why.")],
    justification: Annotated[str, typer.Option(metavar="TEXT", help="Reason for the action.")] = "",
    action: Annotated[Literal["restart", "ignore"], typer.Option(help="Action that was taken.")] = "restart",
    target: Annotated[str, typer.Option(metavar="NAME", help="Name of the container.")] = "",
    symptom: Annotated[str, typer.Option(metavar="LINE", help="Log line that identifies the incident.")] = "",
) -> None:
    """Add an entry."""
    from bot.domain.runbook import precedents  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook_entry import Entry  # noqa: PLC0415 - a command imports only what it needs

    entry = Entry(
        root_cause=root_cause,
        action=action,
        justification=justification,
        id=uuid4().hex,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        target=target,
        symptom=precedents.comparable_line(symptom),
    )
    console.wait_for(_open_runbook().append(entry))
    show(f"Added entry {entry.id}.")


@app.command("export")
def export_command() -> None:
    """Print all entries as one JSON array."""
    from bot.adapters.runbook.file import RunbookFile  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook.json_format import entry_to_json  # noqa: PLC0415 - a command imports only what it needs

    runbook = _open_runbook()
    if isinstance(runbook, RunbookFile):
        console.print_json([entry_to_json(entry) for entry in console.wait_for(runbook.entries())])
    else:
        sys.stdout.buffer.write(console.wait_for(runbook.export()).encode())


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Runbook to import, such as another runbook.json.")],
) -> None:
    """Add the entries of another runbook, except those that are already in this one.

    If the runbook is in PostgreSQL, an entry that was edited in an exported file replaces its original.
    """
    from bot.adapters.runbook.file import RunbookFile  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli import offline  # noqa: PLC0415 - a command imports only what it needs

    if not file.exists():
        raise AegisError(f"{file} does not exist.", hint="Give the path of a runbook.")
    runbook = _open_runbook()
    if isinstance(runbook, RunbookFile):
        new, known = console.wait_for(offline.merge(runbook, RunbookFile(file)))
        show(f"{new} added, {known} already present.")
    else:
        taken = console.wait_for(runbook.take_in(file.read_bytes(), str(file)))
        show(f"{taken.new} added, {taken.edited} changed, {taken.known} already present.")


def _open_runbook() -> RunbookFile | RunbookTable:
    from bot.adapters.runbook.file import RunbookFile  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    settings = load()
    if not settings.shared:
        return RunbookFile(settings.aegis_runbook)
    from bot.adapters.database.store import SqlStore  # noqa: PLC0415 - a command imports only what it needs
    from bot.adapters.runbook.table import RunbookTable  # noqa: PLC0415 - a command imports only what it needs

    async def create_tables(url: str) -> None:
        store = SqlStore(url)
        await store.start()
        await store.close()

    url = settings.database_url
    console.wait_for(create_tables(url))
    return RunbookTable(url)
