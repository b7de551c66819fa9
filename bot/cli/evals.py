"""``aegis eval``: cases with known answers, diagnosed by the brain that is set up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.cli import console
from bot.cli.console import show
from bot.domain.redaction.redact import redact
from bot.errors import AegisError
from bot.evals import case
from bot.evals.grade import Mark
from bot.evals.report import table
from bot.evals.run import Report, run
from bot.settings import Settings, load

OWN = "tests/evals"
"""The folder of the project's own cases."""


def evaluate(
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="DIR|FILE", help="Cases; by default tests/evals.")
    ] = None,
    times: Annotated[int, typer.Option(metavar="COUNT", min=1, max=100, help="How often each case is diagnosed.")] = 1,
    jobs: Annotated[int, typer.Option(metavar="COUNT", min=1, max=64, help="How many at once.")] = 4,
    report: Annotated[str, typer.Option("--json", metavar="FILE", help="Where the report goes; - is here.")] = "",
    at_least: Annotated[
        float, typer.Option(metavar="PERCENT", min=0, max=100, help="Fail where fewer classes are right.")
    ] = 0,
    helps_at_least: Annotated[
        float, typer.Option(metavar="PERCENT", min=0, max=100, help="Fail where 'restart helps' is right less often.")
    ] = 0,
) -> None:
    """Diagnose cases with known answers by the brain that is set up (Gemini or the rules), and say what was right."""
    settings = _quietly(load())
    read = [case.read(file) for file in case.find(cases or [OWN])]
    quiet = report == "-"
    with _progress(len(read) * times, quiet=quiet) as done:
        found = _run(settings, read, times, jobs, done)
    if quiet:
        console.print_json(found.json())
    else:
        show(table(found))
    if report and not quiet:
        _write(Path(report), found)
    missed = [
        f"{what} right in {100 * share:.1f} %, wanted {wanted:g} %"
        for what, share, wanted in (
            ("class", found.total.trouble, at_least),
            ("restart helps", found.total.helps, helps_at_least),
        )
        if 100 * share < wanted
    ]
    if missed:
        raise AegisError(f"Not good enough: {'; '.join(missed)}.")


def _run(settings: Settings, cases: list[case.Case], times: int, jobs: int, done: Callable[[Mark], None]) -> Report:
    from bot.wiring import parts  # noqa: PLC0415 - imports Docker's and Slack's packages

    async def whole() -> Report:
        edges = parts(settings)
        try:
            return await run(edges, cases, times=times, jobs=jobs, secrets=settings.secrets, done=done)
        finally:
            await edges.close()

    return asyncio.run(whole())


@contextmanager
def _progress(runs: int, *, quiet: bool) -> Iterator[Callable[[Mark], None]]:
    """Show how far it is, on a terminal only; yields what is to be called with each mark."""
    bar = Progress(
        TextColumn("Diagnosing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[right]} classes right"),
        TimeElapsedColumn(),
        console=console.err,
        transient=True,
        disable=quiet or not console.err.is_terminal,
    )
    right = 0
    with bar:
        task = bar.add_task("cases", total=runs, right=0)

        def done(mark: Mark) -> None:
            nonlocal right
            right += mark.trouble
            bar.update(task, advance=1, right=right)

        yield done


def _write(file: Path, found: Report) -> None:
    try:
        file.write_text(json.dumps(found.json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise AegisError(
            f"The report {file} cannot be written: {error.strerror or 'the disk refused'}.", hint="Name another file."
        ) from error


def _quietly(settings: Settings) -> Settings:
    from bot import telemetry  # noqa: PLC0415 - filters do without it

    telemetry.start_log("CRITICAL", partial(redact, known=settings.secrets))
    return settings
