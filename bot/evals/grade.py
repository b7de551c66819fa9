"""A diagnosis held against its case, and the marks of many of them added up. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.diagnosis import Diagnosis
from bot.domain.evidence import Evidence
from bot.domain.text import QUOTED
from bot.evals.case import Case

SURE = 0.6
"""A wrong class that is told with at least this confidence is a wrong one that people would act on."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One diagnosis of one case: what was said, what of it was right, and what it took.

    ``cause``: the stated cause holds the words that it has to; words in quotation marks are the log's and do not count.
    ``kept``: the digest holds the lines that must survive. ``verbatim``: every printed line is in the log as it stands.
    ``fell_back`` says why the rules spoke in place of the model that was asked.
    """

    case: str
    misleading: bool
    expected: str
    said: str
    root_cause: str
    action_said: str
    helps_said: bool | None
    trouble: bool
    cause: bool
    action: bool
    helps: bool
    kept: bool
    verbatim: bool
    confidence: float
    by: str
    fell_back: str
    caveats: tuple[str, ...]
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Total:
    """The marks of many diagnoses: shares from 0 to 1, means, and sums.

    ``sure_and_wrong`` counts wrong classes told with a confidence of at least ``SURE``; ``confidence`` beside
    ``trouble`` says whether the diagnoses are surer than they are right. ``misleading`` is the share of right classes
    among the ``misled`` diagnoses, those of misleading cases.
    """

    cases: int
    runs: int
    trouble: float
    cause: float
    action: float
    helps: float
    kept: float
    verbatim: float
    misled: int
    misleading: float
    confidence: float
    sure_and_wrong: int
    fell_back: int
    tokens: int
    seconds: float


def mark(case: Case, evidence: Evidence, said: Diagnosis, *, seconds: float, model: bool) -> Mark:
    """Hold a diagnosis against its case. ``model`` says that a model was asked, ``seconds`` how long it all took."""
    lines = {line.text for line in evidence.log.lines}
    digest = "\n".join(line.text for line in evidence.log.lines)
    return Mark(
        case=case.name,
        misleading=bool(case.misleading),
        expected=case.trouble.value,
        said=said.trouble.value,
        root_cause=said.root_cause,
        action_said=said.action.value,
        helps_said=said.restart_helps,
        trouble=said.trouble is case.trouble,
        cause=_holds(stated(said), case.cause),
        action=said.action in case.actions,
        helps=said.restart_helps is case.helps,
        kept=all(words in digest for words in case.keep),
        verbatim=all(quote.text in lines for quote in said.quotes),
        confidence=said.confidence,
        by=said.by,
        fell_back=said.why_rules if model else "",
        caveats=said.caveats,
        tokens=said.tokens,
        seconds=round(seconds, 3),
    )


def stated(said: Diagnosis) -> str:
    """Return what a diagnosis states as the cause in its own words: nothing that it quotes."""
    return QUOTED.sub(" ", f"{said.headline}. {said.root_cause}")


def total(marks: Sequence[Mark]) -> Total:
    """Add marks up; raises ``ValueError`` where there are none."""
    if not marks:
        raise ValueError("there are no marks to add up")
    misled = [one for one in marks if one.misleading]
    return Total(
        cases=len({one.case for one in marks}),
        runs=len(marks),
        trouble=_share([one.trouble for one in marks]),
        cause=_share([one.cause for one in marks]),
        action=_share([one.action for one in marks]),
        helps=_share([one.helps for one in marks]),
        kept=_share([one.kept for one in marks]),
        verbatim=_share([one.verbatim for one in marks]),
        misled=len(misled),
        misleading=_share([one.trouble for one in misled]),
        confidence=round(sum(one.confidence for one in marks) / len(marks), 3),
        sure_and_wrong=sum(1 for one in marks if not one.trouble and one.confidence >= SURE),
        fell_back=sum(1 for one in marks if one.fell_back),
        tokens=sum(one.tokens for one in marks),
        seconds=round(sum(one.seconds for one in marks), 3),
    )


def _share(right: Sequence[bool]) -> float:
    return round(sum(right) / len(right), 4) if right else 1.0


def _holds(text: str, wanted: Sequence[str]) -> bool:
    """Say whether ``text`` holds, of each item, one of the words between its bars, without regard to case."""
    return all(
        any(re.search(rf"(?i)(?<!\w){re.escape(words.strip())}", text) for words in item.split("|")) for item in wanted
    )
