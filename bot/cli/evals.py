"""``aegis eval``: measures the diagnoses of cases with known answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import console
from bot.cli.console import show
from bot.errors import AegisError

if TYPE_CHECKING:
    from bot.evals.case import Case
    from bot.evals.grade import Mark
    from bot.evals.run import Report
    from bot.settings import Settings

CASE_FOLDER = "tests/evals"
"""The folder of the project's own cases."""


def evaluate(
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="DIR|FILE", help="Cases or folders of cases. Default: tests/evals.")
    ] = None,
    times: Annotated[
        int, typer.Option(metavar="COUNT", min=1, max=100, help="Diagnose each case this many times.")
    ] = 1,
    jobs: Annotated[
        int, typer.Option(metavar="COUNT", min=1, max=64, help="Diagnose this many cases at the same time.")
    ] = 4,
    report: Annotated[
        str, typer.Option("--json", metavar="FILE", help="Write a JSON report to this file; - is standard output.")
    ] = "",
    min_class_accuracy: Annotated[
        float, typer.Option(metavar="PERCENT", min=0, max=100, help="Fail if fewer classes are right.")
    ] = 0,
    min_restart_accuracy: Annotated[
        float,
        typer.Option(metavar="PERCENT", min=0, max=100, help="Fail if fewer predictions 'a restart helps' are right."),
    ] = 0,
    at_least: Annotated[
        float, typer.Option(metavar="PERCENT", min=0, max=100, hidden=True, help="Old name of --min-class-accuracy.")
    ] = 0,
    helps_at_least: Annotated[
        float, typer.Option(metavar="PERCENT", min=0, max=100, hidden=True, help="Old name of --min-restart-accuracy.")
    ] = 0,
) -> None:
    """Diagnose cases with known answers, by Gemini or rule-based, and measure how many answers are right."""
    from bot.evals import case  # noqa: PLC0415 - a command imports only what it needs
    from bot.evals.report import table  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    settings = _start_log(load())
    loaded = [case.load(file) for file in case.find(cases or [CASE_FOLDER])]
    to_stdout = report == "-"
    with _progress(len(loaded) * times, quiet=to_stdout) as done:
        measured = _run(settings, loaded, times, jobs, done)
    if to_stdout:
        console.print_json(measured.json())
    else:
        show(table(measured))
    if report and not to_stdout:
        _write(Path(report), measured)
    missed = [
        f"{measure} {100 * share:.1f}%, required {required:g}%"
        for measure, share, required in (
            ("class accuracy", measured.total.trouble, max(min_class_accuracy, at_least)),
            ("restart accuracy", measured.total.helps, max(min_restart_accuracy, helps_at_least)),
        )
        if 100 * share < required
    ]
    if missed:
        raise AegisError(f"The accuracy is too low: {'; '.join(missed)}.")


def _run(settings: Settings, cases: list[Case], times: int, jobs: int, done: Callable[[Mark], None]) -> Report:
    from bot.evals.run import run  # noqa: PLC0415 - a command imports only what it needs
    from bot.wiring.diagnosis import make_model, make_runtime  # noqa: PLC0415 - a command imports only what it needs

    measured = run(
        make_model(settings),
        make_runtime(settings),
        cases,
        times=times,
        jobs=jobs,
        secrets=settings.secrets,
        done=done,
    )
    return console.wait_for(measured)


@contextmanager
def _progress(runs: int, *, quiet: bool) -> Iterator[Callable[[Mark], None]]:
    """Show a progress bar on a terminal. Yield the function to call with each mark."""
    from rich.progress import (  # noqa: PLC0415 - a command imports only what it needs
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

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


def _write(file: Path, report: Report) -> None:
    try:
        file.write_text(json.dumps(report.json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise AegisError(
            f"The report {file} cannot be written: {error.strerror or 'unknown error'}.", hint="Choose another file."
        ) from error


def _start_log(settings: Settings) -> Settings:
    from bot import telemetry  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.redaction.redact import redact  # noqa: PLC0415 - a command imports only what it needs

    telemetry.start_log("CRITICAL", partial(redact, known=settings.secrets))
    return settings
