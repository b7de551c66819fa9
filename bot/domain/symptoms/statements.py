"""Reads log messages with every concept and weighs signatures against them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from bot.domain.concepts.read import read_concepts
from bot.domain.concepts.reading import Reading
from bot.domain.diagnosis import FailureClass, Quote
from bot.domain.evidence import Evidence, LogLine
from bot.domain.logs.line import Level
from bot.domain.logs.messages import LogMessage, Statement, group_messages
from bot.domain.symptoms import log
from bot.domain.symptoms.symptom import Symptom
from bot.domain.symptoms.timeline import LogTimeline

# How much a statement counts by the level of its message: a program seldom writes its end as INFO.
_LOUDNESS = {
    Level.DEBUG: 0.3,
    Level.INFO: 0.62,
    Level.NONE: 0.96,
    Level.WARN: 0.86,
    Level.ERROR: 1.0,
    Level.FATAL: 1.04,
}
_HARMLESS = 0.45
_OUTER = 0.72
"""How much an outer statement counts if an inner one of the same message was understood."""
_SECOND = 0.9
"""How much each further reading of the same statement counts."""
_LAST_WORDS = 1.08
_LAST_MESSAGES = 3
_MIN_CONFIDENCE = 0.2
_MIN_SHARE_TO_QUOTE = 0.6
_MAX_CONFIDENCE = 0.95

_UNSUPPORTED = 0.85
"""How much a signature counts that no concept supports."""
_MIN_CLAUSE_CHARS, _MIN_CLAUSE_WEIGHT = 10, 0.6
_MAX_WORDS_CHARS = 200


@dataclass(frozen=True, slots=True)
class _Hit:
    reading: Reading
    line: LogLine
    weight: float


def log_symptoms(evidence: Evidence) -> list[Symptom]:
    """Return what the log suggests, by signatures and by concepts."""
    messages = group_messages(evidence.log.lines)
    combined = combine(log.signature_symptoms(evidence), concept_symptoms(evidence, messages), inner_classes(messages))
    return log.without_ended(combined, evidence)


def concept_symptoms(evidence: Evidence, messages: Sequence[LogMessage]) -> list[Symptom]:
    """Return what the statements of the log suggest, one symptom for each class and headline."""
    lines = sorted(
        ((line, message.level) for message in messages for line in message.lines), key=lambda pair: pair[0].number
    )
    course = LogTimeline(evidence, lines)
    healthy = log.is_healthy(evidence.facts)
    last = {message.number for message in _last_messages(messages, evidence)}
    groups: dict[tuple[str, str], list[_Hit]] = {}
    for message in messages:
        for hit in _hits(message, course, healthy=healthy, last=message.number in last):
            groups.setdefault((hit.reading.trouble.value, hit.reading.headline), []).append(hit)
    return [symptom for hits in groups.values() if (symptom := _symptom(hits)).confidence >= _MIN_CONFIDENCE]


def inner_classes(messages: Sequence[LogMessage]) -> dict[int, frozenset[FailureClass]]:
    """Return, for the lines that wrap a cause which was understood, the classes of that cause."""
    inner: dict[int, frozenset[FailureClass]] = {}
    for message in messages:
        understood: frozenset[FailureClass] = frozenset()
        for statement in message.statements:
            inner[statement.line.number] = understood or frozenset(_classes_of_last_clause(statement.text))
            understood = understood or frozenset(one.trouble for one in read_concepts(statement.text)[:1])
    return inner


def combine(
    by_signature: Sequence[Symptom],
    by_concept: Sequence[Symptom],
    inner: Mapping[int, frozenset[FailureClass]] = MappingProxyType({}),
) -> list[Symptom]:
    """Return all symptoms: a signature that a concept supports names what the concept names; others count less."""
    combined = []
    for symptom in by_signature:
        numbers = {quote.number for quote in symptom.quotes}
        if numbers and all(inner.get(number) and symptom.trouble not in inner[number] for number in numbers):
            combined.append(replace(symptom, confidence=round(symptom.confidence * _OUTER, 3)))
            continue
        support = [
            one
            for one in by_concept
            if one.trouble is symptom.trouble and numbers & {quote.number for quote in one.quotes}
        ]
        if symptom.supported:  # a change of settings, which no concept reads
            combined.append(symptom)
            continue
        if not support:
            confidence = round(symptom.confidence * _UNSUPPORTED, 3)
            combined.append(replace(symptom, confidence=confidence))
            continue
        best = max(support, key=lambda one: one.confidence)
        combined.append(
            replace(
                symptom,
                cause=_with_names(symptom.cause, best.names),
                confidence=max(symptom.confidence, best.confidence),
                supported=True,
            )
        )
    return [*combined, *by_concept]


def last_words(evidence: Evidence) -> str:
    """Return the innermost statement of the last complaint, or ``""`` if the log complains of nothing."""
    messages = group_messages(evidence.log.lines)
    loud = [one for one in messages if one.level >= Level.ERROR and not log.HARMLESS.search(one.lines[0].text)]
    for message in reversed(loud or _last_messages(messages, evidence)):
        for statement in message.statements:
            if len(statement.text) > 3:
                return statement.text[:_MAX_WORDS_CHARS]
    return ""


def _last_messages(messages: Sequence[LogMessage], evidence: Evidence) -> list[LogMessage]:
    """Return the last messages before the program ended that are no routine; empty if it runs on."""
    facts = evidence.facts
    if facts is not None and facts.running and not facts.restarting:
        return []
    return [one for one in messages if one.level >= Level.NONE][-_LAST_MESSAGES:]


def _hits(message: LogMessage, course: LogTimeline, *, healthy: bool, last: bool) -> Iterator[_Hit]:
    understood = False
    for statement in message.statements:
        text = log.ZERO_COUNT.sub(" ", statement.text)
        readings = read_concepts(text)
        factor = _LOUDNESS[message.level] * (_OUTER if understood else 1.0) * (_LAST_WORDS if last else 1.0)
        if log.HARMLESS.search(statement.text) or (healthy and message.level <= Level.NONE):
            factor *= _HARMLESS
        inner = _classes_of_last_clause(text)
        for index, reading in enumerate(readings):
            weight = _weight(reading, statement, course) * factor * _SECOND**index
            wraps = bool(inner) and reading.trouble not in inner and reading.weight < max(inner.values())
            yield _Hit(reading, statement.line, weight * (_OUTER if wraps else 1.0))
        understood = understood or bool(readings)


def _classes_of_last_clause(text: str) -> dict[FailureClass, float]:
    """Return the classes and weights of what stands behind the last colon, where most languages put the cause."""
    clause = text.rpartition(": ")[2] if ": " in text else ""
    readings = read_concepts(clause) if len(clause) >= _MIN_CLAUSE_CHARS else ()
    return {one.trouble: one.weight for one in readings if one.weight >= _MIN_CLAUSE_WEIGHT}


def _weight(reading: Reading, statement: Statement, course: LogTimeline) -> float:
    still_so = course.weight(statement.line, outside=reading.trouble in log.PASSING)
    return reading.weight * still_so + 0.005 * math.log2(statement.line.count)


def _symptom(hits: Sequence[_Hit]) -> Symptom:
    best = max(hits, key=lambda hit: hit.weight)
    worth = sorted(
        (hit for hit in hits if hit.weight >= _MIN_SHARE_TO_QUOTE * best.weight), key=lambda hit: -hit.weight
    )
    lines = {hit.line.number: hit.line for hit in worth[: log.QUOTES] if hit.line.number}
    reading = best.reading
    return Symptom(
        reading.trouble,
        reading.headline,
        reading.cause,
        round(min(_MAX_CONFIDENCE, best.weight), 3),
        reading.restart_helps,
        reading.remedy,
        quotes=tuple(Quote(line.number, line.text, line.count) for _, line in sorted(lines.items())),
        names=reading.names,
    )


def _with_names(cause: str, names: Sequence[str]) -> str:
    """Return the sentence with the names that it lacks."""
    missing = [name for name in names if name and name not in cause]
    return f"{cause.rstrip('.')} ({', '.join(missing)})." if missing else cause
