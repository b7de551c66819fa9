"""Tokens that continue at the same column of the next line.

The line may have a log's prefix or a quotation mark.

What stands before the pieces looks alike on both lines (digits count as equal), and so does what stands behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.domain.redaction.values import is_plain_word, is_random

Joint = tuple[int, int, str]
"""Where the end of a line and the start of the next begin and end, and what stands for both."""

_OF_PIECE = r"A-Za-z0-9_+/=.~-"
_PIECE_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+/=.~-"
_LONG = re.compile(rf"(?<![{_OF_PIECE}])[{_OF_PIECE}]{{40,}}+")
_PIECE = re.compile(rf"[{_OF_PIECE}]{{2,4096}}+")
_LONGEST_PREFIX_CHARS, _LONGEST_END_CHARS = 160, 120
_CLOSERS = re.compile(r"[\s\"'`│┃|║…,;)\\]{0,24}\Z")
_DIGITS = re.compile(r"\d+")
_DATED = re.compile(r"\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d|(?:\d{1,3}\.){3}")
_SOFT_BREAK = re.compile(r"(?<=[^\n=]{58})=\r?\n(?=\S)")
_SOFT_LINE = range(68, 79)
"""Quoted-printable allows 76 characters a line, and programs fill them."""
_PRINTABLE = re.compile(r"=(?:3D|20|0A|0D|09|[C-F][0-9A-F]=[89AB][0-9A-F])(?![0-9A-Fa-f]{4})")


def column_joints(text: str) -> Iterator[Joint]:
    """Yield the joints between the lines of ``text`` whose tokens go on at the same place."""
    for run in _LONG.finditer(text):
        end = text.find("\n", run.end(), run.end() + _LONGEST_END_CHARS)
        if end < 0 or (joint := _joint(text, run, end)) is None:
            continue
        yield joint


def soft_breaks(text: str) -> Iterator[Joint]:
    """Yield the line ends that quoted-printable put into long lines, where the text is written so."""
    if ("=\n" not in text and "=\r\n" not in text) or not _PRINTABLE.search(text):
        return
    for sign in _SOFT_BREAK.finditer(text):
        line = text.rfind("\n", max(0, sign.start() - 2 * _SOFT_LINE.stop), sign.start()) + 1
        if sign.start() - line in _SOFT_LINE:
            yield sign.start(), sign.end(), ""


def _joint(text: str, run: re.Match[str], end: int) -> Joint | None:
    if not is_random(run[0][-64:], shortest=8):
        return None
    line = text.rfind("\n", max(0, run.start() - _LONGEST_PREFIX_CHARS), run.start()) + 1
    start = (
        end + 1 + _same(text, line if line or run.start() <= _LONGEST_PREFIX_CHARS else run.start(), run.end(), end + 1)
    )
    while start < len(text) and text[start] in " \t":
        start += 1
    piece = _PIECE.match(text, start)
    if piece is None or start <= end:
        return None
    over = text.find("\n", piece.end(), piece.end() + _LONGEST_END_CHARS)
    over = min(len(text), piece.end() + _LONGEST_END_CHARS) if over < 0 else over
    behind, below = text[run.end() : end].rstrip("\r"), text[piece.end() : over].rstrip("\r")
    alike = bool(behind.strip()) and _shape(behind) == _shape(below)
    if behind.strip() and not alike and not _CLOSERS.match(behind):
        return None
    if not _is_piece(piece[0], below, alike or bool(_CLOSERS.match(below)), prefixed=start > end + 1):
        return None
    soft = run[0].endswith("=") and not behind and not run[0].endswith("==")
    return run.end() - soft, start, ""


def _same(text: str, one: int, limit: int, other: int) -> int:
    """Return how long what both lines start with is, up to the last sign that no token holds."""
    length = len(text)
    first = at = other
    last = other
    while one < limit and at < min(length, first + _LONGEST_PREFIX_CHARS):
        if text[one].isdigit() and text[at].isdigit():
            while one < limit and text[one].isdigit():
                one += 1
            while at < length and text[at].isdigit():
                at += 1
            continue
        if text[one] != text[at]:
            break
        one, at = one + 1, at + 1
        if text[at - 1] not in _PIECE_CHARS:
            last = at
    return last - first


def _shape(text: str) -> str:
    return _DIGITS.sub("0", text)


def _is_piece(piece: str, behind: str, closed: bool, *, prefixed: bool) -> bool:
    """Return True if the first word of the next line looks like a piece of a token."""
    if _DATED.match(piece) or is_plain_word(piece):
        return len(piece) > 64
    if len(piece) >= 40 or (closed and len(piece) >= 8):
        return is_random(piece[:64], shortest=8)
    return (prefixed and closed) or (
        len(piece) >= 12 and is_random(piece, shortest=12) and not behind.startswith((":", "("))
    )
