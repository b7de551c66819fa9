"""Reduces a log of any length to a small digest.

The digest holds what is new, what repeats, and what came first.

What an expert would copy is told from the rest by five things, none of them a list of words: how loud a line is by its
own account, how rare its words are in this log, whether it stands where something frequent begins, whether it begins as
the log's lines do, and what it stands next to. Lines are then taken by how much they add to what is already kept.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.domain.evidence import LogDigest, LogLine
from bot.domain.logs import groups
from bot.domain.logs.groups import Group
from bot.domain.logs.line import (
    SHOWN_CHARS,
    Level,
    clock_time,
    decode_line,
    level_of,
    message_of,
    message_words,
    shorten_line,
)
from bot.domain.logs.scan import Scan, scan_log
from bot.domain.redaction.redact import redact

_WEIGHT = {Level.DEBUG: 0.35, Level.INFO: 0.7, Level.NONE: 0.9, Level.WARN: 1.2, Level.ERROR: 2.0, Level.FATAL: 3.0}
# Of a stack trace or a statement that a kept line belongs to, this many lines and characters are kept with it.
_NEAR = 12
_ENTRY = 1_000
# Lines worth less than this share of the best one are ordinary: room that they would fill is left empty.
_WORTHLESS = 0.01
_USUAL_BUDGET_CHARS = 8_000
_FLOODS = 4
_LAST = 3
# The newest run's share of the room where two runs do not fit into it.
_NEWEST = 0.6


def digest_log(chunks: Iterable[bytes], *, budget: int = _USUAL_BUDGET_CHARS, secrets: Sequence[str] = ()) -> LogDigest:
    """Read a whole log, given as byte blocks cut anywhere, and keep what explains it, without secrets.

    ``budget`` is the characters of the kept lines' text in all; a calm log needs less. Lines keep their number in the
    log and their order. A line stands for all that say the same: the first of them, how many, when the last one came.
    ``secrets`` are literal ones that must never come out.
    """
    found = scan_log(chunks)
    return LogDigest(_redacted(_Choice(found, budget, secrets).lines(), secrets), found.total, found.size)


def join_digests(parts: Sequence[LogDigest], budget: int = _USUAL_BUDGET_CHARS) -> LogDigest:
    """Join the digests of one run after another: numbers go on, and each later run's first line is a boundary.

    Where the lines do not fit into ``budget`` characters, the newest run keeps the larger share, and of each run the
    loudest and last lines stay.
    """
    shares = [sum(len(line.text) for line in part.lines) for part in parts]
    earlier = sum(shares[:-1])
    newest = min(shares[-1] if shares else 0, max(int(budget * _NEWEST), budget - earlier))
    left = budget - newest
    lines: list[LogLine] = []
    before = 0
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        room = newest if last else left if earlier <= left else left * shares[index] // max(1, earlier)
        for line in _fitting(part.lines, room):
            starts = index > 0 and not any(chosen.number > before for chosen in lines)
            moved = line.moved(before)
            lines.append(replace(moved, boundary=starts or line.boundary, earlier=not last))
        before += part.total_lines
    return LogDigest(tuple(lines), before, sum(part.total_bytes for part in parts))


def _fitting(lines: Sequence[LogLine], room: int) -> list[LogLine]:
    chosen: list[LogLine] = []
    for line in sorted(lines, key=lambda line: (-max(level_of(line.text), Level.NONE), -line.number)):
        if len(line.text) <= room:
            room -= len(line.text)
            chosen.append(line)
    return sorted(chosen, key=lambda line: line.number)


def has_earlier_cause(newest: LogDigest, whole: LogDigest) -> bool:
    """Return True if the digest of a whole log holds a loud line from before its newest lines that they lack.

    ``newest`` is the digest of those lines alone.
    """
    known = {_message(line) for line in newest.lines}
    before = whole.total_lines - newest.total_lines
    return any(
        line.number <= before and level_of(line.text) >= Level.WARN and _message(line) not in known
        for line in whole.lines
    )


def _message(line: LogLine) -> tuple[str, ...]:
    return tuple(message_words(message_of(line.text)))


def _redacted(lines: Sequence[LogLine], secrets: Sequence[str]) -> tuple[LogLine, ...]:
    # All at once, since a private key spans lines; redact keeps line ends, and each line alone is the way back if not.
    texts = redact("\n".join(line.text for line in lines), secrets).split("\n")
    if len(texts) != len(lines):
        texts = [redact(line.text, secrets) for line in lines]
    return tuple(replace(line, text=text) for line, text in zip(lines, texts, strict=True))


class _Choice:
    """Which groups are shown, within a budget of characters."""

    def __init__(self, found: Scan, budget: int, secrets: Sequence[str] = ()) -> None:
        self._found = found
        self._secrets = secrets
        self._left = budget
        self._groups, self._of_shape = groups.group_lines(found)
        self._worthless = _WORTHLESS * _USUAL_BUDGET_CHARS / max(budget, 1)
        total = max(found.total, 50)
        seen: Counter[str] = Counter()
        for group in self._groups:
            seen.update(dict.fromkeys(group.words, group.count))
        self._rarity = {word: max(0.0, math.log(total / count) / math.log(total)) ** 3 for word, count in seen.items()}
        self._onsets = groups.onsets(self._groups, found.total)
        self._begins = [group.number for group in self._onsets[:12]]
        self._chosen: dict[int, LogLine] = {}
        self._covered: Counter[str] = Counter()
        self._poured: Counter[tuple[str, ...]] = Counter()
        self._entries: dict[int, list[Group]] = {}
        for group in self._groups:
            if group.first.foreign:
                self._entries.setdefault(group.first.head, []).append(group)

    def lines(self) -> tuple[LogLine, ...]:
        """Choose, and return the lines in their order."""
        floods = groups.floods(self._groups, self._found.total)
        endings = groups.endings(self._groups, self._found.starts)
        for group in [*self._onsets[:_FLOODS], *floods[:_FLOODS], *endings]:
            if group.number not in self._chosen:
                self._take(group)
        for group in groups.growing(self._groups):
            self._take(group)
            self._show(group.last, decode_line(group.last_raw))
        self._take_end()
        self._take_best()
        return tuple(self._chosen[number] for number in sorted(self._chosen))

    def _take_best(self) -> None:
        places = {group.number: _WEIGHT[group.level] * self._place(group) for group in self._groups}
        heap = [(-self._gain(group, places[group.number]), group.number, group) for group in self._groups]
        heapq.heapify(heap)
        best = 0.0
        while heap and self._left > 0:
            _, number, group = heapq.heappop(heap)
            gain = self._gain(group, places[number])
            # What was taken since may have told the same: then it is put back with what it is worth now.
            if heap and gain < -heap[0][0] * 0.999:
                heapq.heappush(heap, (-gain, number, group))
                continue
            if gain < self._worthless * best:
                break
            best = max(best, gain)
            if self._take(group) and group.level >= Level.NONE:
                self._take_entry(group)

    def _gain(self, group: Group, place: float) -> float:
        new = sum(self._rarity[word] * 0.25 ** self._covered[word] for word in group.words) + 0.05
        again = 0.5 ** self._poured[group.mould] if group.mould else 1.0
        return place * new * again / math.pow(min(len(group.text), SHOWN_CHARS) + 40, 0.6)

    def _worth(self, text: str) -> float:
        return sum(self._rarity.get(word, 0.0) for word in set(message_words(text)))

    def _place(self, group: Group) -> float:
        place = 1.0
        for begin in self._begins:
            before = begin - group.number
            place = max(place, 1 + 2 * math.exp(-before / 12 if before >= 0 else before / 5))
        if group.first.foreign and group.level is Level.NONE:
            place *= 1.8
        if group.frame:
            place *= 0.3
        if self._found.total - group.last < 12:
            place *= 1.5
        return place

    def _take_entry(self, group: Group) -> None:
        room = _ENTRY
        near = sorted(self._entries.get(group.first.head, ()), key=lambda line: abs(line.number - group.number))
        for line in near[:_NEAR]:
            room -= len(line.text)
            if room > 0:
                self._take(line)

    def _take_end(self) -> None:
        for number, raw, shape in list(self._found.tail)[-_LAST:]:
            group = self._of_shape.get(shape.number) if shape else None
            if group is None or group.number not in self._chosen:
                self._show(number, decode_line(raw))

    def _take(self, group: Group) -> bool:
        until = clock_time(decode_line(group.last_raw)) if group.count > 1 else ""
        if not self._show(group.number, group.text, group.count, until, group.last):
            return False
        self._covered.update(group.words)
        self._poured[group.mould] += 1
        return True

    def _show(self, number: int, text: str, count: int = 1, until: str = "", last: int = 0) -> bool:
        if not text.strip() or (number in self._chosen and count == 1) or min(len(text), SHOWN_CHARS) > self._left:
            return False
        # Redacted before it is cut: half a secret would not be known for one.
        text = shorten_line(redact(text, self._secrets), self._worth)
        if number in self._chosen:
            self._left += len(self._chosen.pop(number).text)
        if len(text) > self._left:
            return False
        self._left -= len(text)
        self._chosen[number] = LogLine(number, text, count, until, last=last if count > 1 else 0)
        return True
