"""The command ``aegis``: run, doctor, diagnose, alert, digest, redact and health.

The modules ``runbook``, ``audit``, ``evals`` and ``demo`` add one command each.

``--json`` prints JSON and nothing else. Errors and progress go to standard error. Exit codes: 0 success, 1 failure,
2 invalid settings or usage. Commands import slow modules when they need them, so that filters start quickly.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import audit, console, demo, evals, input_files, runbook
from bot.cli.console import Json, show
from bot.errors import AegisError

if TYPE_CHECKING:
    from bot.doctor.check import Check
    from bot.settings import Settings

app = typer.Typer(
    name="aegis",
    help="Diagnose Docker containers in Slack, and restart one after an approver agrees.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DIGEST_SHARE = 0.85
"""Share of a digest's budget for the text of its lines; the rest is for line numbers and counts."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # None if the parent process closed it
            # A character that the terminal cannot show must not end a command half-way.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(prog_name="aegis")
    except AegisError as error:
        console.print_error(error)
        sys.exit(console.exit_code(error))


@app.command("run")
def run_command() -> None:
    """Run the bot until a signal stops it."""
    from bot.settings import for_slack, load  # noqa: PLC0415 - a command imports only what it needs
    from bot.wiring.application import run  # noqa: PLC0415 - a command imports only what it needs

    console.wait_for(run(for_slack(load())))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check everything that Aegis needs, and print a hint for each failure."""
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    settings = _start_log(load())
    checks = console.wait_for(_run_doctor(settings, quiet=as_json))
    if as_json:
        console.print_json([asdict(check) for check in checks])
    if any(check.ok is False for check in checks):
        raise typer.Exit(1)


async def _run_doctor(settings: Settings, *, quiet: bool) -> list[Check]:
    """Run every check, and print each result as it comes unless ``quiet``."""
    from bot.cli import format as formats  # noqa: PLC0415 - a command imports only what it needs
    from bot.doctor.doctor import run_checks  # noqa: PLC0415 - a command imports only what it needs

    results = []
    checks = run_checks(settings)
    while True:
        with console.progress("Checking", quiet=quiet):
            check = await anext(checks, None)
        if check is None:
            break
        results.append(check)
        if not quiet:
            show(formats.check(check))
    if not quiet:
        show(formats.verdict(results))
    return results


@app.command()
def diagnose(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Exact name of the container.")],
    logs: Annotated[
        str, typer.Option(metavar="FILE", help="Read the log from this file, not from Docker; - is standard input.")
    ] = "",
    facts: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Read the output of docker inspect from this file, not from Docker; - is standard input.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Diagnose a container without Slack, from the Docker Engine or from files."""
    from bot.cli import format as formats  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli import offline  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    if logs == facts == "-":
        raise typer.BadParameter("--logs and --facts cannot both read standard input")
    settings = _start_log(load())
    with console.progress(f"Diagnosing {name}", quiet=as_json):
        given = offline.GivenEvidence(
            input_files.blocks(logs) if logs else None, input_files.load_json(facts) if facts else None
        )
        findings = console.wait_for(
            offline.diagnose_files(settings, name, given)
            if logs or facts
            else offline.diagnose_container(settings, name)
        )
    if as_json:
        console.print_json(formats.diagnosis_json(findings))
    else:
        show(formats.diagnosis(findings))


@app.command()
def alert(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Alerts as JSON; - is standard input.")],
    as_json: Json = False,
) -> None:
    """Show how Aegis reads alert messages: kind, targets, severity, title and sender.

    A file holds a Slack message event, or an object with the key event. For a webhook, the object has the keys body and
    sender. The key inventory lists the containers: names, or objects with name, project, service and swarm_service.
    """
    from bot.cli import format as formats  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli import offline  # noqa: PLC0415 - a command imports only what it needs

    def print_alert(file: str) -> None:
        fields = offline.read_alert_file(input_files.load_json(file))
        if as_json:
            console.print_json(fields)
        else:
            show(formats.pairs(file, fields))

    console.for_each(files, print_alert)


@app.command()
def digest(
    logs: Annotated[list[str], typer.Argument(metavar="FILE", help="Logs; - is standard input.")],
    budget: Annotated[
        int, typer.Option(metavar="CHARS", min=100, max=1_000_000, help="Maximum length of the output, in characters.")
    ] = 8000,
    as_json: Json = False,
) -> None:
    """Print the decisive lines of logs of any length, without secrets."""
    from bot.cli import format as formats  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.logs import filters  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import secrets  # noqa: PLC0415 - a command imports only what it needs

    known = secrets()

    def print_digest(file: str) -> None:
        with console.progress(f"Reading {file}", quiet=as_json):
            log = filters.digest_blocks(input_files.blocks(file), known, budget=int(budget * DIGEST_SHARE))
        text = formats.digest(log, budget)
        if as_json:
            console.print_json({"file": file, "lines": log.total_lines, "bytes": log.total_bytes, "digest": text})
        else:
            heading = f"==> {file} <==" if len(logs) > 1 else ""
            console.print_text("".join(f"{part}\n" for part in (heading, text) if part))

    console.for_each(logs, print_digest)


@app.command("redact")
def redact_command() -> None:
    """Copy standard input to standard output with every secret replaced."""
    from bot.domain.logs import filters  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import secrets  # noqa: PLC0415 - a command imports only what it needs

    for part in filters.redact_blocks(input_files.live_blocks("-"), secrets()):
        console.print_bytes(part)


@app.command()
def health() -> None:
    """Ask the running bot for its health; made for the health check of its container."""
    from bot.cli import format as formats  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli.health_client import ask  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    settings = load()
    report = ask(settings.aegis_http_host, settings.aegis_http_port)
    show(formats.pairs("aegis", report))
    if report["status"] != "ok":
        raise typer.Exit(1)


def _start_log(settings: Settings) -> Settings:
    """Log only unexpected errors, since the command prints the expected ones itself."""
    from bot import telemetry  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.redaction.redact import redact  # noqa: PLC0415 - a command imports only what it needs

    telemetry.start_log("CRITICAL", partial(redact, known=settings.secrets))
    return settings


# At the end, so that the help lists the commands of the bot first.
app.command("demo")(demo.demo)
app.command("eval")(evals.evaluate)
app.add_typer(runbook.app, name="runbook")
app.add_typer(audit.app, name="audit")
