"""The command line: aegis run, doctor, diagnose, alert, digest, redact, health.

``cli_runbook`` adds aegis runbook, ``cli_audit`` aegis audit, ``cli_eval`` aegis eval.

``--json`` prints JSON and nothing else; everything for people who wait goes to standard error. Exit codes: 0 done,
1 it failed, 2 bad settings or usage. What takes long to import is imported where it is used: filters start quickly.
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
    help="The on-call engineer's second pair of hands in Slack: diagnoses a container, restarts it after your press.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(runbook.app, name="runbook")
app.command("eval")(evals.evaluate)
app.add_typer(audit.app, name="audit")
app.command("demo")(demo.demo)

DIGEST_SHARE = 0.85
"""Part of a digest's budget that goes to the lines themselves; the rest is for their numbers and counts."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started us
            # Whatever the terminal's alphabet: nothing that a log holds may end a command half-way.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(prog_name="aegis")
    except AegisError as error:
        console.trouble(error)
        sys.exit(console.exit_code(error))


@app.command("run")
def run_command() -> None:
    """Run the bot until it is told to stop."""
    from bot.settings import for_slack, load  # noqa: PLC0415 - a command imports only what it needs
    from bot.wiring import run  # noqa: PLC0415 - a command imports only what it needs

    console.wait_for(run(for_slack(load())))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check everything that Aegis needs, and print a hint for each failure."""
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    settings = _quietly(load())
    checks = console.wait_for(_examined(settings, quiet=as_json))
    if as_json:
        console.print_json([asdict(check) for check in checks])
    if any(check.ok is False for check in checks):
        raise typer.Exit(1)


async def _examined(settings: Settings, *, quiet: bool) -> list[Check]:
    """Look at everything, and unless ``quiet`` show each thing as soon as it was looked at."""
    from bot.cli import format as paper  # noqa: PLC0415 - a command imports only what it needs
    from bot.doctor.doctor import run_checks  # noqa: PLC0415 - a command imports only what it needs

    found = []
    waiting = run_checks(settings)
    while True:
        with console.progress("Checking", quiet=quiet):
            check = await anext(waiting, None)
        if check is None:
            break
        found.append(check)
        if not quiet:
            show(paper.check(check))
    if not quiet:
        show(paper.verdict(found))
    return found


@app.command()
def diagnose(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The container's exact name.")],
    logs: Annotated[str, typer.Option(metavar="FILE", help="A log to read; then no engine is asked.")] = "",
    facts: Annotated[str, typer.Option(metavar="FILE", help="JSON of docker inspect; then no engine is asked.")] = "",
    as_json: Json = False,
) -> None:
    """Diagnose a container without Slack: from the engine, or from a log and facts in files (- is standard input)."""
    from bot.cli import format as paper  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli import offline  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs
    from bot.wiring import parts  # noqa: PLC0415 - a command imports only what it needs

    if logs == facts == "-":
        raise typer.BadParameter("standard input can be the log or the facts, not both")
    settings = _quietly(load())
    with console.progress(f"Looking at {name}", quiet=as_json):
        given = offline.Given(
            input_files.blocks(logs) if logs else None, input_files.load_json(facts) if facts else None
        )
        asked = offline.diagnose(parts(settings), name, given if logs or facts else None, settings.secrets)
        found = console.wait_for(asked)
    if as_json:
        console.print_json(paper.diagnosis_json(found))
    else:
        show(paper.diagnosis(found))


@app.command()
def alert(
    given: Annotated[list[str], typer.Argument(metavar="FILE", help="Alerts as JSON; - is standard input.")],
    as_json: Json = False,
) -> None:
    """Show how alert messages are understood: kind, targets, severity, title, sender.

    A file is a Slack message event, or an object with event (or the body of a webhook, and its sender) and inventory:
    names, or objects with name, project, service, swarm_service.
    """
    from bot.cli import format as paper  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli import offline  # noqa: PLC0415 - a command imports only what it needs

    def understand(file: str) -> None:
        said = offline.understand(input_files.load_json(file))
        if as_json:
            console.print_json(said)
        else:
            show(paper.pairs(file, said))

    console.for_each(given, understand)


@app.command()
def digest(
    logs: Annotated[list[str], typer.Argument(metavar="FILE", help="Logs; - is standard input.")],
    budget: Annotated[int, typer.Option(metavar="CHARS", min=100, max=1_000_000, help="How long it may be.")] = 8000,
    as_json: Json = False,
) -> None:
    """Print what is worth reading in a log of any length, without secrets."""
    from bot.cli import format as paper  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.logs import filters  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import secrets  # noqa: PLC0415 - a command imports only what it needs

    known = secrets()

    def shorten(file: str) -> None:
        with console.progress(f"Reading {file}", quiet=as_json):
            found = filters.digested(input_files.blocks(file), known, budget=int(budget * DIGEST_SHARE))
        text = paper.digest(found, budget)
        if as_json:
            console.print_json({"file": file, "lines": found.total_lines, "bytes": found.total_bytes, "digest": text})
        else:
            heading = f"==> {file} <==" if len(logs) > 1 else ""
            console.print_text("".join(f"{part}\n" for part in (heading, text) if part))

    console.for_each(logs, shorten)


@app.command("redact")
def redact_command() -> None:
    """Take secrets out of what comes in: a filter, log in, clean lines out."""
    from bot.domain.logs import filters  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import secrets  # noqa: PLC0415 - a command imports only what it needs

    for part in filters.redacted(input_files.live_blocks("-"), secrets()):
        console.print_bytes(part)


@app.command()
def health() -> None:
    """Ask the bot on this machine whether it is well; made for the container's health check."""
    from bot.cli import format as paper  # noqa: PLC0415 - a command imports only what it needs
    from bot.cli.health_client import ask  # noqa: PLC0415 - a command imports only what it needs
    from bot.settings import load  # noqa: PLC0415 - a command imports only what it needs

    settings = load()
    report = ask(settings.aegis_http_host, settings.aegis_http_port)
    show(paper.pairs("aegis", report))
    if report["status"] != "ok":
        raise typer.Exit(1)


def _quietly(settings: Settings) -> Settings:
    """Keep the log to what nobody foresaw: what happens is told in the command's own words."""
    from bot import telemetry  # noqa: PLC0415 - a command imports only what it needs
    from bot.domain.redaction.redact import redact  # noqa: PLC0415 - a command imports only what it needs

    telemetry.start_log("CRITICAL", partial(redact, known=settings.secrets))
    return settings
