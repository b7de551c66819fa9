"""``python -m bench.startup``: how fast commands start, beside a bare typer program; the first card beside the tenth.

Each figure is CPU time or a ratio within one run, so that a slow machine gives the same answer as a fast one.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.storm import Scene, attachment, scene
from bot.playground.slack.state.people import MONITOR

RESULTS = Path("bench/results/startup.json")
RUNS = 5
CARDS = 10
SETTLE_S = 8.0
"""Seconds after the connection in which nothing comes: an alert in the very second of a start is rare."""

BARE = """
import typer
app = typer.Typer()
@app.command()
def read(file: str) -> None: ...
@app.command()
def write(file: str) -> None: ...
app()
"""
LOG = "2026-01-01T00:00:00Z ERROR QueuePool limit of size 20 overflow 0 reached, password=hunter2\n" * 5
ALERT = {"event": {"text": "web is down", "bot_id": "B1"}, "inventory": ["web"]}


def cpu_s(arguments: list[str], given: str = "") -> float:
    """Return the median CPU time of a Python process."""
    took = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], input=given.encode(), stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(took)


def commands() -> dict[str, float]:
    """Return the CPU time of each command in seconds, that of the bare program first."""
    aegis = ["-m", "bot"]
    return {
        "bare typer program --help": cpu_s(["-c", BARE, "--help"]),
        "aegis --help": cpu_s([*aegis, "--help"]),
        "aegis digest -": cpu_s([*aegis, "digest", "-"], LOG),
        "aegis redact": cpu_s([*aegis, "redact"], LOG),
        "aegis alert -": cpu_s([*aegis, "alert", "-"], json.dumps(ALERT)),
        "aegis diagnose web --logs -": cpu_s([*aegis, "diagnose", "web", "--logs", "-"], LOG),
    }


def _shown(on: Scene, number: int) -> bool:
    """Return whether so many cards have their buttons."""
    return sum(bool(card.buttons) for card in on.cards()) >= number


async def cards() -> list[float]:
    """Return the seconds from each of the first alerts after a start to its card with buttons."""
    took = []
    with tempfile.TemporaryDirectory() as folder:
        async with scene(Path(folder), CARDS) as on:
            on.model.pause = 0.0
            await asyncio.sleep(SETTLE_S)
            for number, name in enumerate(on.names, 1):
                began = time.perf_counter()
                await on.slack.alert("C0ALERTS", attachments=[attachment(name)], sender=MONITOR)
                await on.slack.wait_for(partial(_shown, on, number), 60)
                took.append(time.perf_counter() - began)
    return took


def main() -> None:
    """Measure, print and keep the figures."""
    found = commands()
    bare = found["bare typer program --help"]
    table = Table("command", "CPU s", "times the bare program", title="Starts")
    for name, seconds in found.items():
        table.add_row(name, f"{seconds:.2f}", f"{seconds / bare:.1f}")
    took = asyncio.run(cards())
    later = statistics.median(took[1:])
    table.add_section()
    table.add_row("first card after a start / the later ones", "", f"{took[0] / later:.1f}")
    Console(width=120).print(table)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    figures = {"cpu_s": found, "cards_s": took, "first_to_later": took[0] / later}
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
