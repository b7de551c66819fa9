"""Formats results of the command line as text and JSON.

Pure: no clock and no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.domain.diagnosis import RULES, Diagnosis
from bot.domain.evidence import Facts, LogDigest, Source
from bot.domain.logs.line import level_of
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.text import collapse_whitespace

if TYPE_CHECKING:
    # Only the types: both modules import packages that small commands do not need.
    from bot.doctor.check import Check
    from bot.incidents.investigation import Findings

_MARKS = {True: ("OK  ", "green"), False: ("FAIL", "bold red"), None: ("SKIP", "yellow")}


def check(result: Check) -> Text:
    """Return the result of one check of the doctor, with its hint on the next line."""
    hint = f"\n      → {result.hint}" if result.hint else ""
    detail = result.detail.replace("\n", "\n      ")
    return Text.assemble(_MARKS[result.ok], f"  {result.name}: {detail}{hint}")


def verdict(results: Sequence[Check]) -> Text:
    """Return the summary of the doctor's checks."""
    failed = sum(1 for result in results if result.ok is False)
    return Text(f"{failed} of {len(results)} checks failed." if failed else "No check failed.", "bold")


def diagnosis(findings: Findings) -> RenderableType:
    """Return a diagnosis as plain text with the content of a Slack card."""
    answer = findings.diagnosis
    table = Table.grid(padding=(0, 2))
    table.add_row("Suggested", _headline(answer))
    table.add_row("Cause", _text(answer.root_cause))
    table.add_row("Why", _text(answer.justification))
    for caveat in answer.caveats:
        table.add_row("Caution", _text(caveat))
    for quote in answer.quotes:
        table.add_row(
            "Log line", Text(collapse_whitespace(quote.text) + (f"  ×{quote.count}" if quote.count > 1 else ""), "dim")
        )
    if findings.evidence.facts:
        table.add_row("Facts", _facts(findings.evidence.facts))
    for precedent in findings.precedents:
        table.add_row("Seen before", _text(f"{precedent.entry.root_cause} ({precedent.entry.outcome or 'no outcome'})"))
    table.add_row("Sources", Text(" · ".join(_source(source) for source in findings.evidence.sources)))
    return Group(Text(collapse_whitespace(f"{findings.evidence.target}: {answer.headline}"), "bold"), table)


def diagnosis_json(findings: Findings) -> dict[str, object]:
    """Return a diagnosis with keys that do not change between versions."""
    answer = findings.diagnosis
    return {
        "target": str(findings.evidence.target),
        "class": answer.trouble.value,
        "root_cause": answer.root_cause,
        "action": answer.action.value,
        "restart_helps": answer.restart_helps,
        "justification": answer.justification,
        "confidence": round(answer.confidence, 3),
        "by": answer.by,
        "quotes": [quote.text for quote in answer.quotes],
        "sources": {source.name: source.status.value for source in findings.evidence.sources},
        "digest": digest(findings.evidence.log),
        "precedents": [precedent.entry.id for precedent in findings.precedents],
        "tokens": answer.tokens,
    }


def digest(log: LogDigest, budget: int | None = None) -> str:
    """Return a log digest as lines, each with its number and how often its pattern occurs.

    If the text is longer than ``budget`` characters, leave out the least severe lines.
    """
    width = len(str(log.lines[-1].number)) if log.lines else 1
    lines = []
    for line in log.lines:
        start = "--- restarted ---\n" if line.boundary else ""
        times = f"  ×{line.count}" + (f" until {line.until}" if line.until else "") if line.count > 1 else ""
        lines.append(f"{start}{line.number:>{width}}  {line.text}{times}\n")
    if budget is not None:
        excess = sum(map(len, lines)) - budget
        for place in sorted(range(len(lines)), key=lambda place: level_of(log.lines[place].text)):
            if excess <= 0:
                break
            excess -= len(lines[place])
            lines[place] = ""
    return "".join(lines).removesuffix("\n")


def entries(shown: Sequence[Entry]) -> RenderableType:
    """Return a table of runbook entries, one row each."""
    if not shown:
        return Text("The runbook is empty.")
    table = Table("when", "target", "root cause", "action", "outcome", box=None)
    for entry in shown:
        words = (entry.at[:16] or "–", entry.target or "–", entry.root_cause, entry.action, entry.outcome or "–")
        table.add_row(*map(_text, words))
    return table


def matches(precedents: Sequence[Precedent]) -> RenderableType:
    """Return a table of the matches of a search, best first."""
    if not precedents:
        return Text("No runbook entry matches.")
    table = Table("rank", "score", "id", "target", "root cause", "outcome", "why", box=None)
    for rank, match in enumerate(precedents, 1):
        entry = match.entry
        words = (
            str(rank),
            f"{match.score:.2f}",
            entry.id or "–",
            entry.target or "–",
            entry.root_cause,
            entry.outcome or "–",
        )
        table.add_row(*map(_text, (*words, match.why)))
    return table


def matches_json(precedents: Sequence[Precedent]) -> list[dict[str, object]]:
    """Return the matches of a search, best first, with keys that do not change between versions."""
    return [{"id": match.entry.id, "score": round(match.score, 4), "why": match.why} for match in precedents]


def pairs(name: str, values: Mapping[str, object]) -> Text:
    """Return names and values on one line after a title."""
    shown = (
        f"{key} {', '.join(value) if isinstance(value, list) else value}" for key, value in values.items() if value
    )
    return _text(f"{name}: {' · '.join(shown)}")


def _text(outside: str) -> Text:
    """Return outside text without characters that move the cursor or change colours."""
    return Text(collapse_whitespace(outside))


def _headline(answer: Diagnosis) -> Text:
    by = "rule-based" if answer.by == RULES else answer.by
    reason = f" ({answer.why_rules.removesuffix('.')})" if answer.why_rules else ""
    return Text(f"{answer.action.value} · {answer.confidence * 100:.0f}% confidence · {by}{reason}")


def _facts(facts: Facts) -> Text:
    parts = [facts.status]
    if not facts.running or facts.exit_code:
        parts.append(f"exit code {facts.exit_code}")
    parts += ["out of memory"] if facts.oom_killed else []
    parts += [f"{facts.restart_count} automatic restarts"] if facts.restart_count else []
    parts += [f"health {facts.health}"] if facts.health else []
    parts += [f"image {facts.image}"] if facts.image else []
    return _text(" · ".join(parts))


def _source(source: Source) -> str:
    return f"{source.name} {source.status.value}" + (f" ({source.detail})" if source.detail else "")
