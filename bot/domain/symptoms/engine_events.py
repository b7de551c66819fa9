"""Derives symptoms from engine events: out of memory, stopped by somebody."""

from __future__ import annotations

import re

from bot.domain.diagnosis import FailureClass
from bot.domain.evidence import Evidence
from bot.domain.symptoms.symptom import Symptom

_WORD = re.compile(r"\w+")
_BEGINS = frozenset({"start", "restart", "unpause"})


def out_of_memory(evidence: Evidence) -> bool:
    """Return True if the engine told that a process ran out of memory."""
    return any("oom" in _WORD.findall(event.lower()) for event in evidence.events)


def stopped_symptoms(evidence: Evidence) -> list[Symptom]:
    """Return True if the last run was ended by a stop that somebody, or a tool, asked the engine for.

    The engine tells of ``stop`` only then; that it has to kill the process after a while says nothing of memory.
    """
    facts = evidence.facts
    if facts is None or facts.running or facts.error or facts.oom_killed or out_of_memory(evidence):
        return []
    last: list[set[str]] = []
    for words in _words(evidence):
        last = [] if words & _BEGINS else [*last, words]
    asked = next((place for place, words in enumerate(last) if "kill" in words), None)
    if asked is None or not any("stop" in words for words in last[asked:]):
        return []
    return [
        Symptom(
            FailureClass.NONE,
            "stopped on request",
            f"The engine was asked to stop it, and did (exit code {facts.exit_code}): it did not end by itself.",
            0.85,
            True,
            "Ask who stopped it, and why, before you start it.",
            proven=True,
        )
    ]


def _words(evidence: Evidence) -> list[set[str]]:
    """Return the words of each event; what is only counted has no place in the order."""
    return [set(_WORD.findall(event.lower())) for event in evidence.events if not event.startswith("before:")]
