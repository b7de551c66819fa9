"""Prints results to standard output, and errors and progress to standard error."""

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
"""The option of every command whose output programs can read."""

# Printed text can come from outside, so it is not read as markup or names of emoji.
out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run asynchronous work to its end, and return what it returns."""
    import asyncio  # noqa: PLC0415 - filters do without it

    return asyncio.run(work)


def show(*parts: RenderableType) -> None:
    """Print formatted text."""
    with _checked_output():
        out.print(*parts)


def print_json(value: object) -> None:
    """Print one value as JSON on one line."""
    print_text(json.dumps(value, ensure_ascii=False) + "\n")


def print_text(text: str) -> None:
    """Print text without formatting."""
    with _checked_output():
        sys.stdout.write(text)
        sys.stdout.flush()


def print_bytes(part: bytes) -> None:
    """Print bytes at once, since the input can be a log that still grows."""
    with _checked_output():
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()


@contextmanager
def _checked_output() -> Iterator[None]:
    """Raise ``AegisError`` if standard output cannot be written."""
    if sys.stdout is None:  # the parent process closed it
        raise AegisError("Standard output is closed.", hint="Start aegis with an open standard output.")
    try:
        yield
    except BrokenPipeError:  # the reader closed the pipe: typer ends without a message
        raise
    except OSError as error:
        # Buffered output would fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        reason = error.strerror or "unknown error"
        raise AegisError(
            f"Standard output cannot be written: {reason}.", hint="Free disk space, or write to another place."
        ) from error


def print_error(error: AegisError) -> None:
    """Print the message of an error, and its hint on the next line."""
    err.print(Text.assemble((error.message, "bold red"), f"\n{error.hint}" if error.hint else ""), soft_wrap=True)


def exit_code(error: AegisError) -> int:
    """Return the exit code of an error: 2 for invalid settings, 1 for any other failure."""
    return 2 if isinstance(error, SettingsError) else 1


@contextmanager
def progress(activity: str, *, quiet: bool = False) -> Iterator[None]:
    """Show a spinner with the current activity on a terminal."""
    if quiet or not err.is_terminal:
        yield
        return
    with err.status(f"{activity} …"):
        yield


def for_each(files: Sequence[str], work: Callable[[str], None]) -> None:
    """Call ``work`` with each file. After an error, print it, go on, and exit with 1 at the end."""
    failed = False
    for file in files:
        try:
            work(file)
        except AegisError as error:
            print_error(error)
            failed = True
    if failed:
        raise typer.Exit(1)
