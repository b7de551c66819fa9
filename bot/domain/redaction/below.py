"""Secrets whose name stands above them or heads their column.

YAML blocks, JSON and XML with line breaks, dumps of PHP, validation errors, answers to a prompt, tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain.redaction.key_values import HINTS, KEY_CHARS, OF_CLASS, kind_of
from bot.domain.redaction.values import is_placeholder, is_plain_word, is_random, is_secret
from bot.domain.redaction.vendor_tokens import fold, mark

PREFIX = (
    r"(?:[\w.-]{1,64}\s{1,20}\|[ ]?)?(?:\[?\d{4}-\d\d-\d\d[T ][\d:.,]{5,20}(?:Z|[+-]\d\d:?\d\d)?\]?[ ]{1,3})?"
    r"(?:\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR)\]?:?[ ]{1,3})?"
)
"""What a runtime writes before each line: the service's name, a time, a level."""
_PREFIX = re.compile(PREFIX)
_TAIL_CHARS = 240
_SIGNED = re.compile(r"[:=>][ \t]{0,8}(?:[|>][+-]?\d?[+-]?|[\"'`]{1,3}|\(|\\)?\Z")
_END = re.compile(
    rf"(?P<key>(?:{HINTS})[\w.-]{{0,80}}+)(?P<between>(?:\\{{0,4}}[\"'`])?{OF_CLASS}\]?"
    r"(?:[ ](?:for|of)[ ][^\n:]{1,120}|[ ]again|[ ]\([^()\n]{1,60}\))?"
    r"[ \t]{0,8}(?P<sign>::?=|=>|->|[:=>])[ \t]{0,8}"
    r"(?:(?P<block>[|>][+-]?\d?[+-]?)|(?P<open>[\"'`]{3}|[\"'`])|\(|\\|`)?)\Z"
)
_LONGEST_BLOCK_LINES = 200
_REACH = 1000
_LINE = re.compile(
    r"[ \t]{0,80}+(?:-[ ])?(?:&?string\(\d{1,6}\)[ ]|(?:[rbu]|str\()(?=[\"'])|\"?(?=\[redacted))?"
    r"(?:(?P<quote>\\?[\"'`])(?P<quoted>(?:[^\"'`\\\n]|\\.|(?!(?P=quote))[\"'`]){3,400}+)(?P=quote)"
    r"[ \t]{0,4}[\],;)}]{0,6}"
    r"|(?P<bare>[^\s\"'`<>]{3,512}+)[ \t]{0,4},?)\s{0,20}\Z"
)
_NEXT_NAME = re.compile(
    r"[\w.\[\]-]{1,80}+(?:=(?!=?\Z)|:\Z|:=)|[\w.$>-]{1,80}+[(\[]|(?:\w{2,12}://)|-{3,}|[\w.-]{1,40}:\d{1,9}\Z"
)
_BROKEN = re.compile(
    r"<(?P<tag>\w[\w:.-]{0,60})(?:\s[^<>\n]{0,200})?>[ \t]{0,40}\r?\n[ \t]{0,80}(?P<value>[^\s<>]{3,512}+)\s{0,80}</"
)
_INPUT = re.compile(r"\binput(?:_value)?=(?P<quote>[\"'])(?P<value>[^\"'\n]{3,400}+)(?P=quote)")
_NAME_LINE = re.compile(r"[ \t]{0,8}(?:[\w.\[\]-]{1,80}+ (?:->|→|>) ){0,6}(?P<key>[\w.\[\]-]{3,120}+)\s{0,8}\Z")
_TAGGED = re.compile(
    r"<(?:\w{1,20}-)?(?:key|name)>\s{0,8}(?P<key>[\w.-]{3,80}+)\s{0,8}</[\w-]{1,40}>\s{0,80}"
    r"<(?:\w{1,20}-)?(?:string|value)>\s{0,8}(?P<value>[^<>\s]{3,512}+)\s{0,8}</"
)
_Q = r"\\{0,3}[\"']"
_AROUND: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        ('"input', "'input"),
        re.compile(
            rf"{_Q}(?P<key>[\w.-]{{3,80}}+){_Q}\s{{0,40}}[\])],[^\n]{{0,300}}?{_Q}input{_Q}:\s{{0,4}}{_Q}"
            r"(?P<value>[^\"'\\\n]{3,400}+)"
        ),
    ),
    (
        ('alue"', "alue'"),
        re.compile(
            rf"{_Q}(?:rejectedV|v)alue{_Q}:\s{{0,4}}{_Q}(?P<value>[^\"'\\\n]{{3,400}}+){_Q},[^{{}}]{{0,300}}?"
            rf"{_Q}(?:param|path|field|name|key|property){_Q}:\s{{0,4}}{_Q}(?P<key>[\w.-]{{3,80}}+)"
        ),
    ),
    (
        (" value",),
        re.compile(
            r"[\"'](?P<key>[\w.-]{3,80}+)\\{0,3}[\"'](?::? rejected| with|: invalid| has| got)(?: an?)?"
            r"(?: invalid| the)? value:? (?:of )?\\{0,3}[\"'\[](?P<value>[^\"'\[\]\\\n]{3,400}+)"
        ),
    ),
)
_SEPARATORS = "|,;\t"
_MOST_CELLS, _MOST_REPEATS = 40, 20
_RULE = re.compile(r"[\s|+:=-]{3,}+\Z")
_HEAD = re.compile(r"[\w .\"'-]{0,48}+[|,;\t][\w .\"'|,;\t-]{1,1000}+\r?\Z")
_SOME_HINT = re.compile(HINTS)


def redact_below(text: str) -> str:
    """Return ``text`` with the values replaced that a name above them, or in the same record, makes secret."""
    folded = fold(text)
    if not _SOME_HINT.search(folded):
        return text
    for hints, pattern in _AROUND:
        for hint in hints:
            text = _near(hint, pattern, text)
    if "\n" not in text:
        return text if "<" not in text else _TAGGED.sub(_around, text)
    if "</" in text:
        text = _BROKEN.sub(_around, _TAGGED.sub(_around, text))
    lines = text.split("\n")
    found: set[str] = set()
    _below(lines, found)
    _columns(lines)
    text = "\n".join(lines)
    for value in sorted(found, key=len, reverse=True)[:_MOST_REPEATS]:
        text = text.replace(value, mark("password"))
    return text


def _near(hint: str, pattern: re.Pattern[str], text: str) -> str:
    """Return ``text`` with ``pattern`` applied to the lines with ``hint`` and two more behind each."""
    done: list[str] = []
    at = 0
    while (place := text.find(hint, at)) >= 0:
        start = max(at, text.rfind("\n", at, place) + 1, place - _TAIL_CHARS)
        end = place
        for _ in range(3):
            end = text.find("\n", end + 1, place + _REACH)
            end = min(len(text), place + _REACH) if end < 0 else end
        done += (text[at:start], pattern.sub(_around, text[start:end]))
        at = end
    return "".join((*done, text[at:])) if done else text


def _below(lines: list[str], found: set[str]) -> None:
    """Replace in ``lines`` the values whose name ends the line before; add those to ``found`` that no text repeats."""
    for number, line in enumerate(lines):
        end = line[-_TAIL_CHARS:].rstrip()
        if "input" in line and (value := _INPUT.search(line)):
            _in_validation(lines, number, value, found)
        if not _SIGNED.search(end, len(end) - 16) or number == len(lines) - 1:
            continue
        name = _END.search(fold(end))
        if name is None or (name["sign"] == ">" and "[" not in name["between"]):
            continue
        key = _whole(end, name)
        what = kind_of(key, end[: name.start()])
        if what is None and (key.lower() != "code" or not _FOR_ONCE.search(end.lower())):
            continue
        if name["block"]:
            _block(lines, number, what or "password", key)
            continue
        value_at = number + (2 if not lines[number + 1].strip() and number + 2 < len(lines) else 1)
        prefix = _prefix(line, lines[value_at])
        value = _LINE.match(lines[value_at], prefix)
        if value and (secret := _judged(what or "password", key, value)):
            _put(lines, value_at, value.span(secret), what or "password", found)


_FOR_ONCE = re.compile("otp|mfa|2fa|one.time|verification|recovery|backup|security|authenticat|login")


def _whole(end: str, name: re.Match[str]) -> str:
    left = end[max(0, name.start() - 80) : name.start()]
    return left[len(left.rstrip(KEY_CHARS)) :] + end[slice(*name.span("key"))]


def _prefix(line: str, below: str) -> int:
    """Return how long the prefix of the runtime is that both lines have."""
    one, other = _PREFIX.match(line), _PREFIX.match(below)
    return other.end() if one and other and one.end() and other.end() else 0


def _judged(what: str, key: str, value: re.Match[str]) -> str | None:
    """Return the group of ``value`` that is a secret."""
    if value["quoted"] is not None:
        return "quoted" if is_secret(what, key, value["quoted"], "=", "", "", quoted=True) else None
    bare = value["bare"]
    if _NEXT_NAME.match(bare) or bare.endswith((":", "{", "(", "[")) or not _is_bare(what, key, bare):
        return None
    return "bare"


def _is_bare(what: str, key: str, bare: str) -> bool:
    """Return True if a word that stands alone on its line, or in its cell, is a secret."""
    if is_placeholder(bare) or is_plain_word(bare):
        return bare.isdigit() and 6 <= len(bare) <= 8 and what == "password"
    if what == "password":
        return any(char.isdigit() for char in bare) or any(char in "!#%^*+~$&" for char in bare)
    return is_secret(what, key, bare, "=", "", "", quoted=False) and (what != "token" or is_random(bare, shortest=8))


def _put(lines: list[str], at: int, span: tuple[int, int], what: str, found: set[str]) -> None:
    value = lines[at][slice(*span)]
    if len(value) >= _SHORTEST_REPEATED_CHARS and not value.isalnum():
        found.add(value)
    lines[at] = lines[at][: span[0]] + mark("secret" if what == "weak" else what) + lines[at][span[1] :]


_SHORTEST_REPEATED_CHARS = 7


def _in_validation(lines: list[str], number: int, value: re.Match[str], found: set[str]) -> None:
    for above in range(number - 1, max(-1, number - 3), -1):
        name = _NAME_LINE.match(lines[above], _prefix(lines[number], lines[above]))
        if name:
            key = name["key"].strip("[].")
            what = kind_of(key, "")
            if what and what != "weak" and is_secret(what, key, value["value"], "=", "", "", quoted=True):
                _put(lines, number, value.span("value"), what, found)
            return


def _block(lines: list[str], number: int, what: str, key: str) -> None:
    """Replace the words of the block that stands deeper than its name, in ``lines``."""
    indent = _indent(lines[number])
    for at in range(number + 1, min(len(lines), number + 1 + _LONGEST_BLOCK_LINES)):
        line = lines[at]
        if not line.strip():
            continue
        if _indent(line) <= indent:
            break
        words = line.split()
        secret = line.strip()
        judged = _is_bare(what, key, secret) if len(words) == 1 else what == "password" and not is_placeholder(secret)
        if judged and "-----" not in line and "[redacted:" not in line:
            start = line.find(secret)
            lines[at] = line[:start] + mark("secret" if what == "weak" else what) + line[start + len(secret) :]


def _indent(line: str) -> int:
    start = prefix.end() if (prefix := _PREFIX.match(line)) else 0
    return start + len(line) - start - len(line[start:].lstrip())


def _around(match: re.Match[str]) -> str:
    """Return a record without its value where its name makes that secret."""
    groups = match.groupdict()
    key = groups.get("key") or groups["tag"]
    what = kind_of(key, "")
    if what in (None, "weak") or not is_secret(str(what), key, match["value"], "=", "", "", quoted=True):
        return match[0]
    start, end = match.start("value") - match.start(), match.end("value") - match.start()
    return match[0][:start] + mark(str(what)) + match[0][end:]


def _columns(lines: list[str]) -> None:
    """Replace in ``lines`` the secrets of a table whose head names their column."""
    at = 0
    while at < len(lines) - 1:
        head = lines[at]
        at += 1
        if not _HEAD.match(head) or not _SOME_HINT.search(head.lower()):
            continue
        separator = next(sign for sign in _SEPARATORS if sign in head)
        names = head.split(separator)
        if len(names) > _MOST_CELLS:
            continue
        kinds = {place: kind for place, name in enumerate(names) if (kind := kind_of(name.strip(" \"'"), ""))}
        if not kinds:
            continue
        for row in range(at, min(len(lines), at + _LONGEST_BLOCK_LINES)):
            if _RULE.match(lines[row]):
                continue
            cells = lines[row].split(separator)
            if len(cells) != len(names):
                break
            lines[row] = separator.join(_cells(cells, names, kinds))
            at = row + 1


def _cells(cells: list[str], names: list[str], kinds: dict[int, str]) -> Iterator[str]:
    for place, cell in enumerate(cells):
        value = cell.strip(" \"'\r")
        if place in kinds and len(value) > 3 and _is_bare(kinds[place], names[place].strip(), value):
            yield cell.replace(value, mark("secret" if kinds[place] == "weak" else kinds[place]))
        else:
            yield cell
