"""Throws texts at every reader of outside data, by coverage where atheris is installed, and counts the executions.

``python -m bench.fuzz --seconds 60`` gives each reader that long; ``--reader NAME`` only one. atheris is no part of the
lock file, since it has no wheels for every platform: ``pip install atheris`` beside it. Without it the texts are made
of the words that the readers look for, at random.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORDS = (
    *("firing", "resolved", "container", "buggy-app-v2", "name=", "status", "<!channel>", "<@U1>", "`", "*", "```"),
    *("[FIRING:1]", "{", "}", "[", "]", '"', ":", ",", "\\", "\n", "\r\n", "\x00", "\ud800", "\u202e", "\x1b[31m"),
    *("http://", "https://u:p@h:99999/", "password=", "Bearer ", "-----BEGIN PRIVATE KEY-----", "xoxb-1-", "eyJ"),
    *("root_cause", "restart", "confidence", "NaN", "1e999", "-0", "9" * 400, "2026-11-22T10:00:00.123456789Z"),
    *("diagnose", "runbook", "U0ONCALL", "S0OPS", "=", "://", "%00", "..", "/", "ERROR ", "Traceback", "٣", " "),
)


def readers() -> dict[str, Callable[[str], Any]]:
    """Return all readers as readers of a text; of a JSON value, of the JSON in it."""
    from tests.security.parsers import TEXTS, VALUES, tried  # noqa: PLC0415 - instrumented when it is first imported

    def value(reader: Callable[[Any], Any]) -> Callable[[str], Any]:
        def read(text: str) -> None:
            with contextlib.suppress(ValueError, RecursionError):
                tried(reader, json.loads(text))

        return read

    def words(reader: Callable[[str], Any]) -> Callable[[str], Any]:
        return lambda text: tried(reader, text)

    found = {name: words(reader) for name, reader in TEXTS.items()}
    return found | {f"{name} as JSON": value(reader) for name, reader in VALUES.items()}


def made_up(chance: random.Random, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value of the readers' words."""
    if depth < 4 and chance.random() < 0.6:
        if chance.random() < 0.5:
            return [made_up(chance, depth + 1) for _ in range(chance.randrange(4))]
        return {chance.choice(WORDS): made_up(chance, depth + 1) for _ in range(chance.randrange(4))}
    return chance.choice([None, True, 0, -1, 1e308, 10**30, chance.choice(WORDS), chance.choice(WORDS)])


def at_random(name: str, seconds: float) -> int:
    """Read made-up texts for so long; return how many."""
    reader, chance, count = readers()[name], random.Random(name), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if name.endswith("as JSON"):
            text = json.dumps(made_up(chance))
        else:
            text = "".join(chance.choices(WORDS, k=chance.randrange(60)))
        count += 1
        try:
            reader(text)
        except Exception:
            print(f"{name} failed on {text!r}", flush=True)
            raise
    return count


def by_coverage(name: str, seconds: float) -> None:
    """Let atheris read for so long; it ends the process."""
    atheris = importlib.import_module("atheris")  # only where it is installed

    with atheris.instrument_imports(include=["bot"]):
        reader = readers()[name]

    def one(data: bytes) -> None:
        reader(atheris.FuzzedDataProvider(data).ConsumeUnicode(4000))

    with tempfile.TemporaryDirectory() as corpus:
        for number, word in enumerate([*WORDS, json.dumps(made_up(random.Random(1)))]):
            Path(corpus, str(number)).write_text(word, errors="replace")
        atheris.Setup([name, corpus, f"-max_total_time={seconds:.0f}", "-print_final_stats=1", "-timeout=20"], one)
        atheris.Fuzz()


def main() -> int:
    """Fuzz one reader after the other; the exit code says whether one failed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=5.0)
    asked.add_argument("--reader", default="")
    asked.add_argument("--by-coverage", action="store_true", help="in this process, which then ends")
    given = asked.parse_args()
    if given.by_coverage:
        by_coverage(given.reader, given.seconds)
    guided = importlib.util.find_spec("atheris") is not None
    failed = 0
    for name in [given.reader] if given.reader else readers():
        if guided:
            command = [sys.executable, "-m", "bench.fuzz", "--by-coverage", "--reader", name]
            ran = subprocess.run(
                [*command, "--seconds", str(given.seconds)], capture_output=True, text=True, check=False
            )
            told = re.search(r"number_of_executed_units:\s*(\d+)", ran.stderr)
            covered = re.findall(r"cov: (\d+)", ran.stderr)
            count, wrong = int(told[1]) if told else 0, ran.returncode != 0
            print(f"{name:28} {count:>10,} executions, {covered[-1] if covered else '?'} edges", flush=True)
            if wrong:
                print(ran.stdout[-3000:], ran.stderr[-3000:], sep="\n")
            failed += wrong
        else:
            print(f"{name:28} {at_random(name, given.seconds):>10,} executions", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
