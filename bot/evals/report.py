"""The report of ``aegis eval`` as a table.

Pure: no clock and no I/O.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.domain.diagnosis import RULES
from bot.domain.text import clip, collapse_whitespace
from bot.evals.grade import HIGH_CONFIDENCE, Mark, Total
from bot.evals.run import Report

_HELPS = {True: "yes", False: "no", None: "unknown"}


def table(report: Report) -> RenderableType:
    """Return a table with a row for each diagnosis, and the totals below."""
    rows = Table(box=None)
    rows.add_column("case", no_wrap=True, min_width=20, max_width=28)
    for name in ("class", "cause", "action", "restart", "lines"):
        rows.add_column(name, min_width=6)
    for name in ("confidence", "tokens", "seconds"):
        rows.add_column(name, no_wrap=True, justify="right")
    for mark in report.marks:
        rows.add_row(*_row(mark))
    return Group(rows, Text(), *totals(report.diagnoser, report.times, report.total))


def _row(mark: Mark) -> list[Text]:
    predicted = Text("ok", "green") if mark.trouble else Text(f"{mark.predicted}, not {mark.expected}", "bold red")
    helps = Text("ok", "green") if mark.helps else Text(f"wrong: {_HELPS[mark.predicted_helps]}", "bold red")
    return [
        Text(clip(collapse_whitespace(mark.case), 34)),
        predicted,
        _right(mark.cause, "not stated"),
        _right(mark.action, f"wrong: {mark.predicted_action}"),
        helps,
        _right(mark.verbatim and mark.digest_complete, "missing" if mark.verbatim else "not in the log"),
        Text(f"{100 * mark.confidence:.0f}%"),
        Text(f"{mark.tokens:,}" if mark.tokens else ""),
        Text(f"{mark.seconds:.1f}" + (" rule-based" if mark.fell_back else "")),
    ]


def _right(right: bool, wrong: str) -> Text:
    return Text("ok", "green") if right else Text(wrong, "bold red")


def totals(diagnoser: str, times: int, total: Total) -> list[Text]:
    """Return the lines with the total figures."""
    cases = "1 case" if total.cases == 1 else f"{total.cases:,} cases"
    repeated = f", {times} times each" if times > 1 else ""
    misled = f" (misleading cases: {_percent(total.misleading)})" if total.misled else ""
    by = "rule-based" if diagnoser == RULES else f"diagnosed by {diagnoser}"
    lines = [
        f"{cases}{repeated}, {by}",
        f"right class: {_percent(total.trouble)}{misled}",
        f"right cause: {_percent(total.cause)}",
        f"right action: {_percent(total.action)}",
        f"right on whether a restart helps: {_percent(total.helps)}",
        f"required lines in the digest: {_percent(total.digest_complete)}",
        f"printed lines verbatim: {_percent(total.verbatim)}",
        f"mean confidence: {_percent(total.confidence)}",
        f"wrong classes with a confidence of {_percent(HIGH_CONFIDENCE)} or more: {total.confident_errors}",
        f"cost: {total.tokens:,} tokens, {total.seconds:.1f} s",
    ]
    if total.fell_back:
        lines.append(f"rule-based because the model gave no usable answer: {total.fell_back}")
    return [Text(lines[0], "bold"), *map(Text, lines[1:])]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%".replace(".0%", "%")
