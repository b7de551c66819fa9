"""Secrets in printed values: ``Secret { inner: "…" }``, ``Token(…)``, ``%!s(…)``."""

from __future__ import annotations

import re

from bot.domain.redaction.key_values import INNER, kind_of
from bot.domain.redaction.values import is_likely, is_placeholder, is_plain_word, is_random
from bot.domain.redaction.vendor_tokens import mark

_TYPE = re.compile(
    r"(?<![\w.])(?:\w{1,30}::){0,4}(?P<type>(?:[A-Z][a-z0-9]{1,20}){0,4}?(?:Pass(?:word|wd|phrase|code)|Secret|Token|"
    r"Key|Credentials?|Bearer|Jwt|Cookie))"
    r"(?:Str|String|Box|Vec|Value)?(?:<[\w:, ]{1,60}>)?"
    rf"(?:\(|[ ]?\{{[ ]{{0,4}}{INNER}[:=][ ]?|[ ]?\{{[ ]{{0,4}})(?:\w{{1,20}}(?:\(|[ ]\{{[ ]{INNER}:[ ])){{0,3}}"
    r"(?:b?(?P<quote>\\{0,4}[\"'`])(?P<quoted>[^\"'`\\\n]{3,400}+)(?P=quote)|"
    r"(?P<bare>[^\s\"'`(){}\[\]<>,;\\]{8,400}+)(?=[)}]))"
)
_OF_PARSERS = frozenset({"token", "key", "secret", "credential", "credentials", "cookie", "signature"})
"""Names of types that also hold what is no secret: a word of a program, an entry of a map."""
_SHORTEST_OF_PARSERS_CHARS = 12
_BYTE = r"(?:3[3-9]|[4-9]\d|1[01]\d|12[0-6])"
_LISTED = re.compile(
    rf"(?i)(?<![\w.-])(?P<key>[\w.-]{{0,40}}?(?:passw(?:or)?d|passphrase|secret|token|[_-]key|"
    rf"apikey))[\"']?[ ]?[:=][ ]?(?:\w{{1,20}}\(){{0,3}}"
    rf"\[(?P<value>{_BYTE}(?:,?[ ]{_BYTE}|,{_BYTE}){{5,400}}+)\]"
)
"""The bytes of a secret, as numbers."""
_GO = re.compile(
    r"%!\(EXTRA (?P<type>[\w.*]{1,60})=(?P<value>[^\s,()]{6,400})|"
    r"EXTRA string=(?P<unnamed>[^\s,()]{6,400})(?=[ ,][^\n]{0,60}(?:password|token|secret|key)\w{0,20}=%!)"
)


def in_debug_forms(text: str) -> str:
    """Return ``text`` without the values that their type makes secret."""
    if "(" in text or "{" in text:
        text = _TYPE.sub(_of_type, text)
    if "[" in text:
        text = _LISTED.sub(_listed, text)
    return _GO.sub(_extra, text) if "EXTRA" in text else text


def _of_type(match: re.Match[str]) -> str:
    what = kind_of(match["type"], "")
    if what is None or what == "session":
        return match[0]
    group = "bare" if match["quoted"] is None else "quoted"
    value = match[group]
    if is_placeholder(value) or is_plain_word(value):
        return match[0]
    unsure = (
        what == "weak" or match["type"].lower() in _OF_PARSERS or match["type"].endswith("Token") or group == "bare"
    )
    if match["type"] == "Secret" and is_likely(value, 8):
        return _put(match, group, what)
    if unsure and not is_random(value, shortest=_SHORTEST_OF_PARSERS_CHARS):
        return match[0]
    return _put(match, group, "secret" if what == "weak" else what)


def _listed(match: re.Match[str]) -> str:
    what = kind_of(match["key"], "")
    return _put(match, "value", what) if what in ("password", "token") else match[0]


def _extra(match: re.Match[str]) -> str:
    if match["unnamed"]:
        return match[0] if is_plain_word(match["unnamed"]) else _put(match, "unnamed", "secret")
    what = kind_of(match["type"].rpartition(".")[2], "")
    return match[0] if what is None or is_plain_word(match["value"]) else _put(match, "value", "secret")


def _put(match: re.Match[str], group: str, what: str) -> str:
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + mark(what) + match[0][end:]
