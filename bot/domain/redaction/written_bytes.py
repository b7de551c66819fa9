"""Secrets in bytes written as hexadecimal, octal, decimal or base32."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from bot.domain.redaction.encoded import marked_spans

Look = Callable[[str], str]

_HEX, _DECIMAL = "(?:[2-7][0-9A-Fa-f]|0[9AaDd])", r"(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6]|9|1[03])"
_PART = r"(?:[,;:-][ ]?|[ ]{1,2})"
_RUNS: tuple[tuple[re.Pattern[str], re.Pattern[str], int], ...] = (
    (re.compile(rf"(?<![0-9A-Za-z])(?:0x|\\x)?{_HEX}{{9,16000}}+(?![0-9A-Za-z])"), re.compile(_HEX), 16),
    (
        re.compile(rf"(?<![0-9A-Za-z:])(?:0x|\\x)?{_HEX}(?:{_PART}(?:0x)?{_HEX}){{8,8000}}+"),
        re.compile(rf"(?<![0-9A-Fa-f]){_HEX}"),
        16,
    ),
    (
        re.compile(rf"(?<![\d.:-]){_DECIMAL}(?:,?[ ]{_DECIMAL}|,{_DECIMAL}){{8,8000}}+"),
        re.compile(r"\d+"),
        10,
    ),
)
"""A run of bytes that all are readable, which numbers drawn by lot hardly ever are; one byte in it; its base."""
_SOME_RUN = re.compile(rf"{_HEX}{{9}}|{_HEX}(?:{_PART}(?:0x)?{_HEX}){{4}}|{_HEX}{{2}}[ ]{_HEX}{{2}}|\d,[ ]?\d\d")
_BASE32 = re.compile(r"(?<![A-Za-z0-9+/])[A-Z2-7]{16,8000}+={0,6}(?![A-Za-z0-9+/=])")
_DUMPED = re.compile(
    r"(?P<before>(?:[^\s|]{1,64}\s{1,4}\|\s)?(?:0x)?[0-9A-Fa-f]{4,8}:?[ \t]{1,4})"
    r"(?P<bytes>(?:[0-9A-Fa-f]{2}){1,8}(?:[ ]{1,2}(?:[0-9A-Fa-f]{2}){1,8}){0,31}+)"
    r"(?P<after>[ \t]{1,60}\S[^\n]{0,80})?\r?\Z"
)
_FEWEST = 9
_WIDE = re.compile(
    r"(?<![A-Za-z0-9+/])(?:[CDI-Za-f][AQgw][AB][A-Za-z0-9+/]A[C-H][A-Za-z0-9+/]A){3,4000}+[A-Za-z0-9+/]{0,8}={0,2}(?![A"
    r"-Za-z0-9+/=])"
)
"""Base64 of ASCII text in UTF-16, as PowerShell takes its commands."""


def in_written_bytes(text: str, look: Look) -> str:
    """Return ``text`` with the secrets replaced that ``look`` finds in written bytes."""
    if _SOME_RUN.search(text):
        text = _in_dumps(text, look)
        for run, one, base in _RUNS:
            text = run.sub(lambda match, one=one, base=base: _in_run(match[0], one, base, look), text)  # type: ignore[misc]
    text = _WIDE.sub(lambda match: _in_wide(match[0], look), text)
    return _BASE32.sub(lambda match: _in_base32(match[0], look), text)


def _in_run(run: str, one: re.Pattern[str], base: int, look: Look) -> str:
    found = list(one.finditer(run, 2 if run[:2] in ("0x", "\\x") else 0))
    plain = "".join(chr(int(byte[0], base)) for byte in found)
    return _put(run, plain, look, [*(byte.start() for byte in found), len(run)], [byte.end() for byte in found])


def _put(written: str, plain: str, look: Look, starts: Sequence[int], ends: Sequence[int]) -> str:
    """Return ``written`` with what ``look`` marks in ``plain`` replaced where it starts and ends."""
    seen = look(plain) if len(plain) >= _FEWEST else plain
    done: list[str] = []
    at = 0
    for start, end, marker in marked_spans(plain, seen) if seen != plain else ():
        if start < end:
            done += (written[at : starts[start]], marker)
            at = ends[end - 1]
    return "".join((*done, written[at:])) if done else written


def _in_base32(word: str, look: Look) -> str:
    coded = word.rstrip("=")
    if len(coded) % 8 in (1, 3, 6) or not _plain(base64.b32decode(coded[:16])):
        return word
    plain = _plain(base64.b32decode(coded + "=" * (-len(coded) % 8)))
    seen = look(plain) if plain else plain
    spans = list(marked_spans(plain, seen)) if seen != plain else []
    return spans[0][2] if spans else word


def _in_wide(word: str, look: Look) -> str:
    coded = word.rstrip("=")
    if len(coded) % 4 == 1:
        return word
    plain = base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-16-le", "replace")
    spans = list(marked_spans(plain, seen)) if (seen := look(plain)) != plain else []
    return spans[0][2] if spans else word


def _plain(raw: bytes) -> str:
    plain = raw.decode("latin-1")
    return plain if all(" " <= char <= "~" or char in "\t\r\n" for char in plain) else ""


def _in_dumps(text: str, look: Look) -> str:
    """Return ``text`` without the lines of a dump that hold a part of a secret."""
    if "\n" not in text and not _DUMPED.match(text):
        return text
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        dumped: list[re.Match[str]] = []
        while at < len(lines) and (line := _DUMPED.match(lines[at])):
            dumped.append(line)
            at += 1
        if dumped:
            _in_dump(lines, at - len(dumped), dumped, look)
        at += 1
    return "\n".join(lines)


def _in_dump(lines: list[str], first: int, dumped: Sequence[re.Match[str]], look: Look) -> None:
    raw = [bytes.fromhex(line["bytes"].replace(" ", "")) for line in dumped]
    plain = "".join(chr(byte) if 0x20 <= byte < 0x7F else " " for byte in b"".join(raw))
    if len(plain) < _FEWEST or (seen := look(plain)) == plain:
        return
    ends = [0]
    for part in raw:
        ends.append(ends[-1] + len(part))
    for start, end, marker in marked_spans(plain, seen):
        for number, (head, tail) in enumerate(pairwise(ends)):
            if start < tail and head < end and start < end:
                lines[first + number] = dumped[number]["before"] + marker
