"""Builds a prompt from the evidence within a budget of tokens.

The facts are always whole; log lines and precedents give way, the least telling first. All outside text stands between
two marks that nobody outside can know, one line to a value, redacted and cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.evidence import Evidence
from bot.domain.llm import log_section, sections
from bot.domain.llm.instructions import SCHEMA, SYSTEM
from bot.domain.llm.sections import Outside
from bot.domain.llm.tokens import estimate_tokens
from bot.domain.runbook_entry import Precedent
from bot.domain.symptoms.symptom import Symptom

__all__ = ["LEAST_BUDGET_TOKENS", "SCHEMA", "Prompt", "build_prompt", "build_prompts", "estimate_tokens"]

LEAST_BUDGET_TOKENS = 2_700
"""Tokens below which the instructions and a container's facts, at their longest, do not fit."""

_LONE = re.compile(r"[A-Za-z0-9]{8,64}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent to the model: our instructions, the delimited data, and the schema of the answer.

    ``tokens`` is the estimate for ``system`` and ``data`` together.
    """

    system: str
    data: str
    schema: Mapping[str, object]
    tokens: int


def build_prompts(
    evidence: Evidence,
    symptoms: Sequence[Symptom],
    precedents: Sequence[Precedent],
    *,
    alert: str,
    title: str,
    nonce: str,
    budget: int = 6_000,
) -> tuple[Prompt, ...]:
    """Return the full prompt and a shorter one, for the case that the answer to the first is cut off."""
    shorter = max(LEAST_BUDGET_TOKENS, budget // 2)
    return tuple(
        build_prompt(evidence, symptoms, precedents, alert=alert, title=title, nonce=nonce, budget=tokens)
        for tokens in (budget, shorter)
    )


def build_prompt(
    evidence: Evidence,
    symptoms: Sequence[Symptom],
    precedents: Sequence[Precedent],
    *,
    alert: str,
    title: str,
    nonce: str,
    budget: int = 6_000,
) -> Prompt:
    """Return a prompt of at most ``budget`` tokens by ``estimate_tokens``, however much evidence there is.

    Log lines are numbered by their place in ``evidence.log.lines``, from 1. ``nonce`` is 8 to 64 random letters and
    digits, new for each prompt. Raises ``ValueError`` for another nonce or a budget below ``LEAST_BUDGET_TOKENS``.
    """
    if not _LONE.fullmatch(nonce):
        raise ValueError("a nonce is 8 to 64 ASCII letters and digits")
    if budget < LEAST_BUDGET_TOKENS:
        raise ValueError(f"a prompt needs a budget of at least {LEAST_BUDGET_TOKENS} tokens")
    say = Outside(nonce)
    system = SYSTEM.format(nonce=nonce)
    fixed = [
        f"DATA {nonce}",
        f"container: {say(str(evidence.target), 60)}; looked at {sections.format_moment(evidence.gathered_at, say)}",
        f"alert: {say.unread(title, 60)}",
        f"alert text: {say.unread(alert, 150)}",
        "",
        "FACTS from the engine",
        *sections.facts_lines(evidence.facts, say),
        *sections.usage_lines(evidence.usage),
        "",
        "SOURCES",
        *sections.source_lines(evidence, say),
    ]
    end = f"END {nonce}"
    left = budget - estimate_tokens(system) - estimate_tokens(_joined([*fixed, end])) - 40
    rules, left = _fitting(sections.symptom_lines(symptoms, say), left, min(400, left // 3))
    around, left = _fitting(sections.surroundings_lines(evidence, say), left, min(400, left // 4))
    past, left = _fitting(sections.precedent_lines(precedents, say), left, min(700, left // 4))
    lines = log_section.choose_log_lines(evidence.log.lines, symptoms, say, left)
    data = _joined(
        [
            *fixed,
            *_section("WHAT THE RULES READ FROM THE FACTS AND THE LOG", rules),
            *_section("AROUND IT", around),
            *_section("PAST INCIDENTS that look alike", past),
            *_section("LOG LINES: number | how often | text", lines),
            end,
        ]
    )
    return Prompt(system, data, SCHEMA, estimate_tokens(system) + estimate_tokens(data))


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _fitting(lines: Iterable[str], left: int, share: int) -> tuple[list[str], int]:
    """Take lines, best first, while they fit into ``share``; return them and what is left of ``left``."""
    taken: list[str] = []
    spent = 0
    for line in lines:
        cost = estimate_tokens(line) + 1
        if spent + cost > share - 20:
            break
        taken.append(line)
        spent += cost
    return taken, left - spent - (20 if taken else 0)
