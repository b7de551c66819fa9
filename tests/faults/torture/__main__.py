"""``python -m tests.faults.torture``: every fault at every effect of every flow; ends with a table."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.torture.flow import FLOWS, Run, faults, play, twice
from tests.faults.torture.seam import Effect, Fault, Kind

RESULTS = Path("bench/results/torture.json")
AT_ONCE = 12
"""Runs side by side; most of each is waiting."""


@dataclass
class Tally:
    """What was tried in one flow, and what came of it."""

    effects: list[Effect] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def add(self, run: Run) -> None:
        """Count a run."""
        about, kind = ", then ".join(map(str, run.faults)), _kind(run.faults)
        if not run.happened:
            self.missed.append(about)
        self.tried[kind] += run.happened
        self.survived[kind] += run.happened and not run.wrong
        self.states[run.state] += 1
        if run.wrong:
            self.wrong[about] = run.wrong

    def as_json(self) -> dict[str, Any]:
        """Return it for the file of results."""
        return {
            "effects": [str(one) for one in self.effects],
            "tried": dict(self.tried),
            "survived": dict(self.survived),
            "ended": dict(self.states),
            "did not come up": self.missed,
            "wrong": self.wrong,
        }


TWICE = "kill -9, twice"


def _kind(faults: Sequence[Fault]) -> str:
    return faults[0].kind if len(faults) == 1 else TWICE


async def one(flow: str, *faults: Fault, keep: Path | None = None) -> Run:
    """Run a flow once in a folder of its own, which stays under ``keep`` where something is wrong."""
    if keep is not None:
        folder = Path(tempfile.mkdtemp(prefix=f"{flow.replace(' ', '-')}-", dir=keep))
        run = await play(flow, folder, *faults)
        (folder / "run.txt").write_text(f"{run}\n")
        return run
    with tempfile.TemporaryDirectory() as folder_name:
        return await play(flow, Path(folder_name), *faults)


async def torture(flow: str, tally: Tally, options: argparse.Namespace) -> None:
    """Count the effects of a flow, then let everything go wrong with each."""
    clean = await one(flow)
    if clean.wrong:
        raise SystemExit(f"{flow}, without any fault: {'; '.join(clean.wrong)}")
    tally.effects = clean.effects
    print(f"{flow}: {len(clean.effects)} effects")
    for number, effect in enumerate(clean.effects, 1):
        print(f"{number:4}  {effect}")
    room = asyncio.Semaphore(options.at_once)

    async def tried(*faults: Fault) -> None:
        async with room:
            run = await one(flow, *faults, keep=options.keep)
            if not run.happened:
                run = await one(flow, *faults, keep=options.keep)
        tally.add(run)
        if run.wrong or not run.happened:
            what = "; ".join(run.wrong) or "did not come up"
            print(f"{flow}: {', then '.join(map(str, faults))} ({run.state or '?'}): {what}", flush=True)

    wanted = [(fault,) for fault in faults(clean.effects) if options.only in str(fault)]
    pairs = twice(clean.effects, options.twice, Random(options.seed))
    await asyncio.gather(*(tried(*each) for each in (*wanted, *pairs)))


def show(tallies: dict[str, Tally], seconds: float) -> None:
    """Print the table."""
    table = Table("what went wrong", *tallies, title="Every effect of the whole flow, survived of tried")
    for kind in (*Kind, TWICE):
        table.add_row(str(kind), *(f"{one.survived[kind]} of {one.tried[kind]}" for one in tallies.values()))
    table.add_row("effects", *(str(len(one.effects)) for one in tallies.values()))
    table.add_row("did not come up", *(str(len(one.missed)) for one in tallies.values()))
    table.add_row(
        "ended", *(", ".join(f"{count} {name}" for name, count in one.states.items()) for one in tallies.values())
    )
    Console(width=120).print(table)
    print(f"{seconds:.0f} s")


def write(found: Mapping[str, object]) -> None:
    """Write the results."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


async def main(options: argparse.Namespace) -> int:
    """Torture every flow; the exit code says whether all was survived."""
    began = time.monotonic()
    tallies = {flow: Tally() for flow in FLOWS if options.flow in ("", flow)}
    for flow, tally in tallies.items():
        await torture(flow, tally, options)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": sys.platform}
    write({"machine": machine, **{flow: tally.as_json() for flow, tally in tallies.items()}})
    show(tallies, time.monotonic() - began)
    return int(any(tally.wrong for tally in tallies.values()))


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", default="", help="a part of what goes wrong, such as 'hang' or 'chat.update'")
    asked.add_argument("--flow", default="", choices=["", *FLOWS])
    asked.add_argument("--at-once", type=int, default=AT_ONCE)
    asked.add_argument("--twice", type=int, default=60, help="so many times it is killed again while it recovers")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--keep", type=Path, help="a folder in which the runs stay, for a look")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        os.environ[name] = ""
    sys.exit(asyncio.run(main(asked.parse_args())))
