"""``aegis runbook``: the memory at the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from bot.cli import console, input_files
from bot.cli.console import Json, show
from bot.domain.diagnosis import Action
from bot.errors import AegisError

if TYPE_CHECKING:
    from bot.adapters.runbook.file import RunbookFile
    from bot.adapters.runbook.table import RunbookTable
    from bot.domain.runbook_entry import Precedent

app = typer.Typer(help="The memory: past incidents, for people to read and edit.", no_args_is_help=True)


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, help="How many entries.")] = 20, as_json: Json = False
) -> None:
    """Print the newest entries, newest last."""
    from bot.cli import format as paper  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook import precedents  # noqa: PLC0415 - a command imports only what it needs

    entries = console.wait_for(_memory().entries())[-limit:]
    if as_json:
        console.print_json([precedents.entry_to_json(entry) for entry in entries])
    else:
        show(paper.entries(entries))


@app.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD", help="Words to look for.")] = None,
    logs: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Logs of the trouble to look for; - is standard input.")
    ] = None,
    target: Annotated[str, typer.Option(metavar="NAME", help="The container that is in trouble now.")] = "",
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, help="How many entries.")] = 3,
    as_json: Json = False,
) -> None:
    """Find past incidents by words, or by the log of a trouble; best first, with why."""
    from bot.cli import format as paper  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli import offline  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook import precedents  # noqa: PLC0415 - a command imports only what it needs

    entries = console.wait_for(_memory().entries())
    now = datetime.now(UTC)

    def tell(found: Sequence[Precedent]) -> None:
        if as_json:
            console.print_json(paper.found_json(found))
        else:
            show(paper.found(found))

    if logs:
        # After --logs a shell's pattern gives its further files as words.
        console.for_each(
            [*logs, *(words or ())],
            lambda file: tell(offline.recall(entries, target, input_files.blocks(file), now, limit)),
        )
    elif words:
        tell(precedents.search(entries, " ".join(words), now=now, limit=limit))
    else:
        raise typer.BadParameter("give words, or logs with --logs")


@app.command()
def check() -> None:
    """Check that the runbook can be read and written, and name the entries that cannot be used."""
    memory = _memory()
    entries = console.wait_for(memory.entries())
    warnings = console.wait_for(memory.check())
    console.wait_for(memory.check_writable())
    for warning in warnings:
        show(f"! {warning}")
    show(f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'} can be used.")
    if warnings:
        raise typer.Exit(1)


@app.command()
def add(
    root_cause: Annotated[str, typer.Option(metavar="TEXT", prompt="Root cause", help="What had broken, and why.")],
    justification: Annotated[str, typer.Option(metavar="TEXT", help="Why this action.")] = "",
    action: Annotated[Action, typer.Option(help="What was done.")] = Action.RESTART,
    target: Annotated[str, typer.Option(metavar="NAME", help="The container's name.")] = "",
    symptom: Annotated[str, typer.Option(metavar="LINE", help="The line by which it is known again.")] = "",
) -> None:
    """Add an entry by hand."""
    from bot.domain.runbook import precedents  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook_entry import Entry  # noqa: PLC0415 - a command imports only what it needs

    entry = Entry(
        root_cause=root_cause,
        action=action.value,
        justification=justification,
        id=uuid4().hex,
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        target=target,
        symptom=precedents.symptom(symptom),
    )
    console.wait_for(_memory().append(entry))
    show(f"Added as {entry.id}.")


@app.command("export")
def export_command() -> None:
    """Write all entries to standard output, as one JSON array."""
    from bot.adapters.runbook.file import RunbookFile  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.runbook import precedents  # noqa: PLC0415 - a command imports only what it needs

    memory = _memory()
    if isinstance(memory, RunbookFile):
        console.print_json([precedents.entry_to_json(entry) for entry in console.wait_for(memory.entries())])
    else:
        sys.stdout.buffer.write(console.wait_for(memory.export()).encode())


@app.command("import")
def import_command(file: Annotated[Path, typer.Argument(metavar="FILE", help="Another runbook.json.")]) -> None:
    """Add the entries of another runbook; those that are there already are left out.

    Where the runbook is a table of PostgreSQL, entries of an exported file that were edited there take their places.
    """
    from bot.adapters.runbook.file import RunbookFile  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli import offline  # noqa: PLC0415 - a command imports only what it needs

    if not file.exists():
        raise AegisError(f"There is no file {file}.")
    memory = _memory()
    if isinstance(memory, RunbookFile):
        new, known = console.wait_for(offline.merge(memory, RunbookFile(file)))
        show(f"{new} added, {known} were there already.")
    else:
        taken = console.wait_for(memory.take_in(file.read_bytes(), str(file)))
        show(f"{taken.new} added, {taken.edited} changed, {taken.known} were there already.")


def _memory() -> RunbookFile | RunbookTable:
    from bot.adapters.runbook.file import RunbookFile  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    settings = load()
    if not settings.shared:
        return RunbookFile(settings.aegis_runbook)
    from bot.adapters.database.store import SqlStore  # noqa: PLC0415 - a command imports only what it needs
    from bot.adapters.runbook.table import RunbookTable  # noqa: PLC0415 - a command imports only what it needs

    async def made(url: str) -> None:
        store = SqlStore(url)
        await store.start()
        await store.close()

    url = settings.database_url
    console.wait_for(made(url))
    return RunbookTable(url)
