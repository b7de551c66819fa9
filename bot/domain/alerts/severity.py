"""Reads the severity that a sender states.

It is ``critical``, ``warning``, ``info`` or ``unknown``, and never guessed from the trouble.
"""

from __future__ import annotations

import re

from bot.domain.alerts.label_syntax import Pairs
from bot.domain.alerts.message import SectionKind, SlackMessage, without_markup, word_set
from bot.domain.alerts.status import heads_of

_WORDS = {
    "critical": word_set(
        "critical crit page disaster emergency fatal sev1 sev0 p0 p1 p2 high highest severe urgent blocker"
    ),
    "warning": word_set("needs warning warn average medium moderate p3 sev2 sev3 minor"),
    "info": word_set("info information informational notice low lowest p4 p5"),
}
_LEVELS = {word: level for level, words in _WORDS.items() for word in words}
_KEYS = (
    "severity",
    "alert_severity",
    "priority",
    "urgency",
    "state",
    "status",
    "level",
    "servicestate",
    "hoststate",
    "rule_id",
)
_RULE_LEVEL = re.compile(r"\(Level (\d{1,2})\)", re.IGNORECASE)
_HEAD = re.compile(
    r"\b(CRITICAL|WARNING|WARN|Warn|Warning|Critical|INFO|P[1-5]|(?<=is )(?:critical|warning)|needs attention)\b"
)
_LIST = re.compile(r"\(([^()\n]*)\)\W*$")


def severity_of(pairs: Pairs, message: SlackMessage) -> str:
    """Return the severity that a Slack message states: by label, in its title's brackets, or by the title's mark."""
    # A header of its own may say nothing but the severity.
    heads = (*heads_of(message), *(part.text for part in message.at(SectionKind.HEADER)))
    return severity_of_pairs(pairs, *(without_markup(head) for head in heads))


def severity_of_pairs(pairs: Pairs, *heads: str) -> str:
    """Return the severity: of the labels, else of the values in a heading's brackets, else of its own mark."""
    for key in _KEYS:
        for name, value in pairs:
            if (name == key or name.endswith(f"_{key}")) and (level := _level(key, value)):
                return level
    if ("state", "ok") in ((key, value.lower()) for key, value in pairs):
        return "unknown"
    for head in heads:
        listed = _LIST.search(head)
        for word in reversed(listed[1].split()) if listed else ():
            if word in ("critical", "warning", "info"):
                return word
    return next(
        (_LEVELS.get(found[1].lower().split()[0], "unknown") for head in heads if (found := _HEAD.search(head[:120]))),
        "unknown",
    )


def _level(key: str, value: str) -> str:
    rule = _RULE_LEVEL.search(value) if key == "rule_id" else None
    if rule:
        # Wazuh's own colours: up to 4 good, 5 to 7 warning, above danger.
        return "info" if int(rule[1]) <= 4 else "warning" if int(rule[1]) <= 7 else "critical"
    # OK -> CRITICAL: what counts is where it leads.
    word = re.split(r"[^a-z0-9]", re.split(r"->|→|=>", value.lower())[-1].strip(" *`:\"'"))[0]
    level = _LEVELS.get(word, "")
    if key in ("state", "status", "level", "servicestate", "hoststate") and word not in (
        "critical",
        "crit",
        "warning",
        "warn",
    ):
        return ""
    return level
