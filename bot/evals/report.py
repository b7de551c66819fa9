"""The report of ``aegis eval`` for people: a line for each diagnosis that is not right in all, and the totals. Pure."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.domain.text import clean, clip
from bot.evals.grade import SURE, Mark, Total
from bot.evals.run import Report

_HELPS = {True: "yes", False: "no", None: "unknown"}


def table(found: Report) -> RenderableType:
    """Show every diagnosis on a line, those that are wrong with what was said, and the totals below."""
    rows = Table(box=None)
    rows.add_column("case", no_wrap=True, min_width=20, max_width=28)
    for name in ("class", "cause", "action", "helps", "lines"):
        rows.add_column(name, min_width=6)
    for name in ("sure", "tokens", "s"):
        rows.add_column(name, no_wrap=True, justify="right")
    for one in found.marks:
        rows.add_row(*_row(one))
    return Group(rows, Text(), *totals(found.brain, found.times, found.total))


def _row(one: Mark) -> list[Text]:
    said = Text("ok", "green") if one.trouble else Text(f"{one.said}, not {one.expected}", "bold red")
    helps = Text("ok", "green") if one.helps else Text(f"said {_HELPS[one.helps_said]}", "bold red")
    return [
        Text(clip(clean(one.case), 34)),
        said,
        _right(one.cause, "not stated"),
        _right(one.action, f"said {one.action_said}"),
        helps,
        _right(one.verbatim and one.kept, "lost" if one.verbatim else "not in the log"),
        Text(f"{100 * one.confidence:.0f} %"),
        Text(f"{one.tokens:,}" if one.tokens else "–"),
        Text(f"{one.seconds:.1f}" + (" by rules" if one.fell_back else "")),
    ]


def _right(right: bool, wrong: str) -> Text:
    return Text("ok", "green") if right else Text(wrong, "bold red")


def totals(brain: str, times: int, total: Total) -> list[Text]:
    """Say in a few lines how good the diagnoses were."""
    many = "case" if total.cases == 1 else "cases"
    often = f", {times} times each" if times > 1 else ""
    misled = f" (where the evidence misleads {_percent(total.misleading)})" if total.misled else ""
    lines = [
        f"{total.cases} {many}{often}, diagnosed by {'the rules' if brain == 'rules' else brain}",
        f"right class {_percent(total.trouble)}{misled}, "
        f"stated cause {_percent(total.cause)}, action {_percent(total.action)}, "
        f"whether a restart helps {_percent(total.helps)}",
        f"lines that must survive {_percent(total.kept)}, printed lines word for word {_percent(total.verbatim)}",
        f"on average {_percent(total.confidence)} sure; wrong with {_percent(SURE)} or more: {total.sure_and_wrong}",
        f"{total.tokens:,} tokens, {total.seconds:.1f} s in all",
    ]
    if total.fell_back:
        lines.append(f"The model gave no usable answer {total.fell_back} times, and the rules spoke in its place.")
    return [Text(lines[0], "bold"), *map(Text, lines[1:])]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace(".0 %", " %")
