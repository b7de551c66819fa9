"""Checks the model's reply against the evidence.

Cited lines are looked up, and proven facts take precedence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.diagnosis import UNKNOWN_CAUSE_CONFIDENCE, Action, Diagnosis, FailureClass, Quote
from bot.domain.evidence import Evidence
from bot.domain.llm.reply import Reply
from bot.domain.redaction.redact import redact
from bot.domain.symptoms.symptom import Symptom
from bot.domain.text import QUOTED, clip, collapse_whitespace, short_headline, without_addresses
from bot.errors import ReplyRejected

LONGEST_CAUSE_CHARS, LONGEST_WHY_CHARS, LONGEST_DISPROOF_CHARS, LONGEST_HEADLINE_CHARS = 500, 400, 240, 60
"""Characters: a card fits a phone's screen."""
LONGEST_READ_CHARS = 4_000
"""Characters of one text of the model that are looked at."""

MOST_QUOTES = 5

_CAUSES_OF: dict[FailureClass, frozenset[FailureClass]] = {
    FailureClass.OOM: frozenset({FailureClass.RESOURCE_EXHAUSTION, FailureClass.CRASHLOOP, FailureClass.BAD_RELEASE}),
    FailureClass.CRASHLOOP: frozenset(FailureClass) - {FailureClass.NONE},
    FailureClass.DISK_FULL: frozenset(
        {FailureClass.RESOURCE_EXHAUSTION, FailureClass.CRASHLOOP, FailureClass.DATA_ERROR}
    ),
    FailureClass.PORT_CONFLICT: frozenset({FailureClass.CONFIG_ERROR, FailureClass.CRASHLOOP, FailureClass.NETWORK}),
    FailureClass.CONFIG_ERROR: frozenset(
        {
            FailureClass.BAD_RELEASE,
            FailureClass.CRASHLOOP,
            FailureClass.PERMISSION,
            FailureClass.AUTH,
            FailureClass.PORT_CONFLICT,
        }
    ),
    FailureClass.BAD_RELEASE: frozenset(
        {FailureClass.CONFIG_ERROR, FailureClass.CRASHLOOP, FailureClass.PERMISSION, FailureClass.DATA_ERROR}
    ),
    FailureClass.PERMISSION: frozenset(
        {FailureClass.CONFIG_ERROR, FailureClass.CRASHLOOP, FailureClass.AUTH, FailureClass.BAD_RELEASE}
    ),
    FailureClass.DEPENDENCY_DOWN: frozenset(
        {
            FailureClass.NETWORK,
            FailureClass.DNS,
            FailureClass.TIMEOUT,
            FailureClass.CRASHLOOP,
            FailureClass.RESOURCE_EXHAUSTION,
            FailureClass.AUTH,
        }
    ),
    FailureClass.DEADLOCK: frozenset({FailureClass.TIMEOUT, FailureClass.RESOURCE_EXHAUSTION}),
    FailureClass.UNKNOWN: frozenset(FailureClass),
}
"""What a model may call the trouble without contradicting a fact of this class; the class itself always agrees."""


_VAGUE = (FailureClass.CRASHLOOP, FailureClass.UNKNOWN)


def check_reply(
    reply: Reply,
    evidence: Evidence,
    symptoms: Sequence[Symptom],
    *,
    target: str,
    by: str,
    tokens: int = 0,
    seconds: float = 0.0,
) -> Diagnosis:
    """Hold a reply against the evidence and make a Diagnosis of what survives.

    ``by`` is the model's name. ``reply.lines`` count the lines of ``evidence.log`` from 1. Raises ``ReplyRejected``
    where the reply wants to restart something other than ``target``, or says nothing.
    """
    caveats: list[str] = []
    confidence = min(reply.confidence, 0.95)
    if _wants_other(reply, evidence, target):
        if reply.action is Action.RESTART or reply.named:
            raise ReplyRejected(f"The model speaks of restarting something other than {target}.")
        caveats.append(f"The model also speaks of restarting something else; Aegis restarts nothing but {target}.")
    source = _Source(evidence)
    cause = source.checked(reply.root_cause, LONGEST_CAUSE_CHARS)
    why = source.checked(reply.justification, LONGEST_WHY_CHARS)
    disproof = source.checked(reply.disproof, LONGEST_DISPROOF_CHARS)
    headline = short_headline(source.checked(reply.headline, 4 * LONGEST_HEADLINE_CHARS), LONGEST_HEADLINE_CHARS)
    if not cause:
        raise ReplyRejected("The model's reply gives no root cause.")
    quotes = [quote for number in reply.lines if (quote := source.line(number))]
    if len(quotes) < len(reply.lines):
        caveats.append("The model cites lines that are not in the evidence.")
        confidence *= 0.8
    if source.invented:
        caveats.append("The model quotes something that is not in the evidence; it was left out.")
        confidence *= 0.8
    if reply.action is Action.RESTART and reply.restart_helps is False:
        caveats.append("The model proposes a restart and says itself that it does not help.")
        confidence *= 0.6
    if not quotes and evidence.log.lines:
        confidence = min(confidence, 0.6)
    if evidence.facts is None and not evidence.log.lines:
        caveats.append("Neither the container's state nor its log was read; the model had nothing to go by.")
        confidence = min(confidence, UNKNOWN_CAUSE_CONFIDENCE)
    diagnosis = Diagnosis(
        headline=headline,
        root_cause=cause,
        action=reply.action,
        justification=why,
        confidence=confidence,
        trouble=reply.trouble,
        restart_helps=reply.restart_helps,
        by=by,
        quotes=(*quotes, *source.found),
        caveats=tuple(caveats),
        tokens=tokens,
        seconds=seconds,
        disproof=disproof,
    )
    return _finished(_with_facts(diagnosis, symptoms), symptoms)


def _with_facts(diagnosis: Diagnosis, symptoms: Sequence[Symptom]) -> Diagnosis:
    """Add proven facts that the model leaves out, and prefer them if it contradicts them."""
    proven = sorted(
        (symptom for symptom in symptoms if symptom.overrules_model), key=lambda symptom: -symptom.confidence
    )
    if not proven:
        return diagnosis
    # That starts fail says little of why: where a fact names a cause, it is the one to agree with.
    telling = [fact for fact in proven if fact.trouble not in _VAGUE] or proven
    agrees = diagnosis.trouble is FailureClass.UNKNOWN or any(
        diagnosis.trouble in (fact.trouble, *_CAUSES_OF.get(fact.trouble, ())) for fact in telling
    )
    if not agrees:
        fact = telling[0]
        diagnosis = replace(
            diagnosis,
            headline=fact.headline,
            root_cause=f"{fact.cause} The model says otherwise: {diagnosis.root_cause}",
            trouble=fact.trouble,
            quotes=(*fact.quotes, *diagnosis.quotes),
            confidence=min(diagnosis.confidence * 0.5, 0.4),
            caveats=(f"The engine's facts contradict the model: {fact.headline}.", *diagnosis.caveats),
        )
    elif diagnosis.trouble is FailureClass.UNKNOWN:
        diagnosis = replace(diagnosis, trouble=telling[0].trouble, headline=diagnosis.headline or telling[0].headline)
    again = next((fact for fact in proven if fact.restart_futile), None)
    decided = again or next((fact for fact in proven if fact.restart_helps is not None), None)
    diagnosis = _with_fact_on_restart(diagnosis, decided) if decided else diagnosis
    # The numbers are told, whoever came to the conclusion first.
    return replace(diagnosis, justification=f"{again.cause} {diagnosis.justification}".strip()) if again else diagnosis


def _with_fact_on_restart(diagnosis: Diagnosis, fact: Symptom) -> Diagnosis:
    """Take over what a fact says of a restart. A fact can take the proposal of a restart away, never make one."""
    proposes = diagnosis.action is Action.RESTART or diagnosis.restart_helps is True
    declines = diagnosis.action is Action.IGNORE or diagnosis.restart_helps is False
    if fact.restart_helps is False and proposes:
        return replace(
            diagnosis,
            action=Action.IGNORE,
            justification=fact.remedy or "The engine's facts say that a restart does not help.",
            restart_helps=False,
            confidence=min(diagnosis.confidence * 0.5, 0.4),
            caveats=(f"The model says that a restart helps; the facts say no: {fact.headline}.", *diagnosis.caveats),
        )
    if fact.restart_helps is True and declines:
        return replace(
            diagnosis,
            restart_helps=True,
            confidence=min(diagnosis.confidence * 0.5, 0.4),
            caveats=(
                f"The model says that a restart does not help; the facts say that it does: {fact.headline}.",
                *diagnosis.caveats,
            ),
        )
    return replace(diagnosis, restart_helps=fact.restart_helps)


def _finished(diagnosis: Diagnosis, symptoms: Sequence[Symptom]) -> Diagnosis:
    """Fill the headline and the quotes from what agrees, and keep everything within a card's bounds."""
    same = [symptom for symptom in symptoms if symptom.trouble is diagnosis.trouble]
    headline = diagnosis.headline or next((symptom.headline for symptom in same), "")
    quotes = diagnosis.quotes or next((symptom.quotes for symptom in same if symptom.quotes), ())
    return replace(
        diagnosis,
        headline=short_headline(headline or diagnosis.root_cause, LONGEST_HEADLINE_CHARS) or "cause unknown",
        root_cause=clip(diagnosis.root_cause, LONGEST_CAUSE_CHARS),
        justification=clip(diagnosis.justification, LONGEST_WHY_CHARS),
        quotes=tuple(dict.fromkeys(quotes))[:MOST_QUOTES],
        confidence=round(diagnosis.confidence, 2),
    )


_RESTART = re.compile(
    r"(?i)\b(?P<docker>docker\s+(?:compose\s+|container\s+|service\s+)?)?restart(?:ing)?\s+"
    r"(?:the\s+)?(?P<kind>(?:container|service)\s+)?(?P<mark>[`'\"“])?(?P<name>[a-z0-9][\w.-]*\w)"
)


def _wants_other(reply: Reply, evidence: Evidence, target: str) -> bool:
    """Return True if a reply names something else to be restarted; "restart re-opens it" is a sentence, not a name."""
    if reply.named and reply.named.strip() != target:
        return True
    neighbours = {neighbour.name.lower() for neighbour in evidence.neighbours}
    for text in (reply.headline, reply.root_cause, reply.justification):
        for match in _RESTART.finditer(collapse_whitespace(text[:LONGEST_READ_CHARS])):
            name = match["name"].lower()
            shaped = bool(re.search(r"[-_.\d]", name)) and bool(match["docker"] or match["kind"])
            if name != target.lower() and (name in neighbours or match["mark"] or match["docker"] or shaped):
                return True
    return False


class _Source:
    """The evidence as something to be looked up: lines by number, quotations word for word."""

    def __init__(self, evidence: Evidence) -> None:
        facts = evidence.facts
        self._lines = evidence.log.lines
        self._cleaned = [collapse_whitespace(line.text) for line in evidence.log.lines]
        rest = [*evidence.events]
        rest += [part for neighbour in evidence.neighbours for part in (neighbour.name, neighbour.detail)]
        if facts is not None:
            rest += [facts.name, facts.image, facts.error, *(probe.output for probe in facts.probes)]
        self._all = "\n".join((*self._cleaned, *map(collapse_whitespace, rest)))
        self.found: list[Quote] = []
        self.invented = False

    def line(self, number: int) -> Quote | None:
        """Return the line with this number in the prompt, as it stands in the log."""
        if not 1 <= number <= len(self._lines):
            return None
        line = self._lines[number - 1]
        return Quote(line.number, line.text, line.count)

    def checked(self, text: str, limit: int) -> str:
        """Return outside text made safe: redacted, without invented quotations and addresses, in one line, cut."""
        text = QUOTED.sub(self._quotation, redact(collapse_whitespace(text[:LONGEST_READ_CHARS])))
        return clip(without_addresses(text), limit)

    def _quotation(self, match: re.Match[str]) -> str:
        words = next(group for group in match.groups() if group is not None).strip(" .…,;:")
        if len(words) < 16 and len(words.split()) < 3:
            return match[0]
        if not words or words not in self._all:
            self.invented = True
            return "[…]"
        number = next((n for n, line in enumerate(self._cleaned, 1) if words in line), 0)
        if quote := self.line(number):
            self.found.append(quote)
        return match[0]
