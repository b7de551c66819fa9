"""Secrets parted from their key by arrows, dots, bars or blanks."""

from __future__ import annotations

import re

from bot.domain.redaction.key_values import HINTS, KEY_CHARS, kind_of
from bot.domain.redaction.values import is_lone_secret
from bot.domain.redaction.vendor_tokens import fold, mark

_PAIR = re.compile(
    rf"(?P<key>(?:{HINTS})[\w-]{{0,60}}+(?:\.[\w-]{{1,40}}+){{0,4}}+)\\{{0,3}}[\"'`\])]?"
    r"(?:[ \t]{0,24}(?:::|~>|<-|<=|>>|[\u21d2\u2192\u279c\u2794\u27f6]|\u2026|\.{3,40})[ \t]{0,8}"
    r"|(?P<cell>[ \t]{0,40}[|\u2502\u2503][ \t]{0,40}|[ \t]{3,40}|\t[ \t]{0,16}))"
    r"[\"'`(\[]?(?P<value>[^\s\"'`|\u2502\u2503<>]{6,400}+)(?P<end>[\"'`)\]]?[ \t]{0,40}(?:[|\u2502\u2503\r\n]|\Z))?"
)
_SIGNS = (
    "::",
    "~>",
    "<-",
    "<=",
    ">>",
    "\u21d2",
    "\u2192",
    "\u279c",
    "\u2794",
    "\u27f6",
    "\u2026",
    "...",
    "|",
    "\u2502",
    "\u2503",
    "   ",
    "\t",
)


def behind_odd_signs(text: str) -> str:
    """Return ``text`` without the secrets that such a sign parts from their key."""
    if not any(sign in text for sign in _SIGNS):
        return text
    folded = fold(text)
    done: list[str] = []
    at = 0
    for pair in _PAIR.finditer(folded):
        if pair["cell"] and pair["end"] is None:
            continue
        left = text[max(at, pair.start() - 60) : pair.start()]
        key = left[len(left.rstrip(KEY_CHARS)) :] + text[slice(*pair.span("key"))]
        what = kind_of(key.rstrip(".").lstrip("-."), left[:12])
        start, end = pair.span("value")
        value = text[start:end].rstrip(".,;:)]}")
        if what in ("password", "token") and "[redacted:" not in value and is_lone_secret(value, what, own_name=False):
            done += (text[at:start], mark(what))
            at = start + len(value)
    return "".join((*done, text[at:])) if done else text
