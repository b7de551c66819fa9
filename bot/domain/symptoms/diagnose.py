"""Collects all symptoms, and diagnoses by rules without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.diagnosis import UNKNOWN_CAUSE_CONFIDENCE, Action, Diagnosis, FailureClass, Quote
from bot.domain.evidence import Evidence, LogLine, Status
from bot.domain.logs.line import Level, level_of
from bot.domain.runbook_entry import Entry, Precedent
from bot.domain.symptoms import already_fixed, container_state, failed_restart, hang, log, statements
from bot.domain.symptoms.confidence import lead_confidence
from bot.domain.symptoms.symptom import Symptom
from bot.domain.symptoms.timeline import Clocks

__all__ = ["Symptom", "decisive", "diagnose_by_rules", "find_symptoms", "with_past"]

# Below this a symptom is a guess; it leads only where there is nothing better.
_LEAST_CONFIDENCE = 0.4
_GUESS = 0.33
# What is doubted so much, beside all else that was read, is better called unknown.
_DOUBTED = 0.3
_CERTAIN = 0.75
_HIGHEST, _LOWEST = 0.95, 0.1
# A line that stands at most so many lines before, and is nearly as sure, is the cause of the surer one.
_BEFORE, _NEARLY = 30, 0.1
# What all workers wait for is told less surely than that all of them are busy.
_TAKES_ALL, _AGAIN = 0.25, 3
_ABROAD = re.compile(r"(?i)https?://|\bcurl\b|\bupstream\b|\bapi\.|\.(?:com|net|org|io|dev|example|test|internal)\b")
# The health check's word against a line's: what says less than this does not outweigh it.
_LEAST_AGAINST_HEALTH = 0.5
_VAGUE = {FailureClass.UNKNOWN, FailureClass.CRASHLOOP, FailureClass.NONE}


def find_symptoms(evidence: Evidence, alert: str = "") -> tuple[Symptom, ...]:
    """Return what the evidence proves or suggests, surest first; nothing where it proves nothing.

    ``alert`` is what the sender said: that there is no answer, beside a log that has fallen silent, is a hang.
    """
    suggested = statements.log_symptoms(evidence)
    silence = hang.hang_symptoms(evidence, alert)
    suggested += already_fixed.unread_settings_symptoms(evidence, suggested)
    found = [
        *container_state.state_symptoms(evidence),
        *silence,
        *log.blamed_neighbour_symptoms(evidence, suggested),
        *suggested,
    ]
    now = [already_fixed.with_fixed_cause(evidence, symptom) for symptom in found]
    return tuple(sorted(now, key=lambda symptom: -symptom.confidence))


def with_past(evidence: Evidence, symptoms: Sequence[Symptom], precedents: Sequence[Precedent]) -> tuple[Symptom, ...]:
    """Add what was just lived through with this target: a restart that did not help."""
    return (*symptoms, *failed_restart.failed_restart_symptoms(evidence, precedents))


def decisive(evidence: Evidence, limit: int = 10) -> tuple[LogLine, ...]:
    """Return at most ``limit`` lines that tell this trouble from others, in their order in the log."""
    signs = {
        quote.number: symptom.confidence for symptom in reversed(find_symptoms(evidence)) for quote in symptom.quotes
    }

    def worth(line: LogLine) -> float:
        return signs.get(line.number, 0.0) + 0.05 * max(0, level_of(line.text) - Level.NONE)

    telling = sorted((line for line in evidence.log.lines if worth(line) > 0), key=worth, reverse=True)[:limit]
    return tuple(sorted(telling or evidence.log.lines[-limit:], key=lambda line: line.number))


def diagnose_by_rules(
    evidence: Evidence, symptoms: Sequence[Symptom], precedents: Sequence[Precedent] = (), *, why: str = ""
) -> Diagnosis:
    """Diagnose by the rules alone; ``why`` says why the model did not speak. Never surer than the evidence is."""
    lead = _lead(evidence, symptoms)
    if lead is None or (lead.confidence < _LEAST_AGAINST_HEALTH and not lead.proven and _healthy(evidence)):
        return _unknown(evidence, precedents, why)
    past = [one.entry for one in precedents if one.entry.trouble in {"", str(lead.trouble)}]
    held = _held(past)
    helps = _helps(lead, held)
    confidence = lead_confidence(evidence, lead, symptoms) + 0.05 * max(-2, min(2, held))
    if confidence < _DOUBTED and not lead.proven:
        return _unknown(evidence, precedents, why)
    return Diagnosis(
        headline=lead.headline,
        root_cause=lead.cause,
        action=Action.RESTART if helps or (helps is None and _out_of_service(evidence, lead)) else Action.IGNORE,
        justification=" ".join(filter(None, [_prospect(lead, helps, symptoms), _precedent(past), lead.remedy])),
        confidence=round(min(_HIGHEST, max(_LOWEST, confidence)), 2),
        trouble=lead.trouble,
        restart_helps=helps,
        quotes=lead.quotes[: log.QUOTES],
        why_rules=why,
    )


def _healthy(evidence: Evidence) -> bool:
    facts = evidence.facts
    return facts is not None and facts.running and facts.health == "healthy"


def _lead(evidence: Evidence, symptoms: Sequence[Symptom]) -> Symptom | None:
    if not symptoms:
        return None
    # That a program crashes or does not answer is the least that can be said: any cause that is told goes first, unless
    # the engine says that the container was put to rest.
    rests = [one for one in symptoms if one.proven and one.trouble is FailureClass.NONE and one.confidence >= _CERTAIN]
    least = (
        _LEAST_AGAINST_HEALTH
        if any(one.proven and one.trouble is FailureClass.NONE for one in symptoms)
        else _LEAST_CONFIDENCE
    )
    telling = [one for one in symptoms if one.trouble not in _VAGUE and one.confidence >= least]
    ranked = rests or telling or [one for one in symptoms if one.trouble in _VAGUE or one.confidence >= _GUESS]
    if not ranked:
        return None
    lead = _first_of_a_row(max(ranked, key=lambda one: (one.confidence, one.proven)), ranked, evidence)
    again = _futile(symptoms)
    if again is not None and again is not lead:
        lead = replace(lead, cause=f"{lead.cause} {again.cause}", restart_helps=False)
    return lead


def _first_of_a_row(lead: Symptom, symptoms: Sequence[Symptom], evidence: Evidence) -> Symptom:
    if lead.proven or not lead.quotes:
        return lead
    clocks = Clocks(evidence.log.lines)
    begin = lead.quotes[0].number
    # What a program says as it dies is the cause, unless it complained of another right before.
    least = Level.ERROR if level_of(lead.quotes[0].text) is Level.FATAL else Level.DEBUG
    before = [
        one
        for one in symptoms
        if one.quotes
        and begin - _BEFORE <= one.quotes[0].number < begin
        and one.confidence >= lead.confidence - (_TAKES_ALL if _takes_all(one, lead) else _NEARLY)
        and level_of(one.quotes[0].text) >= least
        # What went on for long without harm did not begin it.
        and not clocks.long_apart(one.quotes[0].text, lead.quotes[0].text)
    ]
    return min(before, key=lambda one: one.quotes[0].number, default=lead)


def _takes_all(one: Symptom, lead: Symptom) -> bool:
    """Return True if calls to others that hang came again and again, each holding a worker or a connection."""
    calls = one.trouble in container_state.BLAMES and any(_ABROAD.search(quote.text) for quote in one.quotes)
    return calls and lead.trouble is FailureClass.RESOURCE_EXHAUSTION and max(q.count for q in one.quotes) >= _AGAIN


def _futile(symptoms: Sequence[Symptom]) -> Symptom | None:
    return next((one for one in symptoms if one.restart_futile), None)


def _held(past: Sequence[Entry]) -> int:
    outcomes = [entry.outcome for entry in past if entry.action == "restart"]
    return outcomes.count("resolved") - outcomes.count("not_resolved")


def _helps(lead: Symptom, held: int) -> bool | None:
    if held < 0:
        return False
    return True if held > 0 and lead.restart_helps is None else lead.restart_helps


def _prospect(lead: Symptom, helps: bool | None, symptoms: Sequence[Symptom]) -> str:
    if lead.trouble is FailureClass.NONE:
        return "A restart starts it." if helps else ""
    if helps and lead.restart_effect:
        return lead.restart_effect
    if helps is None:
        return "A restart may help; nothing that was read says so for sure."
    if helps:
        return "A restart clears this, but only for a while."
    if again := _futile(symptoms):
        alike = again.trouble is FailureClass.CRASHLOOP
        return "The last starts ended the same way; so will the next." if alike else "The last restart did not help."
    return "A restart does not remove the cause."


def _precedent(past: Sequence[Entry]) -> str:
    outcomes = [entry.outcome for entry in past if entry.action == "restart" and entry.outcome]
    return f"In the past a restart held {outcomes.count('resolved')} of {len(outcomes)} times." if outcomes else ""


def _out_of_service(evidence: Evidence, lead: Symptom) -> bool:
    facts = evidence.facts
    down = facts is not None and (not facts.running or facts.health == "unhealthy")
    return down and lead.trouble is not FailureClass.NONE


def _missing(evidence: Evidence) -> list[str]:
    """Return what there is not to read; an empty log is not one that could not be read."""
    missing = [] if evidence.facts else ["the container's state could not be read"]
    if not evidence.log.lines:
        empty = any(source.name == "logs" and source.status is Status.EMPTY for source in evidence.sources)
        missing.append("the log is empty" if empty else "its log could not be read")
    return missing


def _unknown(evidence: Evidence, precedents: Sequence[Precedent], why: str) -> Diagnosis:
    facts, lines = evidence.facts, evidence.log.lines
    loud = log.complaints(evidence)
    missing = _missing(evidence)
    past = [one.entry for one in precedents]
    helps = True if _held(past) > 0 else None
    cause = "Nothing that was read says what broke."
    ended = facts is not None and not facts.running and bool(facts.finished_at)
    if facts is not None and ended:
        cause = f"It ended with exit code {facts.exit_code}, and nothing that was read says why."
    if missing:
        cause = f"There is nothing to go by: {' and '.join(missing)}."
    words = statements.last_words(evidence)
    if words:
        cause = f"{'Last words before it ended' if ended else 'Last complaint'}: “{words}”"
    elif missing and (lines or facts):
        read = "log" if lines else "container's state"
        cause = f"Nothing in the {read} says what broke, and {' and '.join(missing)}."
    remedy = "Look at it by hand first: a restart removes the traces of the cause."
    calm = not loud and not missing and facts is not None and facts.running and facts.health != "unhealthy"
    if calm:
        cause = "The container runs, and neither its state nor its log shows a fault."
        remedy = "Check the alert itself, and what the container depends on."
    return Diagnosis(
        headline="nothing wrong found" if calm else "cause unknown",
        root_cause=cause,
        action=Action.RESTART if helps and not calm else Action.IGNORE,
        justification=" ".join(filter(None, [_precedent(past), remedy])),
        confidence=0.3 if calm else UNKNOWN_CAUSE_CONFIDENCE,
        trouble=FailureClass.NONE if calm else FailureClass.UNKNOWN,
        restart_helps=False if calm else helps,
        quotes=tuple(Quote(line.number, line.text, line.count) for line in loud[: log.QUOTES]),
        why_rules=why,
    )
