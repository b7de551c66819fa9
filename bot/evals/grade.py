"""Compares diagnoses with their cases and counts right answers.

Pure: no clock and no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.diagnosis import Diagnosis
from bot.domain.evidence import Evidence
from bot.domain.text import QUOTED
from bot.evals.case import Case

HIGH_CONFIDENCE = 0.6
"""Confidence from which people act on a diagnosis, so a wrong one does harm."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of one diagnosis: its answers, which of them are right, and its cost.

    ``cause``: the stated cause contains the required words; quoted words come from the log and do not count.
    ``digest_complete``: the digest contains the required lines. ``verbatim``: the log contains every printed line.
    ``fell_back`` is the reason why the diagnosis is rule-based although a model is configured.
    """

    case: str
    misleading: bool
    expected: str
    predicted: str
    root_cause: str
    predicted_action: str
    predicted_helps: bool | None
    trouble: bool
    cause: bool
    action: bool
    helps: bool
    digest_complete: bool
    verbatim: bool
    confidence: float
    by: str
    fell_back: str
    caveats: tuple[str, ...]
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Total:
    """The total of many marks: shares from 0 to 1, means and sums.

    ``confident_errors`` counts wrong classes with a confidence of at least ``HIGH_CONFIDENCE``. A ``confidence`` above
    ``trouble`` means that the diagnoses are overconfident. ``misled`` counts the diagnoses of misleading cases, and
    ``misleading`` is the share of right classes among them.
    """

    cases: int
    runs: int
    trouble: float
    cause: float
    action: float
    helps: float
    digest_complete: float
    verbatim: float
    misled: int
    misleading: float
    confidence: float
    confident_errors: int
    fell_back: int
    tokens: int
    seconds: float


def mark(case: Case, evidence: Evidence, diagnosis: Diagnosis, *, seconds: float, model: bool) -> Mark:
    """Return the mark of a diagnosis that took ``seconds``; ``model`` is True if a model is configured."""
    lines = {line.text for line in evidence.log.lines}
    digest = "\n".join(line.text for line in evidence.log.lines)
    return Mark(
        case=case.name,
        misleading=bool(case.misleading),
        expected=case.trouble.value,
        predicted=diagnosis.trouble.value,
        root_cause=diagnosis.root_cause,
        predicted_action=diagnosis.action.value,
        predicted_helps=diagnosis.restart_helps,
        trouble=diagnosis.trouble is case.trouble,
        cause=_holds(stated(diagnosis), case.cause),
        action=diagnosis.action in case.actions,
        helps=diagnosis.restart_helps is case.helps,
        digest_complete=all(words in digest for words in case.keep),
        verbatim=all(quote.text in lines for quote in diagnosis.quotes),
        confidence=diagnosis.confidence,
        by=diagnosis.by,
        fell_back=diagnosis.why_rules if model else "",
        caveats=diagnosis.caveats,
        tokens=diagnosis.tokens,
        seconds=round(seconds, 3),
    )


def stated(diagnosis: Diagnosis) -> str:
    """Return the stated cause of a diagnosis without the text that it quotes."""
    return QUOTED.sub(" ", f"{diagnosis.headline}. {diagnosis.root_cause}")


def total(marks: Sequence[Mark]) -> Total:
    """Return the total of marks. Raise ``ValueError`` if there are none."""
    if not marks:
        raise ValueError("there are no marks to add up")
    misled = [result for result in marks if result.misleading]
    return Total(
        cases=len({result.case for result in marks}),
        runs=len(marks),
        trouble=_share([result.trouble for result in marks]),
        cause=_share([result.cause for result in marks]),
        action=_share([result.action for result in marks]),
        helps=_share([result.helps for result in marks]),
        digest_complete=_share([result.digest_complete for result in marks]),
        verbatim=_share([result.verbatim for result in marks]),
        misled=len(misled),
        misleading=_share([result.trouble for result in misled]),
        confidence=round(sum(result.confidence for result in marks) / len(marks), 3),
        confident_errors=sum(1 for result in marks if not result.trouble and result.confidence >= HIGH_CONFIDENCE),
        fell_back=sum(1 for result in marks if result.fell_back),
        tokens=sum(result.tokens for result in marks),
        seconds=round(sum(result.seconds for result in marks), 3),
    )


def _share(right: Sequence[bool]) -> float:
    return round(sum(right) / len(right), 4) if right else 1.0


def _holds(text: str, required: Sequence[str]) -> bool:
    """Return True if ``text`` contains, of each item, one of the words between its bars, in upper or lower case."""
    return all(
        any(re.search(rf"(?i)(?<!\w){re.escape(words.strip())}", text) for words in item.split("|"))
        for item in required
    )
