"""Collapses outside text to one line of visible words."""

from __future__ import annotations

import re
import unicodedata

from bot.domain.unseen import without_unseen

QUOTED = re.compile(r"“([^“”]+)”|«([^«»]+)»|`([^`]+)`|\"([^\"]+)\"|(?<!\w)'([^'\n]+)'(?!\w)")
"""A quotation in one of the usual pairs of marks; exactly one group matches."""

_ADDRESS = re.compile(
    r"(?i)[a-z][a-z0-9+.-]{0,30}://(?:[^\s/?#@<>|]{0,200}@)?([^\s/?#<>|\"'`)\]]{0,255})[^\s<>|\"'`)\]]*"
)
_MARKUP = re.compile(r":[a-z0-9_+-]{1,40}:|[*_~`#<>|\[\](){}]")


def collapse_whitespace(text: str) -> str:
    """Return ``text`` on one line, without what shows nothing, half characters and such as no script has."""
    text = without_unseen(text)
    if not text.isascii():
        text = "".join(char for char in text if unicodedata.category(char) not in ("Cs", "Co", "Cn"))
    return " ".join(text.split())


def without_addresses(text: str) -> str:
    """Replace each URL by its host: a log line or a model can send nobody anywhere."""
    return _ADDRESS.sub(lambda match: match[1], text)


def clip(text: str, limit: int) -> str:
    """Cut ``text`` to ``limit`` characters, after a whole word where there is one."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip(" ,;:") + "…"


def short_headline(text: str, limit: int) -> str:
    """Make a headline: the first sentence without markup or symbols, cut to ``limit`` characters."""
    words = _MARKUP.sub(" ", collapse_whitespace(text))
    words = without_unseen("".join(char for char in words if unicodedata.category(char) not in ("So", "Sk", "Cn")))
    return clip(re.split(r"(?<=[^\d.])[.!?](?:\s|$)", " ".join(words.split()), maxsplit=1)[0].strip(" .,;:-"), limit)
