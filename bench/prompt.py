"""``python -m bench.prompt``: how long the prompt is, and how long it takes to write, as log and runbook grow.

A trouble is told once in a log of a thousand to a million lines; the runbook holds ten to a hundred thousand entries,
among them three of the same trouble. The prompt is to stay as long as it is, below its budget.
"""

from __future__ import annotations

import json
import platform
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.digest import repeated
from bot.domain.evidence import Evidence, LogDigest
from bot.domain.llm import prompt
from bot.domain.logs.digest import digest_log
from bot.domain.runbook import precedents
from bot.domain.runbook_entry import Entry
from bot.domain.symptoms import diagnose
from bot.domain.target import parse_target
from tests.domain import log_cases
from tests.support.fakes import facts

BUDGET = 6_000
LINES = (1_000, 10_000, 100_000, 1_000_000)
ENTRIES = (10, 1_000, 100_000)
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
RESULTS = Path("bench/results/prompt.json")
_WORDS = (
    "basket",
    "order",
    "refund",
    "queue",
    "index",
    "cache",
    "shard",
    "parcel",
    "route",
    "ledger",
    "quota",
    "batch",
)


def log(lines: int) -> LogDigest:
    """Digest a log of ``lines`` lines that tells the trouble at its beginning."""
    trouble = next(one for one in log_cases.troubles() if one.name == "hikari_pool")
    told = log_cases.make(trouble, "logback", "flood", 0, 400).log
    calm = log_cases.make(trouble, "logback", "tail", 0, 500).log
    return digest_log(part for source in ([told], repeated(calm, max(0, lines - 400))) for part in source)


def memory(count: int, told: Sequence[str]) -> list[Entry]:
    """Make ``count`` entries: other troubles of other targets, and three of the one that ``told`` tells of."""
    return [*_others(count - 3), *_same(told)]


def _others(count: int) -> Iterator[Entry]:
    rng = random.Random(0)
    for number in range(count):
        words = rng.sample(_WORDS, 5)
        line = f"ERROR {words[0]} {words[1]} failed: {words[2]} of {words[3]} has no {words[4]} {rng.randrange(9999)}"
        yield Entry(
            root_cause=f"The {words[2]} broke.",
            action="restart",
            id=f"o{number}",
            at="2026-10-01T00:00:00Z",
            target=words[3],
            trouble="data_error",
            evidence=(line,),
            outcome="resolved",
        )


def _same(told: Sequence[str]) -> Iterator[Entry]:
    for number in range(3):
        yield Entry(
            root_cause="Hung requests held all connections.",
            action="restart",
            id=f"s{number}",
            at=f"2026-11-2{number}T00:00:00Z",
            target="shop",
            trouble="resource_exhaustion",
            symptom=precedents.comparable_line(told[0]),
            evidence=tuple(told),
            outcome="resolved",
        )


def decisive(read: LogDigest) -> list[str]:
    """Return the lines by which the trouble of a log is known again."""
    return [
        line.text for line in diagnose.decisive(Evidence(parse_target("shop"), NOW.isoformat(), facts("shop"), read))
    ]


def measure(lines: int, read: LogDigest, entries: list[Entry]) -> dict[str, int | float]:
    """Write the prompt for one log and one runbook; the index of the runbook is made before."""
    evidence = Evidence(parse_target("shop"), NOW.isoformat(), facts("shop"), read)
    proven = diagnose.find_symptoms(evidence)
    told = decisive(read)
    trouble = proven[0].trouble.value if proven else ""
    precedents.find_precedents(entries, target="shop", lines=told, trouble=trouble, now=NOW)
    started = time.perf_counter()
    past = precedents.find_precedents(entries, target="shop", lines=told, trouble=trouble, now=NOW)
    found = time.perf_counter()
    full, shorter = prompt.build_prompts(
        evidence, proven, past, alert="p99 above 3 s", title="HighLatency", nonce="k3v9x2m7q4", budget=BUDGET
    )
    written = time.perf_counter()
    return {
        "log_lines": lines,
        "entries": len(entries),
        "precedents": len(past),
        "tokens": full.tokens,
        "shorter_tokens": shorter.tokens,
        "characters": len(full.system) + len(full.data),
        "recall_ms": round(1000 * (found - started), 1),
        "write_ms": round(1000 * (written - found), 1),
    }


def main() -> dict[str, object]:
    """Measure all lengths, print a table, and write and return the figures."""
    logs = {lines: log(lines) for lines in LINES}
    told = decisive(logs[LINES[0]])
    memories = [memory(count, told) for count in ENTRIES]
    rows = [measure(lines, logs[lines], entries) for entries in memories for lines in LINES]
    table = Table(title=f"The prompt; its budget is {BUDGET:,} tokens")
    for name in ("log lines", "entries", "precedents", "tokens", "shorter one", "characters", "recall ms", "write ms"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    Console().print(table)
    tokens = [row["tokens"] for row in rows]
    print(f"From {min(tokens):,} to {max(tokens):,} tokens.")
    machine = f"{platform.machine()}, Python {platform.python_version()}, one core"
    found: dict[str, object] = {"machine": machine, "budget": BUDGET, "rows": rows}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return found


if __name__ == "__main__":
    main()
