"""Secrets that continue on the next line.

They are wrapped tokens, strings in pieces, commands with continuations and split records.

The lines are joined for a look. Where the look finds a secret, its pieces are replaced and the joints stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from bot.domain.redaction.below import PREFIX
from bot.domain.redaction.columns import Joint, column_joints, soft_breaks
from bot.domain.redaction.encoded import marked_spans
from bot.domain.redaction.more_tokens import MORE_TOKENS
from bot.domain.redaction.service_tokens import SERVICE_TOKENS
from bot.domain.redaction.values import is_plain_word, is_random
from bot.domain.redaction.vendor_tokens import SHAPES

_OF_PIECE = r"A-Za-z0-9_+/=.~-"
# Each opens with the end of the line, which is found fastest; what is before it belongs to the joint too.
_LINE_END = re.compile(
    rf"\n(?:(?<=[{_OF_PIECE}]\n)|(?<=[\\`^\"'+.&]\n)|(?<=[\\`^\"'+.&{_OF_PIECE}]\r\n)|(?<=[\"'+.&][ ]\n))"
    rf"(?P<prefix>{PREFIX}[ \t]{{0,80}}+)(?P<plus>[+.&]?[ \t]{{0,4}}(?=[\"']))?"
)
_ESCAPED_END = re.compile(rf"(?:\\{{1,4}}r)?\\{{1,4}}n[ \t]{{0,40}}(?=[{_OF_PIECE}]{{3}})")
_BEFORE_CUT = re.compile(r"[ \t]{0,8}[\\`^]\r?\Z")
_BEFORE_STRING = re.compile(r"(?P<quote>[\"'])[ \t]{0,4}[+.&]?[ \t]{0,4}\\?\r?\Z")
_PIECE_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+/=.~-"
_HEAD = re.compile(rf"[{_OF_PIECE}]{{3,512}}+(?P<next>[^\n]?)")
_HEX = re.compile(r"[0-9a-f-]+\Z|[0-9A-F-]+\Z")
_TOKENS = (*SHAPES, *MORE_TOKENS, *SERVICE_TOKENS)
_LONGEST_TOKEN_CHARS = 300
_NAME = re.compile(r"[\w.-]{1,80}+=[^=\s]")
_LONG_PIECE = 40
_MOST_JOINTS = 64
_REACH = 2048
"""Characters before the first joint and behind the last that the look takes in."""


def in_wrapped(text: str, look: Callable[[str], str]) -> str:
    """Return ``text`` with the secrets replaced that go on behind the end of a line; ``look`` redacts joined lines."""
    done: list[str] = []
    at = 0
    for joints in _groups(text):
        start = max(at, text.rfind("\n", 0, joints[0][0]) + 1, joints[0][0] - _REACH)
        end = text.find("\n", joints[-1][1])
        end = min(len(text) if end < 0 else end, joints[-1][1] + _REACH)
        done += (text[at:start], _joined(text, start, end, joints, look))
        at = end
    return "".join((*done, text[at:])) if done else text


def _groups(text: str) -> Iterator[list[Joint]]:
    """Yield the joints whose lines belong together: where each starts and ends, and what stands for it."""
    group: list[Joint] = []
    for joint in _joints(text):
        if group and (len(group) >= _MOST_JOINTS or "\n" in text[group[-1][1] : joint[0]]):
            yield group
            group = []
        group.append(joint)
    if group:
        yield group


def _joints(text: str) -> Iterator[Joint]:
    ends = {text.find("\n", joint[0]): joint for joint in (*column_joints(text), *soft_breaks(text))}
    for end in _LINE_END.finditer(text):
        if end.start() not in ends and (joint := _joint(text, end)):
            ends[end.start()] = joint
    ends = {place: joint for place, joint in ends.items() if not _starts_token(text, joint[1])}
    if "\\n" not in text:
        return iter(sorted(ends.values()))
    escaped = (match.span() for match in _ESCAPED_END.finditer(text))
    return iter(sorted((*ends.values(), *((*span, "") for span in escaped if _goes_on(text, *span)))))


def _starts_token(text: str, start: int) -> bool:
    """Return True if a separate token starts there, of which the token before it must take no part."""
    piece = text[start : start + _LONGEST_TOKEN_CHARS]
    return any(shape.pattern.match(piece) for shape in _TOKENS if any(hint in piece[:32] for hint in shape.hints))


def _joint(text: str, end: re.Match[str]) -> Joint | None:
    """Return what joins the line before ``end`` with the one behind it."""
    before = text[max(0, end.start() - 24) : end.start()]
    if end["plus"] is not None and (string := _BEFORE_STRING.search(before)):
        quote = text[end.end()]
        if string["quote"] == quote:
            return end.start() - len(string[0]), end.end() + 1, ""
    last = before.rstrip("\r")[-1:]
    if last in ("\\", "`", "^"):
        cut = _BEFORE_CUT.search(before)
        blank = cut and (cut[0][:1] in " \t" or end["prefix"][-1:] in (" ", "\t"))
        return (end.start() - len(cut[0]), end.end("prefix"), " " if blank else "") if cut else None
    start = end.start() - (before[-1:] == "\r")
    return (start, end.end("prefix"), "") if last in _PIECE_CHARS and _goes_on(text, start, end.end("prefix")) else None


def _goes_on(text: str, end: int, start: int) -> bool:
    """Return True if the words before ``end`` and from ``start`` on look like pieces of one token."""
    last = text[max(0, end - 8) : end]
    head = None if last.isalpha() and (last.islower() or last.isupper()) else _HEAD.match(text, start)
    if head is None or head["next"] in tuple(":([{<") or _NAME.match(head[0]):
        return False
    one = head[0].removesuffix(head["next"]) if head["next"] else head[0]
    before = text[max(0, end - _LONG_PIECE) : end]
    tail = before[len(before.rstrip(_PIECE_CHARS)) :]
    if not is_random(tail, shortest=8):
        return False
    if len(tail) >= _LONG_PIECE and not head["next"].strip():
        return not is_plain_word(one) or len(one) > _LONG_PIECE
    mixed = any(map(str.isupper, one)) and any(map(str.islower, one)) and any(map(str.isdigit, one))
    return is_random(one, shortest=8) and not _HEX.match(one) and (mixed or len(one) >= 12) and "/" not in one[:1]


def _joined(text: str, start: int, end: int, joints: Sequence[Joint], look: Callable[[str], str]) -> str:
    parts: list[str] = []
    places: list[int] = []
    at = start
    for first, last, instead in joints:
        parts += (text[at:first], instead)
        places += (*range(at, first), *(first for _ in instead))
        at = last
    places += range(at, end + 1)
    plain = "".join((*parts, text[at:end]))
    done: list[str] = []
    at = start
    for one, other, marker in marked_spans(plain, look(plain)):
        done += (text[at : places[one]], *_pieces(text, places[one], places[other], joints, marker))
        at = places[other]
    return "".join((*done, text[at:end]))


def _pieces(text: str, start: int, end: int, joints: Sequence[Joint], marker: str) -> Iterator[str]:
    """Yield the marker for each piece of a secret, and the joints between."""
    for first, last, _ in joints:
        if start <= first < end:
            if first > start:
                yield marker
            yield text[first : min(last, end)]
            start = min(last, end)
    if start < end:
        yield marker
