"""Values on lines of their own, below a line that only names them: headings, lists, records, arguments. For ``redact``.

``below`` reads names with a sign behind them. Here the name stands alone, with brackets, bullets, frames or dashes
around it, or opens a list; or a record writes its name and its value on a line each.
"""

from __future__ import annotations

import re

from bot.domain.redaction.below import PREFIX
from bot.domain.redaction.key_values import HINTS, kind_of, words_of
from bot.domain.redaction.values import is_lone_secret
from bot.domain.redaction.vendor_tokens import fold, mark

_PREFIX = re.compile(PREFIX + r"(?:(?:stdout|stderr)(?: [FP])?[ ]{1,3})?")
_HINT = re.compile(HINTS)
_AROUND = " \t\r│┃|║*#:\"'`[](){}<>=-→➜>_,;.•·?!\\"
_FIRST = words_of(
    "your the my our new current old admin root user database db temporary initial generated default enter "
    "this here is a an following please use type bot app access of for as bearer session field variable env"
)
_BEHIND = re.compile(
    r"[ ](?:\((?:string|secret|hidden|required|text|str|\w{1,10} characters)\)|(?:is|was|below|follows|here|now|"
    r"again))\Z"
)
_FOR = re.compile(r"[ ](?:for|of|on|at)[ ][^\n]{1,100}\Z")
_LONGEST_NAME, _LONGEST_VALUE = 120, 400
_RULE = re.compile(r"[\s|+:=~*─━═-]{3,}\Z")
_LIST = re.compile(r"(?:[:=]|=>)[ ]?(?:\[|\(|\{)?[ ]{0,2}\Z|[\[(]\Z")
_ITEM = re.compile(
    r"[\s│|]{0,80}+(?:[-*•][ ]|\d{1,3}[.)][ ]|\[\d{1,3}\][ ])?[ ]{0,4}(?P<quote>[\"'`]?)(?P<value>[^\s\"'`]{6,400}+)(?P"
    r"=quote)[ ]{0,2},?\s{0,4}\Z"
)
_MOST_ITEMS = 50
_NAME_OF = re.compile(
    r"(?im)^(?P<before>[^\n]{0,80}?\b(?:name|key|field|property|variable|parameter|option|setting|"
    r"path)\\{0,3}[\"']?[ ]{0,12}[:=][ ]{0,12}"
    r"\\{0,3}[\"']?(?P<key>[\w.\[\]-]{3,120}+)\\{0,3}[\"']?[ ,;]{0,4}\r?\n"
    r"(?:[^\n]{0,200}\n)??[^\n]{0,80}?\b(?:value|received|actual|got|input|default|current|rejected|provided|"
    r"expected)\\{0,3}[\"']?[ ]{0,12}[:=][ ]{0,12}"
    r"\\{0,3}[\"']?)(?P<value>[^\s\"'`,;\\]{6,400}+)"
)
_BLOCK = re.compile(
    r"(?im)^(?P<before>[^\n]{0,80}?\b(?:variable|output|secret|setting|"
    r"option)[ ][\"'](?P<key>[\w.-]{3,120}+)[\"'][ ]?\{[ ]?\r?\n"
    r"(?:[^\n}]{0,200}\n){0,4}?[ \t]{0,24}(?:default|value)[ \t]{0,24}=[ \t]{0,4}[\"'])(?P<value>[^\"'\n]{6,400}+)"
)
_COMPARED = re.compile(
    r"(?P<before>(?:expected|received|actual|got|[+-])[ ]{0,4}[:=]?[ ]{0,4}[\"'])(?P<value>[^\"'\n]{6,400}+)",
    re.IGNORECASE,
)
_ERROR = re.compile(r"\A[\w.]{0,40}(?:Error|Exception|Failure)?:[ ](?=\S)")


def in_lists(text: str) -> str:
    """Return ``text`` without the values whose name stands alone on a line above them."""
    if "\n" not in text or not _HINT.search(folded := fold(text)):
        return text
    if "value" in folded or "default" in folded or "eceived" in folded or "actual" in folded or "got" in folded:
        text = _BLOCK.sub(_record, _NAME_OF.sub(_record, text))
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1]):
        if len(line) <= _LONGEST_NAME + 80 and _HINT.search(fold(line)):
            _below(lines, number)
    return "\n".join(lines)


def _record(match: re.Match[str]) -> str:
    what = kind_of(match["key"].strip("[]."), "")
    if what is None or not is_lone_secret(match["value"], what):
        return match[0]
    return match["before"] + mark("secret" if what == "weak" else what)


def _below(lines: list[str], number: int) -> None:
    line = lines[number]
    prefix = _PREFIX.match(line)
    rest = line[prefix.end() if prefix else 0 :].rstrip()
    if _LIST.search(rest) and (what := _kind(_LIST.sub("", rest), several=True)) and _items(lines, number, what):
        return
    what = _kind(rest, several=False)
    if what is None:
        return
    at = number + 1
    while at < min(len(lines) - 1, number + 3) and (not lines[at].strip() or _RULE.match(lines[at])):
        at += 1
    if _COMPARED.search(lines[at]):
        for place in range(at, min(len(lines), at + 2)):
            lines[place] = _COMPARED.sub(lambda match: _compared(match, what), lines[place])
        return
    _one(lines, at, what)


def _compared(match: re.Match[str], what: str) -> str:
    return match["before"] + mark(what) if is_lone_secret(match["value"], what, sure=False) else match[0]


def _kind(name: str, *, several: bool) -> str | None:
    """Return what a line that only names something names."""
    bare = _ERROR.sub("", name).strip(_AROUND) if several else _BEHIND.sub("", _ERROR.sub("", name.rstrip()))
    if not several:
        bare = _FOR.sub("", _BEHIND.sub("", bare.strip(_AROUND))).strip(_AROUND)
    if not 3 <= len(bare) <= _LONGEST_NAME:
        return None
    words = bare.lower().split()
    while len(words) > 1 and words[0].strip("'s") in _FIRST:
        words = words[1:]
    if len(words) > 3 or not all(word.replace("_", "").replace("-", "").replace(".", "").isalnum() for word in words):
        return None
    key = bare if len(words) == 1 and " " not in bare else "_".join(words)
    what = kind_of(key, "") or (kind_of(key.removesuffix("s"), "") if several else None)
    if what == "weak":
        what = "token" if "_".join(words) in ("signing_key", "unseal_key", "secret_key", "private_key") else None
    return what if what in ("password", "token") else None


def _items(lines: list[str], number: int, what: str) -> bool:
    """Replace the secrets of the list that ``number`` opens; say whether there were any."""
    found = False
    for at in range(number + 1, min(len(lines), number + 1 + _MOST_ITEMS)):
        item = _ITEM.match(lines[at], _start(lines[number], lines[at]))
        if item is None:
            break
        if is_lone_secret(item["value"].rstrip(","), what, sure=False):
            start, end = item.start("value"), item.start("value") + len(item["value"].rstrip(","))
            lines[at] = lines[at][:start] + mark(what) + lines[at][end:]
            found = True
    return found


def _start(line: str, below: str) -> int:
    one, other = _PREFIX.match(line), _PREFIX.match(below)
    return other.end() if one and other and one.end() and other.end() else 0


def _one(lines: list[str], at: int, what: str) -> None:
    prefix = _PREFIX.match(lines[at])
    first = prefix.end() if prefix else 0
    rest = lines[at][first:]
    value = rest.strip(_AROUND[:-1] + "$")
    start = rest.find(value)
    end = start + len(value)
    while value and end < len(rest) and rest[end] in "!?#$*":
        end += 1
    value = rest[start:end]
    if is_lone_secret(value, what, sure=False):
        lines[at] = lines[at][: first + start] + mark(what) + lines[at][first + end :]
