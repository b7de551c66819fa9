"""Selects the numbered log lines that a prompt shows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain.evidence import LogLine
from bot.domain.llm.sections import LONGEST_READ_CHARS, Outside
from bot.domain.llm.tokens import estimate_tokens
from bot.domain.symptoms.symptom import Symptom

MOST_LINES = 400
"""Log lines that are weighed for their length; the digest holds fewer."""

_ALARMING = re.compile(
    r"(?i)\b(?:fatal|panic|critical|emerg|error|exception|traceback|caused by|failed|failure|refused|denied|timed? ?out"
    r"|killed|exit(?:ed)?|unable|cannot|no space|deadlock|segfault|oom)\b|exception|error"
)


def choose_log_lines(lines: Sequence[LogLine], symptoms: Sequence[Symptom], say: Outside, left: int) -> list[str]:
    """Give each line its place as its number, keep the most telling ones that fit, and put them back in order."""
    if not lines:
        return ["none"]
    shown: dict[int, str] = {}
    for place in _by_importance(lines, symptoms)[:MOST_LINES]:
        line = lines[place]
        text = f"{place + 1} | {_often(line, say)} | {say(line.text, 110)}"
        if line.boundary:
            text = f"-- the container was started anew --\n{text}"
        cost = estimate_tokens(text) + 1
        if cost <= left:
            shown[place] = text
            left -= cost
        elif left < 15:
            break
    out = len(lines) - len(shown)
    return [*(shown[place] for place in sorted(shown)), *([f"({out} more left out)"] if out else [])]


def _by_importance(lines: Sequence[LogLine], symptoms: Sequence[Symptom]) -> list[int]:
    """Return the places of the lines, most telling first: what the rules rest on, new starts, alarms, the end."""
    cited = {quote.number for symptom in symptoms for quote in symptom.quotes}
    alarming = {place for place, line in enumerate(lines) if _ALARMING.search(line.text[:LONGEST_READ_CHARS])}
    first = min(alarming, default=0)

    def weight(place: int) -> int:
        line = lines[place]
        beside = place + 1 in alarming or place - 1 in alarming
        points = 8 * (line.number in cited) + 4 * line.boundary + 4 * (place == first)
        points += 3 * (place in alarming) + 2 * (place >= len(lines) - 5) + beside
        return points + (line.count <= 2)

    return sorted(range(len(lines)), key=lambda place: (-weight(place), -place))


def _often(line: LogLine, say: Outside) -> str:
    if line.count <= 1:
        return "1"
    return f"{line.count} times until {say(line.until, 20)}" if line.until else f"{line.count} times"
