"""``python -m bench.digest``: how fast a log becomes a digest, in how much memory, and whether what matters survives.

Speed: logs of the test generators, repeated with other digits to a million lines, the cause among the first of them;
and one in which every line has ids of its own. Quality: hard logs, cut to the same room by what others do. The template
miner drain3 is measured beside it where it is installed (``--group bench``).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import platform
import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.domain.logs.digest import digest_log
from tests.domain import log_cases
from tests.domain.hard_logs import maker

LINES = 1_000_000
CHUNK = 1 << 16
BUDGET = 8_000
STYLES = ("plain", "logback", "logfmt_ts", "json_upper", "postgres", "nginx")
IDS = "own ids"
RESULTS = Path("bench/results/digest.json")
PEER_LINES = 20_000
LONGEST = 10_000
"""Quiet lines that a hard log may have at most, since the peer takes a minute for a million."""
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def repeated(log: bytes, lines: int) -> Iterator[bytes]:
    """Yield ``log`` again and again with its digits exchanged, in chunks, until there are so many lines."""
    rng = random.Random(0)
    for _ in range(max(1, lines // log.count(b"\n"))):
        digits = bytes(rng.sample(range(48, 58), 10))
        turned = log.translate(bytes.maketrans(b"0123456789", digits))
        yield from (turned[at : at + CHUNK] for at in range(0, len(turned), CHUNK))


def own_ids(lines: int) -> Iterator[bytes]:
    """Yield lines that are known by their words only: each has two ids of letters and digits."""
    rng = random.Random(0)
    deeds = [" ".join(rng.sample(maker.grounds()["nouns"], 4)) for _ in range(300)]
    for _ in range(max(1, lines // 1_000)):
        ids = ("".join(rng.choices(_ALPHABET, k=20)) for _ in range(2_000))
        yield "".join(
            f"2026-11-22T10:04:31.{rng.randrange(1000):03d}Z INFO {rng.choice(deeds)} session={one} key={other}\n"
            for one, other in zip(ids, ids, strict=True)
        ).encode()


def seconds_of(work: Callable[[], object]) -> float:
    """Return the processor seconds that ``work`` takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measure(style: str) -> dict[str, float | str | bool | None]:
    """Digest a million lines of one format, the cause among the first of them; return lines a second and more."""
    trouble = next(one for one in log_cases.troubles() if one.name == "hikari_pool")
    case = log_cases.make(trouble, "plain" if style == IDS else style, "early", 0, 400)
    quiet = b"" if style == IDS else log_cases.make(trouble, style, "tail", 0, 20_000).log

    def fed() -> Iterator[bytes]:
        return own_ids(LINES) if style == IDS else repeated(quiet, LINES)

    feeding = seconds_of(lambda: [None for _ in fed()])
    started = time.process_time()
    found = digest_log(part for source in ([case.log], fed()) for part in source)
    seconds = time.process_time() - started - feeding
    first = b"".join(own_ids(PEER_LINES)) if style == IDS else quiet
    return {
        "format": style,
        "lines": found.total_lines,
        "megabytes": round(found.total_bytes / 1e6, 1),
        "lines_per_second": round(found.total_lines / seconds),
        "peer_lines_per_second": peer_speed(first.decode("utf-8", "replace").splitlines()[:PEER_LINES]),
        "kept": all(any(part in line.text for line in found.lines) for part in case.keep),
        "characters": sum(len(line.text) for line in found.lines),
    }


def mine(lines: Sequence[str]) -> list[str] | None:
    """Return the first line of each of drain3's templates, the rarest first; ``None`` where it is not installed."""
    if importlib.util.find_spec("drain3") is None:
        return None
    miner = importlib.import_module("drain3").TemplateMiner()
    first: dict[int, str] = {}
    for line in lines:
        first.setdefault(miner.add_log_message(line)["cluster_id"], line)
    sizes = {cluster.cluster_id: cluster.size for cluster in miner.drain.clusters}
    return [first[number] for number in sorted(first, key=lambda number: sizes.get(number, 0))]


def peer_speed(lines: Sequence[str]) -> float | None:
    """Return the lines a second of drain3 with its defaults, or ``None`` where it is not installed."""
    if importlib.util.find_spec("drain3") is None:
        return None
    return round(len(lines) / seconds_of(lambda: mine(lines)))


def fitting(lines: Sequence[str]) -> str:
    """Return as many of the lines as fit into the room, from the first on."""
    kept, room = [], BUDGET
    for line in lines:
        room -= len(line)
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept)


def quality() -> list[dict[str, object]]:
    """Return, for each way to cut a log to the room, in how many hard logs all that matters survives."""
    ways: dict[str, Callable[[bytes, list[str]], str | None]] = {
        "last 100 lines": lambda _, lines: "\n".join(lines[-100:])[-BUDGET:],
        "head and tail": lambda _, lines: "\n".join(lines)[: BUDGET // 2] + "\n".join(lines)[-BUDGET // 2 :],
        "drain3, rarest template first": lambda _, lines: None if (told := mine(lines)) is None else fitting(told),
        "the digest": lambda log, _: "\n".join(line.text for line in digest_log([log], budget=BUDGET).lines),
    }
    kept = dict.fromkeys(ways, 0)
    count = 0
    files = ("first", "second", "third")
    for case in (case for which in files for case in maker.cases(which, "bench", longest=LONGEST)):
        count += 1
        lines = case.log.decode("utf-8", "replace").splitlines()
        for way, cut in ways.items():
            shown = cut(case.log, lines)
            kept[way] += shown is not None and all(part in shown for part in case.keep)
    return [
        {"way": way, "kept": number, "of": count, "share": round(number / count, 3)} for way, number in kept.items()
    ]


def main() -> dict[str, object]:
    """Measure all formats, print the tables, and write and return the figures."""
    rows = [measure(style) for style in (*STYLES, IDS)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    ways = quality()
    found: dict[str, object] = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, one core",
        "peak_memory_mb": peak,
        "formats": rows,
        "hard_logs": ways,
    }
    speed = Table("format", "lines", "MB", "lines/s", "wanted", "drain3", "cause kept", title="The log digest: speed")
    for row in rows:
        peers = row["peer_lines_per_second"]
        beside = f"{peers:,}" if peers else "not installed"
        kept = "yes" if row["kept"] else "no"
        said = (f"{row['lines']:,}", str(row["megabytes"]), f"{row['lines_per_second']:,}", "≥ 400,000", beside, kept)
        speed.add_row(str(row["format"]), *said)
    shares = Table("way", "all that matters kept", "of", "share", title=f"Hard logs cut to {BUDGET:,} characters")
    for way in ways:
        shares.add_row(str(way["way"]), str(way["kept"]), str(way["of"]), f"{way['share']:.1%}")
    console = Console()
    console.print(speed)
    console.print(f"Peak memory of the process: {peak} MB (wanted: below 150 MB).")
    console.print(shares)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=2)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    print(text)
    return found


if __name__ == "__main__":
    main()
