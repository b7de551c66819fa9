"""Matches signatures against the log digest and health check output."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from bot.domain.diagnosis import FailureClass, Quote
from bot.domain.evidence import Evidence, Facts, HealthProbe, LogLine
from bot.domain.logs.line import Level, is_stack_frame, level_of
from bot.domain.signatures.signature import Signature
from bot.domain.signatures.table import SIGNS
from bot.domain.symptoms import container_state
from bot.domain.symptoms.symptom import Symptom
from bot.domain.symptoms.timeline import OVER, LogTimeline

QUOTES = 5
# Trouble follows a change that matters within so many lines.
_HEELS = 40
_FAINT = 0.2
_NAME = 60
_LOUDNESS = {
    Level.DEBUG: 0.35,
    Level.INFO: 0.8,
    Level.NONE: 1.0,
    Level.WARN: 0.97,
    Level.ERROR: 1.0,
    Level.FATAL: 1.03,
}
# What the program says it got over, or refuses to its own users, is not what broke it.
HARMLESS = re.compile(
    r"(?i)\b(?:succeeded|(?<!has )(?<!have )passed|ignor(?:ed|ing)|skipp(?:ed|ing)|recovered|unchanged"
    r"|using default|no errors?"
    r"|deprecat\w+|(?:user|client) [^\s'\"]*\d)\b"
    r"|\b(?:get|head|post|put|patch|delete) \S+ (?:http/[\d.]+\S? )?(?:->|-|=|:)? ?4(?!29)\d\d\b"
    # What people wrote is a value of a field.
    r"|\b(?:subject|title|comment|note|query|question|review|description|content)=[\"']"
    # A server looks up its visitors' names for its records.
    r"|\bclient intended to send too large|\bclient (?:prematurely )?closed connection|\bclient sent (?:invalid|too)"
    r"|\bip address \S+ could not be resolved|\breverse (?:dns|lookup)"
    r"|forbidden by rule|no such file or directory\), client:"
)
_HUSHED = 0.45
# A count that stands at nought says that there was none of what it counts.
ZERO_COUNT = re.compile(
    r"""(?:(?<![\w.-])[\w.-]{1,80}(?:\{[^}]{0,200}\})?["']?\s?[:=]\s?["']?"""
    r"|(?<!\w)(?=\w{0,80}_)\w{3,80}(?:\{[^}]{0,200}\})? |\b(?:errors?|failed) )0(?:\.0+)?%?(?![\w.:/%-])"
    r"|(?<![\w.:/-])(?:0|no|zero) (?:errors?|failures?|failed|timeouts?|timed out|rejected|refused|dropped|expired)\b"
)
# A line of source code in a trace; a neighbour whose own health check is good.
_CODE, _HEALTHY_BESIDE = 0.5, 0.85
# What is at least so sure may be what the trouble is now.
_RIVAL = 0.5
_WORTH_QUOTING = 0.6
# What others do to a program can pass without anything done here.
PASSING = container_state.BLAMES | {FailureClass.RATE_LIMIT}
# What the program's own health page answers says nothing of others.
_OWN_STATUS = re.compile(r"(?i)\b(?:http/[\d.]+ )?50\d\b(?: +[a-z]+){0,3}")
_STATEMENT = re.compile(r"\s+(?:(?:raise|return|throw|assert|await) |(?:if|with|for) ?.*[:{]$|self\.|super\(|\w+ = )")
# A name of a setting as programs write it; a level or a code in capitals has no underline.
_SETTING = re.compile(r"(?<![\w$./-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w(/-])")
# A host and its port; a source file with its line number looks alike.
_ADDRESS = re.compile(
    r"(?i)(?<![\w/.-])(?![\w.-]*\.(?:go|py|rb|js|ts|java|rs|cc?|cpp|php|kt|scala|exs?):)"
    r"[a-z0-9](?:[\w.-]*[a-z0-9])?:(\d{3,5})(?!\w|\.\d|:\d)"
)
_SERVICES = {
    "5432": "database", "3306": "database", "1433": "database", "1521": "database", "27017": "database",
    "9042": "database", "6379": "Redis", "11211": "Memcached", "9092": "Kafka", "5672": "RabbitMQ", "4222": "NATS",
    "9200": "Elasticsearch", "8200": "Vault", "2379": "etcd", "8500": "Consul", "2181": "ZooKeeper", "389": "LDAP",
    "25": "mail server", "587": "mail server", "9000": "object store",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Hit:
    confidence: float
    line: LogLine
    what: str


def signature_symptoms(evidence: Evidence) -> list[Symptom]:
    """Return what the log and the health check suggest; an empty list where they say nothing."""
    lines = [(line, level_of(line.text)) for line in evidence.log.lines]
    # Quotation marks inside JSON and logfmt stand behind a backslash.
    lowered = [(ZERO_COUNT.sub(" ", line.text.lower().replace('\\"', '"')), line, level) for line, level in lines]
    outputs = [LogLine(0, _OWN_STATUS.sub("", probe.output)) for probe in _failing(evidence.facts)]
    course = LogTimeline(evidence, lines)
    code = _code(evidence.log.lines)
    healthy = is_healthy(evidence.facts)
    found: dict[tuple[FailureClass, str], Symptom] = {}
    for sign in SIGNS:
        hits = [
            _Hit(
                _sureness(sign, line, level, lines)
                * course.weight(line, outside=sign.trouble in PASSING)
                * (_HUSHED if healthy and level <= Level.NONE else 1.0)
                * (_CODE if line.number in code else 1.0),
                line,
                sign.what(line.text),
            )
            for text, line, level in lowered
            if sign.matches(text)
        ]
        matching = (line for line in outputs if sign.matches(line.text.lower()))
        hits += [_Hit(sign.confidence * 0.6, line, sign.what(line.text)) for line in matching]
        symptom = _symptom(sign, hits) if hits else None
        if symptom and symptom.confidence >= _FAINT:
            known = found.get((symptom.trouble, symptom.headline))
            if known is None or known.confidence < symptom.confidence:
                found[symptom.trouble, symptom.headline] = symptom
    return list(found.values())


def without_ended(symptoms: Sequence[Symptom], evidence: Evidence) -> list[Symptom]:
    """Return the symptoms, with less confidence in what ended before another trouble began."""
    course = LogTimeline(evidence, [(line, level_of(line.text)) for line in evidence.log.lines])
    return [_unless_over(symptom, symptoms, evidence, course) for symptom in symptoms]


def _failing(facts: Facts | None) -> list[HealthProbe]:
    """Return the health checks that failed since the last good one."""
    probes = facts.probes if facts else ()
    return list(takewhile(lambda probe: probe.exit_code != 0, reversed(probes)))


def is_healthy(facts: Facts | None) -> bool:
    """Return True if the engine speaks for the program: its health check is good, or it ended as programs should."""
    if facts is None or facts.restarting or facts.oom_killed:
        return False
    return facts.health == "healthy" if facts.running else facts.status == "exited" and facts.exit_code == 0


def _unless_over(one: Symptom, all_: Collection[Symptom], evidence: Evidence, course: LogTimeline) -> Symptom:
    """Take down what stopped before something as sure began, and what is said of a neighbour that is well."""
    confidence = one.confidence
    by_number = {line.number: line for line in evidence.log.lines}
    mine = [by_number[quote.number] for quote in one.quotes]
    others = [
        by_number[quote.number] for two in all_ if two is not one and two.confidence >= _RIVAL for quote in two.quotes
    ]
    if mine and any(all(course.stopped_before(line, other) for line in mine) for other in others):
        confidence *= OVER
    if one.trouble in container_state.BLAMES and any(
        near.health == "healthy" and any(near.name in line.text for line in mine) for near in evidence.neighbours
    ):
        confidence *= _HEALTHY_BESIDE
    return replace(one, confidence=round(confidence, 3))


def _code(lines: Sequence[LogLine]) -> set[int]:
    """Return the numbers of lines of source code: a trace shows them, and what they would say is not what was said."""
    frames = {line.number for line in lines if is_stack_frame(line.text)}
    return {
        line.number
        for line in lines
        if line.text[:1].isspace() and (line.number - 1 in frames or _STATEMENT.match(line.text))
    } - frames


def complaints(evidence: Evidence) -> list[LogLine]:
    """Return the loud lines that say that something is wrong now, whatever it is."""
    lines = [(line, level_of(line.text)) for line in evidence.log.lines]
    course = LogTimeline(evidence, lines)
    loud = [line for line, level in lines if level >= Level.ERROR and not HARMLESS.search(line.text)]
    return [line for line in loud if course.weight(line, outside=False) > OVER]


def blamed_neighbour_symptoms(evidence: Evidence, suggested: Sequence[Symptom]) -> list[Symptom]:
    """Return which neighbour is at fault: one that is down and that the target's log names."""
    bad = [one for one in container_state.neighbours_down(evidence.neighbours) if one.named_in_log]
    if not bad:
        return []
    blaming = [one for one in suggested if one.trouble in container_state.BLAMES]
    name = bad[0].name[:_NAME]
    quotes = sorted({quote for one in blaming for quote in one.quotes}, key=lambda quote: quote.number)
    quotes = quotes or [_quote(line) for line in evidence.log.lines if bad[0].name in line.text]
    return [
        Symptom(
            FailureClass.DEPENDENCY_DOWN,
            f"{name} {'is unhealthy' if bad[0].status.startswith('running') else 'is down'}",
            f"{name} {container_state.describe_neighbour(bad[0])}, and this container's log names it.",
            0.93 if blaming else 0.7,
            False,
            f"Look at {name} first: the fault is there, not in this container.",
            proven=bool(blaming),
            quotes=tuple(quotes[:QUOTES]),
        )
    ]


def _sureness(sign: Signature, line: LogLine, level: Level, lines: Sequence[tuple[LogLine, Level]]) -> float:
    confidence = sign.confidence
    if sign.change:
        # Settings are changed every day; the change that matters has trouble on its heels.
        heels = (loud for after, loud in lines if 0 < after.number - line.number <= _HEELS)
        confidence *= 1.0 if any(loud >= Level.WARN for loud in heels) else 0.5
    else:
        confidence *= _LOUDNESS[level]
    if HARMLESS.search(line.text):
        confidence *= _HUSHED
    return min(0.95, confidence + 0.005 * math.log2(line.count))


def _with_name(cause: str, what: str) -> str:
    return cause.replace("{what}", f": {what}" if what else "")


def _quote(line: LogLine) -> Quote:
    return Quote(line.number, line.text, line.count)


def _symptom(sign: Signature, hits: list[_Hit]) -> Symptom:
    confidence = max(hit.confidence for hit in hits)
    first = next(hit for hit in hits if hit.confidence >= confidence - 0.03)
    what, headline = first.what, sign.headline
    address = next(filter(None, (_ADDRESS.search(hit.line.text) for hit in (first, *hits))), None)
    if sign.trouble in container_state.BLAMES and address:
        what = what or address[0]
        service = _SERVICES.get(address[1])
        if service and headline == "a needed service is unreachable":
            headline = f"{service} unreachable"
    if sign.trouble is FailureClass.CONFIG_ERROR and (setting := _SETTING.search(first.line.text)):
        what = what or setting[0]
    worth = [hit for hit in hits if hit.confidence >= _WORTH_QUOTING * confidence]
    best = sorted(worth, key=lambda hit: (-hit.confidence, hit.line.number))[:QUOTES]
    lines = sorted((hit.line for hit in best if hit.line.number), key=lambda line: line.number)
    return Symptom(
        sign.trouble,
        headline,
        _with_name(sign.cause, what[:_NAME]),
        round(confidence, 3),
        sign.restart_helps,
        sign.remedy,
        quotes=tuple(_quote(line) for line in lines),
        supported=sign.change,
    )
