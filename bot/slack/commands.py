"""The words behind /aegis or @aegis -> what is asked, or a sentence about what is wrong with them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What can be asked for."""

    DIAGNOSE = "diagnose"
    STATUS = "status"
    HISTORY = "history"
    RUNBOOK = "runbook"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asks for: the verb and its words; ``trouble`` says what is wrong, and then nothing is done."""

    verb: Verb
    words: str = ""
    trouble: str = ""


LONGEST = 300
"""Characters of a question; a container's name has at most 255."""

# Docker: daemon/names, RestrictedNameChars.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")

_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")

_QUOTES = "`'\"“”‘’«»"


def parse_command(said: str) -> Ask:
    """Understand what Slack hands over as a command's or mention's text. Never raises."""
    text = " ".join(plain(said).split())
    if len(text) > LONGEST:
        return Ask(Verb.HELP, trouble=f"That is too long to be understood: at most {LONGEST} characters.")
    first, _, words = text.partition(" ")
    try:
        verb = Verb(first.lower() or Verb.HELP)
    except ValueError:
        return Ask(Verb.HELP, trouble=f"“{_short(first)}” is nothing that Aegis can do.")
    if verb in (Verb.DIAGNOSE, Verb.HISTORY):
        words = words.strip(_QUOTES)
        if words and not _NAME.fullmatch(words):
            return Ask(verb, trouble=f"“{_short(words)}” is not the name of one container.")
    if verb is Verb.RUNBOOK and not words:
        return Ask(verb, trouble="Say what to look for: /aegis runbook WORDS.")
    return Ask(verb, words)


def plain(said: str) -> str:
    """Take Slack's markup out of a text that people wrote: links keep what they show, and ``&amp;`` is ``&`` again."""
    shown = _MARKUP.sub(_shown, said)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(markup: re.Match[str]) -> str:
    target, label = markup.group(1), markup.group(2)
    if target[:1] in ("@", "#", "!"):
        sign = "@" if target[:1] == "!" else target[:1]
        return sign + (label or target[1:]).lstrip("@#")
    return label or re.sub(r"^(https?://|mailto:)", "", target)


def _short(words: str) -> str:
    return words if len(words) <= 60 else words[:59] + "…"
