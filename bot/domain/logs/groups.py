"""Groups the shapes of a log and finds groups that changed.

A group may be new, grow, or end a run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.logs import line
from bot.domain.logs.line import Level
from bot.domain.logs.scan import LinePattern, Scan

# A word of so many shapes, or of one in a hundred, is part of what lines are cast in; the others are what varies.
_FAMILIAR = 4
_GROWTH = 1.5
_SHRINKAGE = 2.0
_GROWING = 3
# Fewer numbers can be in their order by chance; from this many standard deviations on it is none.
_ENOUGH = 7
_NO_CHANCE = 3.0
_SERIAL = 100
_ENDING = 10


@dataclass(slots=True)
class Group:
    """Lines that say the same, whoever logged them: the first of them as it stands, and how many came.

    ``mould`` is the message with what varies between lines of its kind left blank; ``()`` where there is no such kind.
    ``ends`` counts how often one stood right before a new start of the program.
    """

    first: LinePattern
    text: str
    level: Level
    words: set[str]
    frame: bool
    mould: tuple[str, ...]
    count: int = 0
    last: int = 0
    last_raw: bytes = b""
    ends: int = 0
    samples: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Return the number of the first line."""
        return self.first.number


def group_lines(found: Scan) -> tuple[list[Group], dict[int, Group]]:
    """Return the groups by their first lines, and the group of each shape by the number of the shape's first line."""
    groups: dict[tuple[str, ...], Group] = {}
    of_shape: dict[int, Group] = {}
    levels: dict[int, Level] = {}
    lines = _read(found)
    # Words of many shapes name loggers, threads and fields: whoever logged it, the same message is the same.
    spread = Counter(word for _, _, message, _ in lines for word in set(message))
    fields = Counter(word for _, _, _, beside in lines for word in beside)
    common = {word for word, count in spread.items() if count > 8 and count * 30 > len(lines)}
    familiar = max(_FAMILIAR, len(lines) // 100)
    for shape, text, message, beside in lines:
        level = line.level_of(text)
        if not shape.foreign:
            levels[shape.number] = level
        elif level is Level.NONE:
            level = max(level, levels.get(shape.head, level))
        name = tuple(word for word in message if word not in common) or message or (text,)
        if level >= Level.WARN:
            name = ("!", *name)
        group = groups.get(name)
        if group is None:
            mould = tuple(word if spread[word] >= familiar else "" for word in message)
            mould = mould if len(set(mould)) > 2 else ()
            rare = {word for word in beside if fields[word] * 30 <= len(lines)}
            group = groups[name] = Group(shape, text, level, rare | set(message), line.is_stack_frame(text), mould)
        of_shape[shape.number] = group
        group.level = max(group.level, level)
        group.count += shape.count
        group.ends += shape.ends
        if shape.samples:
            group.samples += [(shape.number, shape.raw), *shape.samples]
        if shape.last > group.last:
            group.last, group.last_raw = shape.last, shape.last_raw
    return list(groups.values()), of_shape


def _read(found: Scan) -> list[tuple[LinePattern, str, tuple[str, ...], frozenset[str]]]:
    """Return each shape's first line as text, the words of its message, and the other words of a structured line.

    What went wrong often stands beside the message there: the error, its stack.
    """
    lines = []
    for shape in sorted(found.shapes.values(), key=lambda one: one.number):
        text = line.decode_line(shape.raw)
        if text.strip():
            message = tuple(line.message_words(line.message_of(text)))
            beside = frozenset(line.message_words(text)) if text[:1] == "{" else frozenset()
            lines.append((shape, text, message, beside))
    return lines


def onsets(groups: Sequence[Group], total: int) -> list[Group]:
    """Return the groups that are frequent and began late, the most telling first.

    Had a group of n lines come at its rate all along, its first line would stand near ``total / n``.
    """
    many = max(8, total // 400)
    new = [group for group in groups if group.count >= many and group.number > 8 * total / group.count + 3]
    return sorted(new, key=lambda group: -group.count * (1 + group.level) ** 2)


def floods(groups: Sequence[Group], total: int) -> list[Group]:
    """Return the first of each kind of loud line that makes up a good part of the log, the most frequent kind first."""
    kinds: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        if group.level >= Level.ERROR:
            kinds.setdefault(group.mould or tuple(group.words), []).append(group)
    counts = {kind: sum(group.count for group in kind_groups) for kind, kind_groups in kinds.items()}
    often = [kind for kind, count in counts.items() if count * 50 > total]
    return [kinds[kind][0] for kind in sorted(often, key=lambda kind: -counts[kind])]


def endings(groups: Sequence[Group], starts: int) -> list[Group]:
    """Return what most runs of a crash loop ended with: nothing is rare there."""
    if starts < 3:
        return []
    ending = [group for group in groups if group.ends * 2 > starts and group.count * 2 > starts]
    return sorted(ending, key=lambda group: (group.frame, -group.level))[:_ENDING]


def growing(groups: Sequence[Group]) -> list[Group]:
    """Return lines that come again and again with a number that grows or runs out, as in a leak; the surest first."""
    found: list[tuple[float, Group]] = []
    for group in groups:
        if len(group.samples) < _ENOUGH or not Level.INFO <= group.level <= Level.WARN:
            continue
        samples = [
            line.message_numbers(line.message_of(line.decode_line(raw))) for _, raw in sorted(set(group.samples))
        ]
        series = [
            [sample[name] for sample in samples] for name in samples[0] if all(name in sample for sample in samples)
        ]
        trends = [_trend(values) for values in series if not _serial(values, group.count)]
        if trends and max(trends) >= _NO_CHANCE:
            found.append((max(trends), group))
    return [group for _, group in sorted(found, key=lambda item: -item[0])[:_GROWING]]


def _serial(values: Sequence[float], count: int) -> bool:
    """Return True if a number only counts the lines that it stands in."""
    return count > _SERIAL and abs(values[-1] - values[0] - count) * 10 < count


def _trend(values: Sequence[float]) -> float:
    """Return how far from chance a series goes up or down (Kendall's test); 0 where it ends near its beginning."""
    size = len(values)
    first, last = max(values[0], 1.0), max(values[-1], 1.0)
    if not (last >= _GROWTH * first or first >= _SHRINKAGE * last):
        return 0.0
    steps = ((after > before) - (after < before) for at, before in enumerate(values) for after in values[at + 1 :])
    return abs(sum(steps)) / math.sqrt(size * (size - 1) * (2 * size + 5) / 18)
