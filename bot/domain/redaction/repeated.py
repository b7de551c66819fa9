"""Secrets that a text repeats where nothing marks them."""

from __future__ import annotations

import re

from bot.domain.redaction.encoded import marked_spans
from bot.domain.redaction.values import is_likely
from bot.domain.redaction.vendor_tokens import MARKED

_SHORTEST_CHARS, _LONGEST_CHARS = 8, 200
_MOST = 64
"""Values that are looked for again; more than a text has in earnest."""
_LONGEST_LINE_CHARS = 8192


def repeated(text: str, redacted: str) -> str:
    """Return ``redacted`` without what was a secret elsewhere in ``text``, as a word of its own."""
    if text == redacted:
        return redacted
    before, after = text.split("\n"), redacted.split("\n")
    if len(before) != len(after):
        return redacted
    found: dict[str, str] = {}
    for line, seen in zip(before, after, strict=True):
        if line == seen or len(line) > _LONGEST_LINE_CHARS or "[redacted:" in line:
            continue
        for start, end, marker in marked_spans(line, seen):
            value = line[start:end]
            if _SHORTEST_CHARS <= len(value) <= _LONGEST_CHARS and is_likely(value) and len(found) < _MOST:
                found[value] = marker
    again = sorted((value for value in found if value in redacted), key=len, reverse=True)
    if not again:
        return redacted
    word = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, again))})(?![\w-]|\.\w)")
    pieces, marks = MARKED.split(redacted), MARKED.findall(redacted)
    parts = [word.sub(lambda match: found[match[0]], part) for part in pieces]
    return "".join(part + marker for part, marker in zip(parts, (*marks, ""), strict=True))
