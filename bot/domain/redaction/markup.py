"""Secrets in HTML attributes."""

from __future__ import annotations

import re

from bot.domain.redaction.key_values import kind_of
from bot.domain.redaction.values import is_placeholder, is_plain_word, is_random
from bot.domain.redaction.vendor_tokens import fold, mark

_TAG = re.compile(r"<(?:input|meta|param|button|option)(?=[\s/])[^<>\n]{1,2000}+>")
_ATTRIBUTE = re.compile(
    r"(?<=[\s\"'/])(?P<name>[a-z][\w:-]{0,40}+)\s?=\s?\\{0,3}"
    r"(?:\"(?P<double>[^\"\\]{0,1000}+)|'(?P<single>[^'\\]{0,1000}+)|(?P<bare>[^\s\"'<>\\]{1,1000}+))"
)
_NAMING = ("name", "id", "property", "http-equiv", "autocomplete")
_SHORTEST_WEAK_CHARS = 16


def in_markup(text: str) -> str:
    """Return ``text`` without the values of fields that hold a secret."""
    if "<" not in text or "=" not in text:
        return text
    folded = fold(text)
    done: list[str] = []
    at = 0
    for tag in _TAG.finditer(folded):
        start, end, what = _secret_of(text, folded, tag)
        if what:
            done += (text[at:start], mark(what))
            at = end
    return "".join((*done, text[at:])) if done else text


def _secret_of(text: str, folded: str, tag: re.Match[str]) -> tuple[int, int, str]:
    """Return where the secret of a tag starts and ends, and its kind; ``""`` where there is none."""
    what, span = "", (0, 0)
    for attribute in _ATTRIBUTE.finditer(folded, tag.start(), tag.end()):
        name = attribute["name"]
        place = attribute.span(next(group for group in ("double", "single", "bare") if attribute[group] is not None))
        value = text[slice(*place)]
        if name == "type" and value.lower() == "password":
            what = "password"
        elif name in _NAMING and not what:
            what = kind_of(value.strip("[]"), "") or ""
        elif name in ("value", "content"):
            span = place
    value = text[slice(*span)]
    if not what or len(value) < 3 or is_placeholder(value) or "[redacted:" in value:
        return 0, 0, ""
    if what != "password" and (is_plain_word(value) or not is_random(value, shortest=_SHORTEST_WEAK_CHARS)):
        return 0, 0, ""
    return *span, "secret" if what == "weak" else what
