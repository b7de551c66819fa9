"""``python -m bench.redaction``: how many secrets go, how many harmless lines are touched, and how fast.

The lines are the forms of tests/corpus/redaction with drawn values and the examples of tests/corpus/secrets.jsonl.
detect-secrets is measured on the same lines where it is installed: a line counts as found where it reports any secret.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import platform
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.domain.redaction.redact import redact
from tests.domain import redaction_cases
from tests.domain.redaction_cases import Case

CORPUS = Path("tests/corpus")
RESULTS = Path("bench/results/redaction.json")
DIGEST = 8_000
"""Characters of a digest that is read at once."""


def examples(*, secret: bool) -> list[Case]:
    """Return the examples that were given with the corpus."""
    rows = [json.loads(line) for line in (CORPUS / "secrets.jsonl").read_text(encoding="utf-8").splitlines()]
    return [Case(row["line"], _several(row.get("secret"))) for row in rows if ("secret" in row) is secret]


def _several(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()


def sets() -> dict[str, tuple[list[Case], list[Case]]]:
    """Return the sets of lines with secrets and of harmless ones."""
    drawn = {
        f"set {name}": (
            redaction_cases.secrets(f"secrets-{name}.txt", 11),
            redaction_cases.harmless(f"harmless-{name}.txt", 11),
        )
        for name in "12345"
    }
    return {"examples": (examples(secret=True), examples(secret=False)), **drawn}


def peer(cases: Iterable[Case]) -> list[bool] | None:
    """Say of which texts detect-secrets reports a line; ``None`` where it is not installed."""
    if importlib.util.find_spec("detect_secrets") is None:
        return None
    scan = importlib.import_module("detect_secrets.core.scan")
    settings = importlib.import_module("detect_secrets.settings")
    with settings.default_settings():
        return [any(any(scan.scan_line(line)) for line in case.text.split("\n")) for case in cases]


def quality(secret: list[Case], harmless: list[Case]) -> dict[str, float | int | None]:
    """Return the shares of texts without any of their secrets and of harmless texts touched, ours and the peer's."""
    gone = [not redaction_cases.remains(case, redact(case.text)) for case in secret]
    touched = [redact(case.text) != case.text for case in harmless]
    theirs, alarms = peer(secret), peer(harmless)
    return {
        "secrets": len(secret),
        "gone": sum(gone) / len(gone),
        "peer_found": sum(theirs) / len(theirs) if theirs else None,
        "harmless": len(harmless),
        "touched": sum(touched) / len(touched),
        "peer_touched": sum(alarms) / len(alarms) if alarms else None,
    }


def seconds(text: str, times: int = 1) -> float:
    """Return how long one redaction takes, in seconds of one core."""
    started = time.process_time()
    for _ in range(times):
        redact(text)
    return (time.process_time() - started) / times


def speed() -> dict[str, float]:
    """Return megabytes a second on logs, seconds on one endless line, and milliseconds on a digest."""
    logs = "\n".join(
        gzip.decompress(path.read_bytes()).decode("utf-8", "replace")[:400_000]
        for path in sorted((CORPUS / "logs").glob("*.gz"))
    )
    dense = "\n".join(case.text for name in "12345" for case in redaction_cases.secrets(f"secrets-{name}.txt", 11))
    one = "GET /api/orders status=200 key=orders:1 token expired password=Abc12345! " * 13_700
    return {
        "logs_mb": len(logs) / 1e6,
        "logs_mb_per_second": len(logs) / 1e6 / seconds(logs),
        "secrets_mb_per_second": len(dense) / 1e6 / seconds(dense, 5),
        "one_line_of_a_megabyte_seconds": seconds(one[:1_000_000]),
        "digest_milliseconds": seconds(logs[:DIGEST], 20) * 1000,
    }


def main() -> dict[str, object]:
    """Measure everything, print it and return it."""
    found = {name: quality(*cases) for name, cases in sets().items()}
    table = Table("lines", "secrets", "gone", "detect-secrets", "harmless", "touched", "detect-secrets ")
    for name, row in found.items():
        shares = [row[key] for key in ("gone", "peer_found", "touched", "peer_touched")]
        gone, theirs, touched, alarms = ("–" if share is None else f"{share:.1%}" for share in shares)
        table.add_row(name, str(row["secrets"]), gone, theirs, str(row["harmless"]), touched, alarms)
    quick = speed()
    Console(width=120).print(table, *(f"{name}: {value:.2f}" for name, value in quick.items()), sep="\n")
    return {"machine": platform.platform(), "quality": found, "speed": quick}


if __name__ == "__main__":
    figures = main()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
