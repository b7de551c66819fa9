"""Lowers the confidence in symptoms that rest on little evidence."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.diagnosis import FailureClass
from bot.domain.evidence import Evidence
from bot.domain.logs.line import Level, level_of
from bot.domain.symptoms import container_state, log
from bot.domain.symptoms.symptom import Symptom

HIGHEST_BY_LOG = 0.92
"""Words in a log prove less than the engine's facts do, however plain they are."""

MAX_UNSUPPORTED = 0.58
"""Confidence of a signature that no concept supports: alone they were right in 6 of 8 foreign logs, with a concept in
35 of 38."""

# What a rival as sure as the lead takes off, and how far below the lead it still takes off something.
_RIVAL, _NEAR = 0.3, 0.3
# A single line among other complaints; a line that is quieter than the complaints; an end that it does not explain.
_SINGLE, _QUIET, _OTHER_END, _HEALTHY = 0.8, 0.85, 0.8, 0.85
_CROWD = 3
# A loop whose own words are not understood.
_UNREAD = 0.55
# Lines of one trace, or of one failure as its callers tell it.
_ONE_EVENT = 20
_VAGUE = {FailureClass.UNKNOWN, FailureClass.CRASHLOOP, FailureClass.NONE}


def lead_confidence(evidence: Evidence, lead: Symptom, symptoms: Sequence[Symptom]) -> float:
    """Return from 0 to 1 how sure the lead is beside all else that was read; never more than the lead's own."""
    confidence = lead.confidence * (1 - _rivalry(lead, symptoms))
    if lead.trouble is FailureClass.CRASHLOOP and log.complaints(evidence):
        # It says why it ends, in words that no sign knows: the loop is certain, what it comes of is not.
        confidence = min(confidence, _UNREAD)
    if lead.proven or not lead.quotes:
        return confidence
    if not lead.supported:
        confidence = min(confidence, MAX_UNSUPPORTED)
    mine = {quote.number for one in symptoms if one.trouble is lead.trouble for quote in one.quotes}
    others = [line for line in log.complaints(evidence) if line.number not in mine]
    loudest = max(level_of(quote.text) for quote in lead.quotes)
    if sum(quote.count for quote in lead.quotes) == 1 and sum(line.count for line in others) >= _CROWD:
        confidence *= _SINGLE
    if loudest in {Level.DEBUG, Level.INFO, Level.WARN} and (others or loudest < Level.WARN):
        confidence *= _QUIET
    facts = evidence.facts
    if facts is not None and not facts.running and others and others[-1].number > max(mine):
        confidence *= _OTHER_END
    if facts is not None and facts.running and facts.health == "healthy":
        confidence *= _HEALTHY
    return min(confidence, HIGHEST_BY_LOG)


def _rivalry(lead: Symptom, symptoms: Sequence[Symptom]) -> float:
    """Return the share that the surest other cause takes off; what only follows from the lead takes half."""
    rivals = [one for one in symptoms if one.trouble not in {lead.trouble, *_VAGUE}]
    if not rivals or lead.trouble in _VAGUE:
        return 0.0
    rival = max(rivals, key=lambda one: one.confidence)
    near = max(0.0, 1 - max(0.0, lead.confidence - rival.confidence) / _NEAR)
    follows = lead.proven or {lead.trouble, rival.trouble} <= container_state.BLAMES or _right_after(lead, rival)
    return _RIVAL * near * (0.5 if follows else 1.0)


def _right_after(lead: Symptom, rival: Symptom) -> bool:
    if not lead.quotes or not rival.quotes:
        return False
    return 0 <= rival.quotes[0].number - lead.quotes[0].number <= _ONE_EVENT
