"""Secrets on lines below a line that names them.

Such a line is a heading, a list's, a record's or an argument.

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
    r"[ ](?:\([^()\n]{1,80}\)|(?:is|was|has been|will be)?[ ]?(?:below|follows|here|now|again|created|generated|reset|"
    r"set|issued|"
    r"changed|input|entered|is|was|field|value|prompt))\Z"
)
_OPENED = re.compile(r"(?:\s{0,4}=\s{0,4}|[ ])(?:\"{3}|'{3}|\$\(cat[ ])?(?:<<-?~?[\"']?\w{1,20}[\"']?)?\Z")
"""What opens a text of several lines: <<EOT, three quotes, $(cat <<EOF."""
_FOR = re.compile(r"[ ](?:for|of|on|at)[ ][^\n]{1,100}\Z")
_LONGEST_NAME_CHARS, _LONGEST_VALUE_CHARS = 120, 400
_RULE = re.compile(r"[\s|+:=~*─━═-]{3,}\Z")
_LIST = re.compile(r"(?:[:=]|=>)[ ]?(?:\[|\(|\{)?[ ]{0,2}\Z|[\[(]\Z")
_ITEM = re.compile(
    r"[\s│|]{0,80}+(?:[-*•][ ]|\d{1,3}[.)][ ]|\[\d{1,3}\][ ])?[ ]{0,4}(?P<quote>[\"'`]?)(?P<value>[^\s\"'`]{6,400}+)(?P"
    r"=quote)[ ]{0,2},?\s{0,4}\Z"
)
_FIELD = re.compile(
    r"(?P<indent>[ \t]{1,80}+)[\"']?(?:(?:value|plain|plaintext|default|current|raw|string|content|data|text|secret|"
    r"old|new|"
    r"example|input|literal)[\"']?:[ ]{1,4}[\"']?(?P<value>[^\s\"',]{6,400}+)|[\w-]{1,40}[\"']?:[^\n]{0,200}\Z)"
)
"""One field of a mapping, and its value where it may hold the secret of the mapping's name."""
_QUOTED = re.compile(
    r"[\s│|>*-]{0,40}+(?P<quote>[\"'`])(?P<value>[^\"'`\n]{6,200}+)(?P=quote)[ ](?:is|was|has|must|"
    r"does|should|cannot|can't|contains|fails|:)"
)
"""What a check says of the value that it names first."""
_WRAPPED = re.compile(r"(?<=[:=])[ ]?(?:[A-Z][\w:]{1,30}(?:<[\w:, ]{1,40}>)?(?:\(|[ ]?\{)[ ]{0,2}){1,3}\Z")
"""``Some(`` and its like, where Rust prints a value on many lines."""
_INNER = re.compile(r"\s{0,40}+(?:inner\w{0,20}|value|0|secret\w{0,20}|expose\w{0,10})[ ]?[:=][ ]?(?=[\"'])")
"""The field that holds the secret of a type made for one."""
_CELLS = re.compile(r"[ ]{2,80}|\t{1,20}")
_HEAD_CELL = re.compile(r"[A-Za-z][\w -]{0,40}\Z")
_MOST_CELLS = 20
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
_WRITTEN = re.compile(
    r"(?P<before><(?:property|entry|string|param|setting|item|var|add|constant|env-entry|prop)[ ](?:name|key|"
    r"id)=[\"'](?P<key>[\w.-]{3,80}+)[\"'][^<>\n]{0,80}>"
    r"\s{0,40}(?:<value>\s{0,40})?)(?P<value>[^\s<>]{6,400}+)(?=\s{0,40}</)|"
    r"(?P<opened><(?P<tag>[\w.-]{3,60}+)\s{1,40}[^<>]{1,200}>)(?P<text>[^\s<>]{6,400}+)(?=</)"
)
"""An element of XML whose name or attribute names what it holds."""
_CHECKED = re.compile(
    r"(?P<before>[\"']?(?P<key>[\w.\[\]-]{3,120}+)[\"']?(?:[:,]|[ ]->)?\s{1,12}(?:Invalid value|invalid value|got|"
    r"received|value):?[ ][\"'`])"
    r"(?P<value>[^\"'`\n]{6,200}+)(?=[\"'`])"
)
_PATHED = re.compile(
    r"(?P<before>\\{0,2}\"(?:path|loc|field|param|property|"
    r"propertyPath)\\{0,2}\":\s?\[?\s{0,8}(?:\\{0,2}\"\w{1,30}\\{0,2}\",\s?){0,4}\\{0,2}\"(?P<key>[\w.-]{3,80}+)"
    r"\\{0,2}\"\s{0,8}\]?,[^{}\n]{0,200}?\\{0,2}\"(?:received|value|input|actual|rejectedValue|"
    r"invalidValue)\\{0,2}\":\s?\\{0,2}\")(?P<value>[^\"\\\n]{6,200}+)|"
    r"(?P<first>\\{0,2}\"(?:received|value|input|actual|rejectedValue|"
    r"invalidValue)\\{0,2}\":\s?\\{0,2}\")(?P<early>[^\"\\\n]{6,200}+)(?=\\{0,2}\",[^{}]{0,200}?"
    r"\"(?:path|loc|field|param|property|propertyPath)\\{0,2}\":\s?\[?\s{0,8}(?:\\{0,2}\"\w{1,30}\\{0,2}\",\s?){0,4}\\{"
    r"0,2}\"(?P<later>[\w.-]{3,80}+))|"
    r"(?P<violation>propertyPath=(?P<property>[\w.-]{3,80}+),[^{}\n]{0,200}?(?:invalid|"
    r"rejected)Value=[\"']?)(?P<invalid>[^\s\"',}]{6,200}+)"
)
_COMPARED = re.compile(
    r"(?P<before>(?:expected|received|actual|got|[+-])[ ]{0,4}[:=]?[ ]{0,4}[\"'])(?P<value>[^\"'\n]{6,400}+)",
    re.IGNORECASE,
)
_ERROR = re.compile(r"\A[\w.]{0,40}(?:Error|Exception|Failure)?:[ ](?=\S)")


def in_lists(text: str) -> str:
    """Return ``text`` without the values whose name stands alone on a line above them, or in a record of a check."""
    if not _HINT.search(folded := fold(text)):
        return text
    if "<" in text:
        text = _WRITTEN.sub(_element, text)
    if "value" in folded or "received" in folded or "got" in folded or "input" in folded or "actual" in folded:
        text = _PATHED.sub(_pathed, _CHECKED.sub(_record, text))
    if "\n" not in text:
        return text
    if any(
        word in folded for word in ("value", "default", "received", "actual", "got", "input", "expected", "current")
    ):
        text = _BLOCK.sub(_record, _NAME_OF.sub(_record, text))
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1]):
        if len(line) <= _LONGEST_NAME_CHARS + 80 and _HINT.search(fold(line)):
            _below(lines, number)
            _aligned(lines, number)
    return "\n".join(lines)


def _element(match: re.Match[str]) -> str:
    return _judged(match, "key", "value") if match["key"] else _judged(match, "tag", "text")


def _pathed(match: re.Match[str]) -> str:
    for key, value in (("key", "value"), ("later", "early"), ("property", "invalid")):
        if match[key]:
            return _judged(match, key, value)
    return match[0]


def _judged(match: re.Match[str], key: str, value: str) -> str:
    what = kind_of(match[key].strip("[]."), "")
    if what not in ("password", "token") or not is_lone_secret(match[value], what):
        return match[0]
    start, end = match.start(value) - match.start(), match.end(value) - match.start()
    return match[0][:start] + mark(what) + match[0][end:]


def _aligned(lines: list[str], number: int) -> None:
    """Replace the secrets of a table whose columns blanks part, where its head names their column."""
    names = _CELLS.split(lines[number].strip())
    if not 2 <= len(names) <= _MOST_CELLS or not all(map(_HEAD_CELL.match, names)):
        return
    kinds = [
        (place, what)
        for place, name in enumerate(names)
        if (what := kind_of(name.replace(" ", "_"), "")) in ("password", "token")
    ]
    for at in range(number + 1, min(len(lines), number + 1 + _MOST_ITEMS)) if kinds else ():
        cells = _CELLS.split(lines[at].strip())
        if len(cells) != len(names):
            if _RULE.match(lines[at]):
                continue
            break
        for place, what in kinds:
            if is_lone_secret(cells[place], str(what), own_name=False):
                lines[at] = lines[at].replace(cells[place], mark(str(what)))


def _record(match: re.Match[str]) -> str:
    what = kind_of(match["key"].strip("[]."), "")
    if what is None or not is_lone_secret(match["value"], what):
        return match[0]
    return match["before"] + mark("secret" if what == "weak" else what)


def _below(lines: list[str], number: int) -> None:
    line = lines[number]
    prefix = _PREFIX.match(line)
    rest = line[prefix.end() if prefix else 0 :].rstrip()
    rest = _WRAPPED.sub("", rest)
    if _LIST.search(rest) and (what := _kind(_LIST.sub("", rest), several=True)) and _items(lines, number, what):
        return
    if rest.endswith(":") and _nested(lines, number, rest):
        return
    what = _kind(_OPENED.sub("", rest), several=False) or _kind(rest.rstrip(": ").rpartition(". ")[2], several=False)
    if what is None:
        return
    at = number + 1
    while at < min(len(lines) - 1, number + 3) and (not lines[at].strip() or _RULE.match(lines[at])):
        at += 1
    if quoted := _QUOTED.match(lines[at]):
        if is_lone_secret(quoted["value"], what, own_name=False):
            lines[at] = lines[at][: quoted.start("value")] + mark(what) + lines[at][quoted.end("value") :]
        return
    if _COMPARED.search(lines[at]):
        for place in range(at, min(len(lines), at + 2)):
            lines[place] = _COMPARED.sub(lambda match: _compared(match, what), lines[place])
        return
    _one(lines, at, what)


def _nested(lines: list[str], number: int, name: str) -> bool:
    """Replace the secret in a field of what ``name`` opens: ``value: …``, ``default: …``."""
    what = _kind(name, several=False)
    indent = len(name) - len(name.lstrip())
    found = False
    for at in range(number + 1, min(len(lines), number + 6)) if what else ():
        field = _FIELD.match(lines[at], _start(lines[number], lines[at]))
        if field is None or len(field["indent"]) <= indent:
            break
        if field["value"] and is_lone_secret(field["value"], str(what), own_name=False):
            lines[at] = lines[at][: field.start("value")] + mark(str(what)) + lines[at][field.end("value") :]
            found = True
    return found


def _compared(match: re.Match[str], what: str) -> str:
    return match["before"] + mark(what) if is_lone_secret(match["value"], what, own_name=False) else match[0]


def _kind(name: str, *, several: bool) -> str | None:
    """Return what a line that only names something names."""
    bare = _ERROR.sub("", name).strip(_AROUND) if several else _BEHIND.sub("", _ERROR.sub("", name.rstrip()))
    if not several:
        bare = _FOR.sub("", _BEHIND.sub("", bare.strip(_AROUND))).strip(_AROUND)
    if not 3 <= len(bare) <= _LONGEST_NAME_CHARS:
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
        if is_lone_secret(item["value"].rstrip(","), what, own_name=False):
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
    if field := _INNER.match(rest):
        first, rest = first + field.end(), rest[field.end() :]
    value = rest.strip(_AROUND[:-1] + "$")
    start = rest.find(value)
    end = start + len(value)
    while value and end < len(rest) and rest[end] in "!?#$*":
        end += 1
    value = rest[start:end]
    if is_lone_secret(value, what, own_name=False):
        lines[at] = lines[at][: first + start] + mark(what) + lines[at][first + end :]
