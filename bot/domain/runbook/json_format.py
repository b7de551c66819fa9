"""Parses ``runbook.json`` and writes entries for it.

People edit the file, so an entry is added to the text as it stands: unknown keys, order, spelling of numbers and
escapes, all that somebody wrote stays byte for byte. Broken text is never guessed at.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from bot.domain.runbook_entry import Entry
from bot.domain.unseen import UNSEEN
from bot.errors import RunbookBroken

LARGEST_FILE_BYTES = 512 << 20
"""Bytes; a larger file is not read: no history of incidents is that long; 100,000 entries are about 200 MB."""

DEEPEST = 100
"""Levels of arrays and objects within one another that people write; deeper ones are named where Python gives up."""

OUTCOMES = frozenset({"resolved", "not_resolved", "ignored"})

_BOM = "\ufeff"
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f{UNSEEN}\ud800-\udfff]")
_BLANKS = re.compile(r"[ \t\n\r]*")
_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity\b|NaN\b')
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_KEYS = {
    "id": "id",
    "at": "at",
    "target": "target",
    "image": "image",
    "symptom": "symptom",
    "class": "trouble",
    "evidence": "evidence",
    "root_cause": "root_cause",
    "action": "action",
    "justification": "justification",
    "diagnosed_by": "diagnosed_by",
    "outcome": "outcome",
    "approved_by": "approved_by",
    "ignored_by": "ignored_by",
    "recovered_in_s": "recovered_in_s",
    "verification": "verification",
}
"""The file's keys in the order in which they are written, and the fields they stand for."""

_NEEDED = ("root_cause", "action")


@dataclass(frozen=True, slots=True)
class ParsedRunbook:
    """What a runbook.json says: its entries, newest last, and sentences about what in it is not used or doubled."""

    entries: tuple[Entry, ...] = ()
    warnings: tuple[str, ...] = ()


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys stand there twice."""

    doubled: tuple[str, ...] = ()


def parse_runbook(data: bytes, name: str = "runbook.json") -> ParsedRunbook:
    """Understand a file; ``name`` is how messages call it. Raises ``RunbookBroken`` with the position of the fault."""
    text = _text(data, name)
    items = _items(text, name)
    entries: list[Entry] = []
    warnings: list[str] = []
    for number, item in enumerate(items):
        lacking = _lacking(item)
        if lacking:
            warnings.append(f"{name}: entry {number} (the first is 0) is not used: {lacking}.")
            continue
        entries.append(_entry(item))
        if item.doubled:
            names = ", ".join(sorted(item.doubled)[:5])
            warnings.append(f"{name}: entry {number} (the first is 0) holds a key twice, the last one counts: {names}.")
    ids = Counter(entry.id for entry in entries if entry.id)
    warnings += [f"{name}: the id {again!r} is used {times} times." for again, times in ids.items() if times > 1]
    return ParsedRunbook(tuple(entries), tuple(warnings))


def stream_entries(data: bytes, name: str = "runbook.json") -> Iterator[Entry]:
    """Yield the entries that can be used one after another, so that a long file is never in memory as objects.

    Raises as ``written``.
    """
    return (entry for entry, _ in stream_with_text(data, name))


def stream_with_text(data: bytes, name: str = "runbook.json") -> Iterator[tuple[Entry, str]]:
    """Yield the entries that can be used, each with its text as it stands in the file.

    Raises ``RunbookBroken`` as ``parse``, but only at the fault: what was yielded before is to be dropped.
    """
    text = _text(data, name)
    place = _after_blanks(text, 0)
    if text[place : place + 1] == "[":
        place = _after_blanks(text, place + 1)
        more = text[place : place + 1] != "]"
        while more:
            try:
                begun = place
                item, place = _DECODER.raw_decode(text, place)
            except (ValueError, RecursionError):
                break
            if not _lacking(item):
                yield _entry(item), text[begun:place]
            place = _after_blanks(text, place)
            more = text[place : place + 1] == ","
            place = _after_blanks(text, place + 1) if more else place
        if not more and text[place : place + 1] == "]" and _after_blanks(text, place + 1) == len(text):
            return
    _items(text, name)  # says what is wrong, and where
    raise RunbookBroken(f"{name} cannot be understood.", hint="Correct it, or put the last good copy back.")


def add_entry(data: bytes, entry: Entry, name: str = "runbook.json") -> bytes:
    """Return the file with one more entry at its end; everything before it stays as it is. Raises as ``parse`` does."""
    _items(_text(data, name), name)
    return append_entry(data, entry)


def append_entry(data: bytes, entry: Entry) -> bytes:
    """Do as ``add``, where the file is known to be whole."""
    before = data.removeprefix(_BOM.encode()).rstrip()[:-1].rstrip()
    written = json.dumps(entry_to_json(entry), ensure_ascii=False, indent=2, allow_nan=False).replace("\n", "\n  ")
    return before + f"{'' if before == b'[' else ','}\n  {written}\n]\n".encode()


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """Return an entry with the file's keys, in their order; what is empty is left out."""
    found = {key: getattr(entry, field) for key, field in _KEYS.items()}
    found["recovered_in_s"] = _seconds(entry.recovered_in_s)
    given = {key: value for key, value in found.items() if value not in ("", (), None)}
    texts = {key: strip_controls(value) if isinstance(value, str) else value for key, value in given.items()}
    return texts | ({"evidence": [strip_controls(line) for line in entry.evidence]} if entry.evidence else {})


def strip_controls(text: str) -> str:
    """Return a text without what cannot be stored or shown: controls, turners of direction, lone surrogates."""
    return _CONTROL.sub("", text)


def _text(data: bytes, name: str) -> str:
    if len(data) > LARGEST_FILE_BYTES:
        raise RunbookBroken(
            f"{name} is larger than {LARGEST_FILE_BYTES >> 20} MB, so it is not read.",
            hint="Move old entries to another file.",
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(data) > 3 and 0 in data[:2] and data[:2] != b"\0\0"):
        raise RunbookBroken(f"{name} is UTF-16, not UTF-8 (byte 0).", hint="Save it as UTF-8.")
    try:
        text = data.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise RunbookBroken(
            f"{name} is not UTF-8 at byte {error.start} (line {line}).", hint="Save it as UTF-8."
        ) from error
    if not text.strip():
        raise RunbookBroken(f"{name} is empty (line 1).", hint="Write [] into it, or delete it.")
    return text


def _items(text: str, name: str) -> list[Any]:
    try:
        # numbers as floats: only one is read, and Python refuses whole numbers of thousands of digits
        items = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=float)
    except json.JSONDecodeError as error:
        raise _broken(name, error.pos, text, error.msg[:1].lower() + error.msg[1:]) from error
    except ValueError as error:
        raise _broken(name, _first_constant(text), text, f"{error} is not JSON") from error
    except RecursionError as error:
        raise _broken(name, _too_deep(text), text, "too many brackets within one another") from error
    if not isinstance(items, list):
        raise _broken(name, len(text) - len(text.lstrip()), text, "the whole file must be one array, [ … ]")
    return items


def _after_blanks(text: str, place: int) -> int:
    blanks = _BLANKS.match(text, place)
    return blanks.end() if blanks else place


def _broken(name: str, position: int, text: str, why: str) -> RunbookBroken:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return RunbookBroken(
        f"{name} cannot be understood: line {line}, column {column}: {why}.",
        hint="Correct it there, or put the last good copy back. It is left as it is; Aegis goes on without its memory.",
    )


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) < len(pairs):
        made.doubled = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return made


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_int=float)


def _first_constant(text: str) -> int:
    found = (match.start() for match in _STRING_OR_CONSTANT.finditer(text) if match[0][0] != '"')
    return next(found, 0)


def _too_deep(text: str) -> int:
    for position, depth in _depths(text):
        if depth > DEEPEST:
            return position
    return 0


def _depths(text: str) -> Iterator[tuple[int, int]]:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
        yield match.start(), depth


def _lacking(item: object) -> str:
    """Return why an item is no entry, or ``""``."""
    if not isinstance(item, _Object):
        return "it is not an object, { … }"
    missing = [key for key in _NEEDED if not isinstance(item.get(key), str) or not item[key].strip()]
    return f"it has no text for {' and '.join(missing)}" if missing else ""


def _entry(item: _Object) -> Entry:
    known: dict[str, Any] = {field: _word(item.get(key)) for key, field in _KEYS.items()}
    known["evidence"] = _lines(item.get("evidence"))
    known["recovered_in_s"] = _seconds(item.get("recovered_in_s"))
    known["outcome"] = known["outcome"] if known["outcome"] in OUTCOMES else ""
    return Entry(**known)


def _word(value: object) -> str:
    return strip_controls(value) if isinstance(value, str) else ""


def _lines(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(strip_controls(line) for line in value.splitlines())
    return tuple(strip_controls(line) for line in value if isinstance(line, str)) if isinstance(value, list) else ()


def _seconds(value: object) -> float | None:
    return value if isinstance(value, float) and math.isfinite(value) and value >= 0 else None
