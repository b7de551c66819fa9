"""Where the command line prints: results to standard output, everything for people who wait to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from bot.errors import AegisError, SettingsError

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
"""The option of every command that prints for programs too."""

# What is printed may hold outside text: nothing in it is markup or the name of an emoji.
out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run asynchronous work to its end, and return what it returns."""
    import asyncio  # noqa: PLC0415 - filters do without it

    return asyncio.run(work)


def show(*parts: RenderableType) -> None:
    """Print for people."""
    with _written():
        out.print(*parts)


def print_json(value: object) -> None:
    """Print one value on one line."""
    print_text(json.dumps(value, ensure_ascii=False) + "\n")


def print_text(text: str) -> None:
    """Print text as it is."""
    with _written():
        sys.stdout.write(text)
        sys.stdout.flush()


def print_bytes(part: bytes) -> None:
    """Print bytes as they are, now: somebody may be following."""
    with _written():
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()


@contextmanager
def _written() -> Iterator[None]:
    """Turn what keeps standard output from being written into ``AegisError``."""
    if sys.stdout is None:  # closed by whoever started us
        raise AegisError("There is no standard output.", hint="Start aegis with one.")
    try:
        yield
    except BrokenPipeError:  # whoever reads has seen enough: typer ends quietly
        raise
    except OSError as error:
        # What still waits to be written would fail again at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        why = error.strerror or "the disk refused"
        raise AegisError(f"Standard output cannot be written: {why}.", hint="Make room, or write elsewhere.") from error


def trouble(error: AegisError) -> None:
    """Tell a person what happened, and on a line of its own what to do next."""
    err.print(Text.assemble((error.message, "bold red"), f"\n{error.hint}" if error.hint else ""), soft_wrap=True)


def exit_code(error: AegisError) -> int:
    """Return 2 where settings are bad, 1 where something failed."""
    return 2 if isinstance(error, SettingsError) else 1


@contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show that something goes on, on a terminal only."""
    if quiet or not err.is_terminal:
        yield
        return
    with err.status(f"{what} …"):
        yield


def for_each(files: Sequence[str], work: Callable[[str], None]) -> None:
    """Do ``work`` with each file; a file that cannot be used is told, and the others follow before the exit with 1."""
    failed = False
    for file in files:
        try:
            work(file)
        except AegisError as error:
            trouble(error)
            failed = True
    if failed:
        raise typer.Exit(1)
