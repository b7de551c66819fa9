"""Sections of a prompt about the evidence and past incidents.

Outside text is redacted and takes one line a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain.evidence import Evidence, Facts, Status, Usage
from bot.domain.llm.tokens import cut_to_tokens
from bot.domain.redaction.redact import redact
from bot.domain.runbook_entry import Precedent
from bot.domain.symptoms.symptom import Symptom
from bot.domain.text import collapse_whitespace

LONGEST_READ_CHARS = 2_000
"""Characters at the start and at the end of one outside text that are looked at; far more than any share shows."""


class Outside:
    """Outside text made fit for the prompt: one line, unable to close the data, cut to a share of tokens.

    Evidence comes redacted; ``unread`` is for text that nobody has redacted yet.
    """

    def __init__(self, nonce: str) -> None:
        self._nonce = re.compile(re.escape(nonce), re.IGNORECASE)

    def __call__(self, text: str, tokens: int) -> str:
        """Return text that was redacted before, of at most ``tokens``."""
        return cut_to_tokens(self._nonce.sub("[…]", collapse_whitespace(_ends(text))), tokens) or "-"

    def unread(self, text: str, tokens: int) -> str:
        """Return text that nobody has redacted yet, of at most ``tokens``."""
        # Twice: a key over several lines is one only before they are joined, a hidden one only after they are cleaned.
        return self(redact(collapse_whitespace(redact(_ends(text)))), tokens)


def _ends(text: str) -> str:
    return (
        text if len(text) <= 2 * LONGEST_READ_CHARS else f"{text[:LONGEST_READ_CHARS]} … {text[-LONGEST_READ_CHARS:]}"
    )


def facts_lines(facts: Facts | None, say: Outside) -> list[str]:
    """Write the engine's facts, whole."""
    if facts is None:
        return ["unknown: the engine did not say"]
    lines = [
        f"status: {say(facts.status, 8)}; running: {_yes(facts.running)}; restarting: {_yes(facts.restarting)}; "
        f"paused: {_yes(facts.paused)}",
        f"exit code: {facts.exit_code}; OOMKilled: {_yes(facts.oom_killed)}; "
        f"restarts by its policy: {facts.restart_count} ({say(facts.restart_policy, 12)})",
        f"health check: {say(facts.health, 8) if facts.health else 'none'}",
        f"started: {format_moment(facts.started_at, say)}; finished before: {format_moment(facts.finished_at, say)}",
        f"image: {say(facts.image, 60)}; built: {format_moment(facts.image_created_at, say)}",
    ]
    if facts.error:
        lines.append(f"engine's error: {say(facts.error, 120)}")
    if facts.memory_limit:
        lines.append(f"memory limit: {_bytes(facts.memory_limit)}")
    if facts.ports:
        ports = ", ".join(f"{port.container}/{port.protocol[:4]}→{port.host}" for port in facts.ports[:6])
        lines.append(f"ports: {say(ports, 60)}")
    lines += [
        f"health probe {format_moment(probe.at, say)}: exit {probe.exit_code}: {say(probe.output, 60)}"
        for probe in facts.probes[-3:]
    ]
    return lines


def usage_lines(usage: Usage | None) -> list[str]:
    """Write what is in use, where the engine says so."""
    if usage is None:
        return []
    of = f" of {_bytes(usage.memory_limit)}" if usage.memory_limit else ""
    parts = [
        f"memory {_bytes(usage.memory)}{of}" if usage.memory is not None else "",
        f"cpu {usage.cpu_percent:.0f} %" if usage.cpu_percent is not None else "",
        f"processes {usage.pids}" if usage.pids is not None else "",
    ]
    return [f"in use: {', '.join(filter(None, parts))}"] if any(parts) else []


def source_lines(evidence: Evidence, say: Outside) -> list[str]:
    """Write how each source answered; what did not answer is unknown."""
    unknown = (Status.DENIED, Status.TIMED_OUT)
    return [
        f"{say(source.name, 8)}: {source.status.value}"
        + (" (unknown, not zero)" if source.status in unknown else "")
        + (f": {say(source.detail, 20)}" if source.detail else "")
        for source in evidence.sources[:10]
    ] or ["none"]


def symptom_lines(symptoms: Sequence[Symptom], say: Outside) -> list[str]:
    """Write what the rules read, most certain first."""
    return [
        f"- {_certainty(symptom)}: {symptom.trouble.value}: {say(symptom.headline, 25)}. {say(symptom.cause, 60)} "
        f"Restart helps: {_yes(symptom.restart_helps)}."
        for symptom in sorted(symptoms, key=lambda symptom: (not symptom.overrules_model, -symptom.confidence))[:8]
    ]


def _certainty(symptom: Symptom) -> str:
    return "certain" if symptom.overrules_model else "likely" if symptom.confidence >= 0.6 else "possible"


def surroundings_lines(evidence: Evidence, say: Outside) -> list[str]:
    """Write the neighbours, those that the log names first, and the newest events."""
    named_first = sorted(evidence.neighbours, key=lambda neighbour: not neighbour.named_in_log)[:10]
    neighbours = [
        f"- neighbour {say(neighbour.name, 20)}: {say(neighbour.status, 8)}"
        + (f", health {say(neighbour.health, 8)}" if neighbour.health else "")
        + (", named in the log" if neighbour.named_in_log else "")
        + (f": {say(neighbour.detail, 30)}" if neighbour.detail else "")
        for neighbour in named_first
    ]
    return [*neighbours, *(f"- event {say(event, 40)}" for event in reversed(evidence.events[-8:]))]


_OUTCOMES = {"resolved": "resolved", "not_resolved": "not resolved", "ignored": "ignored"}


def precedent_lines(precedents: Sequence[Precedent], say: Outside) -> list[str]:
    """Write the past incidents that fit, best first, each with how it ended."""
    entries = [precedent.entry for precedent in sorted(precedents, key=lambda one: -one.score)[:5]]
    return [
        f"- {say(entry.at[:10], 12)} {say.unread(entry.target, 15)}: {say.unread(entry.trouble, 8)}: "
        f"{say.unread(entry.root_cause, 70)} Action {say.unread(entry.action, 6)}: "
        f"{_OUTCOMES.get(entry.outcome, 'outcome unknown')}."
        + (f" Then seen: {say.unread(entry.evidence[0], 50)}" if entry.evidence else "")
        for entry in entries
    ]


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def format_moment(at: str, say: Outside) -> str:
    """Write the engine's time to the second; its nine further digits cost nine tokens and tell nothing."""
    if not at or at.startswith("0001-"):
        return "never"
    to_second = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", at, re.ASCII)
    return f"{to_second[0]}Z" if to_second else say(at, 20)


def _bytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB" if count < 2**33 else f"{count / 2**30:.0f} GiB"
