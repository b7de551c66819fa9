"""``python -m bench.retrieval``: does a new trouble find its precedent, is nothing shown where nothing fits, how fast.

The runbooks and troubles are those of tests/domain/retrieval_cases.py; the path is that of the bot: log, digest,
decisive lines, precedents. bm25s and rank-bm25 rank the same lines over the same entries where they are installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import platform
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.adapters.runbook.index import RunbookIndex
from bot.domain.evidence import Evidence
from bot.domain.logs import filters
from bot.domain.runbook import precedents, ranking
from bot.domain.runbook_entry import Entry
from bot.domain.symptoms import diagnose
from bot.domain.target import parse_target
from tests.domain import retrieval_cases
from tests.domain.retrieval_cases import Query

SIZES = (500, 10_000, 100_000)
PEERS = ("bm25s", "rank_bm25")
PEER_MOST = 10_000
"""Entries up to which the peers are measured; they hold everything in memory and are made anew for each addition."""

RESULTS = Path("bench/results/retrieval.json")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as the bot asks it: the decisive lines of the log and the class that they prove."""

    query: Query
    lines: tuple[str, ...]
    trouble: str


def asked(query: Query) -> Asked:
    """Take a query's log the way that an alert's log goes."""
    log = filters.digest_blocks(["\n".join(query.log).encode() + b"\n"], ())
    evidence = Evidence(parse_target(query.target), NOW.isoformat(), None, log)
    proven = diagnose.find_symptoms(evidence)
    lines = tuple(line.text for line in diagnose.decisive(evidence, precedents.ASKED))
    return Asked(query, lines, proven[0].trouble.value if proven else "")


def ours(entries: Sequence[Entry]) -> Callable[[Asked], list[tuple[str, float]]]:
    """Return the bot's own way to find the nearest entries, with their scores."""

    def find(one: Asked) -> list[tuple[str, float]]:
        found = precedents.find_precedents(
            entries, target=one.query.target, lines=one.lines, trouble=one.trouble, now=NOW, least=0.0
        )
        return [(precedent.entry.id, precedent.score) for precedent in found]

    return find


def peer(name: str, entries: Sequence[Entry]) -> Callable[[Asked], list[tuple[str, float]]]:
    """Return how a peer finds the nearest entries: its BM25 over the same words, each once."""
    texts = [
        ranking.split_terms(" ".join((*entry.evidence, entry.root_cause, entry.justification))) for entry in entries
    ]
    module = importlib.import_module(name)
    if name == "bm25s":
        made = module.BM25()
        made.index(texts, show_progress=False)

        def find(one: Asked) -> list[tuple[str, float]]:
            numbers, scores = made.retrieve([_unique(one)], k=3, show_progress=False)
            return [(entries[number].id, float(score)) for number, score in zip(numbers[0], scores[0], strict=True)]
    else:
        okapi = module.BM25Okapi(texts)

        def find(one: Asked) -> list[tuple[str, float]]:
            scores = okapi.get_scores(_unique(one))
            best = sorted(range(len(scores)), key=lambda number: -scores[number])[:3]
            return [(entries[number].id, float(scores[number])) for number in best]

    return find


def _unique(one: Asked) -> list[str]:
    return list(dict.fromkeys(word for line in one.lines for word in ranking.split_terms(line)))


def measure(find: Callable[[Asked], list[tuple[str, float]]], queries: Sequence[Asked]) -> dict[str, float]:
    """Return recall by kind, how well the score tells what fits from what does not, and how long a query takes."""
    places: dict[str, list[int]] = defaultdict(list)
    fitting, strange, times = [], [], []
    for one in queries:
        started = time.perf_counter()
        found = find(one)
        times.append(time.perf_counter() - started)
        best = found[0][1] if found else 0.0
        if one.query.right:
            ids = [name for name, _ in found]
            places[one.query.kind].append(ids.index(one.query.right) + 1 if one.query.right in ids else 99)
            fitting.append(best)
        else:
            strange.append(best)
    above = sum((a > b) + (a == b) / 2 for a in fitting for b in strange)
    times.sort()
    return {
        **{f"{kind}_r1": _share(found, 1) for kind, found in places.items()},
        "cross_r3": _share(places["cross"], 3),
        "auc": above / (len(fitting) * len(strange)),
        "p50_ms": times[len(times) // 2] * 1000,
        "p95_ms": times[int(len(times) * 0.95)] * 1000,
    }


def _share(places: Sequence[int], within: int) -> float:
    return sum(place <= within for place in places) / len(places)


def size(count: int, queries: Sequence[Asked], folder: Path) -> dict[str, dict[str, float]]:
    """Measure a runbook of so many entries, and the peers beside it."""
    entries = retrieval_cases.runbook(count)
    index = RunbookIndex(folder / f"{count}.db")
    started = time.perf_counter()
    index.follow(entries, "1")
    built = time.perf_counter() - started
    figures = measure(ours(index), queries) | {"build_s": built, "add_ms": _adding(index, entries)}
    disk = sum(file.stat().st_size for file in folder.glob(f"{count}.db*")) / 1e6
    found = {"aegis": figures | {"disk_mb": disk}}
    for name in PEERS if count <= PEER_MOST else ():
        if importlib.util.find_spec(name) is not None:
            started = time.perf_counter()
            theirs = peer(name, entries)
            found[name] = {"build_s": time.perf_counter() - started} | measure(theirs, queries)
    return found


def _adding(index: RunbookIndex, entries: Sequence[Entry]) -> float:
    """Return the milliseconds below which 95 of a hundred additions stay."""
    times = []
    for number, entry in enumerate(entries[:100]):
        before = index.stamp()
        started = time.perf_counter()
        index.append(replace(entry, id=f"new-{number}"), f"added {number}", before=before)
        times.append(time.perf_counter() - started)
    return sorted(times)[95] * 1000


def main() -> dict[str, object]:
    """Measure every size, print it and return it."""
    queries = [asked(query) for query in retrieval_cases.queries() if query.kind != "withheld"]
    columns = (
        "same_r1", "noisy_r1", "cross_r1", "cross_r3", "auc", "p50_ms", "p95_ms", "build_s", "add_ms", "disk_mb",
    )  # fmt: skip
    table = Table("entries", "by", *columns)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in SIZES:
            found[str(count)] = size(count, queries, Path(folder))
            for name, row in found[str(count)].items():
                table.add_row(f"{count:,}", name, *(f"{row[key]:.3g}" if key in row else "–" for key in columns))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Console(width=140).print(table, f"{len(queries)} queries; most memory of this process: {most:.0f} MB")
    return {"machine": platform.platform(), "sizes": found, "queries": len(queries)}


if __name__ == "__main__":
    figures = main()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
