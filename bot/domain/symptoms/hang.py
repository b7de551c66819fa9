"""Detects a running program that neither answers nor logs."""

from __future__ import annotations

import re

from bot.domain import times
from bot.domain.diagnosis import FailureClass
from bot.domain.evidence import Evidence
from bot.domain.symptoms.symptom import Symptom

LEAST_SILENCE_S = 3.0
"""Seconds without a line before a log counts as silent; a busy program that hangs is silent at once."""

# Silent for so many times its usual pause; fewer lines than this tell nothing of what is usual.
_TIMES, _FEW = 6, 10
_NO_ANSWER = re.compile(
    r"(?i)down\b|unreachable|no (?:answer|response|reply|data)|n[o']t (?:answer|respond|reply)\w*|unresponsive"
    r"|tim(?:ed?|e)[ _-]?outs?\b|exceeded timeout|blackbox|probe|health ?check|heartbeat|\b(?:hangs?|hung|stuck)\b"
    r"|unavailable|missed"
)


def hang_symptoms(evidence: Evidence, alert: str) -> list[Symptom]:
    """Return True if the program hangs; ``alert`` is what the sender said."""
    facts, log = evidence.facts, evidence.log
    if facts is None or not facts.running or facts.restarting or facts.paused:
        return []
    last, now = times.parse_engine_time(log.last_at), times.parse_engine_time(evidence.gathered_at)
    started = times.parse_engine_time(facts.started_at)
    probed = any(probe.exit_code != 0 and _NO_ANSWER.search(probe.output) for probe in facts.probes[-1:])
    if last is None or now is None or started is None or not (probed or _NO_ANSWER.search(alert)):
        return []
    silent = (now - last).total_seconds()
    lines = sum(line.count for line in log.lines if not line.earlier)
    usual = max(0.0, (last - started).total_seconds()) / max(lines, 1)
    if lines < _FEW or silent < max(LEAST_SILENCE_S, _TIMES * usual):
        return []
    return [
        Symptom(
            FailureClass.TIMEOUT,
            "gives no answer and logs nothing",
            f"The program runs, but it gives no answer and has logged nothing for {_format_seconds(silent)}: it hangs.",
            0.75 if probed else 0.7,
            True,
            "If it comes back, have its threads dumped before the next restart.",
        )
    ]


def _format_seconds(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
