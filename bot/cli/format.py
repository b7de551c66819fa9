"""What the command line prints for people, and the JSON of a diagnosis. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.domain.diagnosis import RULES, Diagnosis
from bot.domain.evidence import Facts, LogDigest, Source
from bot.domain.logs.line import level
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.text import clean

if TYPE_CHECKING:
    # The names alone: both import parts that small commands do without.
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


def diagnosis(found: Findings) -> RenderableType:
    """Show a diagnosis as the card does, in plain text."""
    said = found.diagnosis
    table = Table.grid(padding=(0, 2))
    table.add_row("Proposal", _headline(said))
    table.add_row("Cause", _text(said.root_cause))
    table.add_row("Why", _text(said.justification or "–"))
    for caveat in said.caveats:
        table.add_row("Mind", _text(caveat))
    for quote in said.quotes:
        table.add_row("Line", Text(clean(quote.text) + (f"  ×{quote.count}" if quote.count > 1 else ""), "dim"))
    if found.evidence.facts:
        table.add_row("Facts", _facts(found.evidence.facts))
    for precedent in found.precedents:
        table.add_row("Before", _text(f"{precedent.entry.root_cause} ({precedent.entry.outcome or 'no outcome'})"))
    table.add_row("Sources", Text(" · ".join(_source(source) for source in found.evidence.sources)))
    return Group(Text(clean(f"{found.evidence.target}: {said.headline}"), "bold"), table)


def diagnosis_json(found: Findings) -> dict[str, object]:
    """Return a diagnosis with the keys that do not change."""
    said = found.diagnosis
    return {
        "target": found.evidence.target,
        "class": said.trouble.value,
        "root_cause": said.root_cause,
        "action": said.action.value,
        "restart_helps": said.restart_helps,
        "justification": said.justification,
        "confidence": round(said.confidence, 3),
        "by": said.by,
        "quotes": [quote.text for quote in said.quotes],
        "sources": {source.name: source.status.value for source in found.evidence.sources},
        "digest": digest(found.evidence.log),
        "precedents": [precedent.entry.id for precedent in found.precedents],
        "tokens": said.tokens,
    }


def digest(log: LogDigest, budget: int | None = None) -> str:
    """Write a log digest as lines, each with its number and how often its shape came.

    Of what is longer than ``budget`` characters the quietest lines are left out.
    """
    width = len(str(log.lines[-1].number)) if log.lines else 1
    written = []
    for line in log.lines:
        start = "--- started again ---\n" if line.boundary else ""
        times = f"  ×{line.count}" + (f" until {line.until}" if line.until else "") if line.count > 1 else ""
        written.append(f"{start}{line.number:>{width}}  {line.text}{times}\n")
    if budget is not None:
        excess = sum(map(len, written)) - budget
        for place in sorted(range(len(written)), key=lambda place: level(log.lines[place].text)):
            if excess <= 0:
                break
            excess -= len(written[place])
            written[place] = ""
    return "".join(written).removesuffix("\n")


def entries(found: Sequence[Entry]) -> RenderableType:
    """Show entries of the runbook, a line each."""
    if not found:
        return Text("The runbook is empty.")
    table = Table("when", "target", "root cause", "action", "outcome", box=None)
    for entry in found:
        words = (entry.at[:16] or "–", entry.target or "–", entry.root_cause, entry.action, entry.outcome or "–")
        table.add_row(*map(_text, words))
    return table


def found(precedents: Sequence[Precedent]) -> RenderableType:
    """Show what a search found, best first."""
    if not precedents:
        return Text("Nothing in the runbook fits.")
    table = Table("rank", "score", "id", "target", "root cause", "outcome", "why", box=None)
    for rank, one in enumerate(precedents, 1):
        entry = one.entry
        words = (
            str(rank),
            f"{one.score:.2f}",
            entry.id or "–",
            entry.target or "–",
            entry.root_cause,
            entry.outcome or "–",
        )
        table.add_row(*map(_text, (*words, one.why)))
    return table


def found_json(precedents: Sequence[Precedent]) -> list[dict[str, object]]:
    """Return what a search found with the keys that do not change, best first."""
    return [{"id": one.entry.id, "score": round(one.score, 4), "why": one.why} for one in precedents]


def pairs(name: str, said: Mapping[str, object]) -> Text:
    """Show names and values on one line behind a name."""
    shown = (f"{key} {', '.join(value) if isinstance(value, list) else value}" for key, value in said.items() if value)
    return _text(f"{name}: {' · '.join(shown)}")


def _text(outside: str) -> Text:
    """Show outside text as words alone: nothing in it moves the cursor or changes colours."""
    return Text(clean(outside))


def _headline(said: Diagnosis) -> Text:
    by = "by rules" if said.by == RULES else said.by
    why = f" ({said.why_rules})" if said.why_rules else ""
    return Text(f"{said.action.value} · {said.confidence * 100:.0f} % sure · {by}{why}")


def _facts(facts: Facts) -> Text:
    told = [facts.status]
    if not facts.running or facts.exit_code:
        told.append(f"exit code {facts.exit_code}")
    told += ["out of memory"] if facts.oom_killed else []
    told += [f"started again {facts.restart_count}× by itself"] if facts.restart_count else []
    told += [f"health {facts.health}"] if facts.health else []
    told += [f"image {facts.image}"] if facts.image else []
    return _text(" · ".join(told))


def _source(source: Source) -> str:
    return f"{source.name} {source.status.value}" + (f" ({source.detail})" if source.detail else "")
