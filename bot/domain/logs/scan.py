"""Collects the shapes of a log's lines in bounded memory.

Each shape has its first line, its count and its last line.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.domain.logs.line import LOUD, READ_BYTES, SHAPELESS, mark_loud_numbers, prefix_classes, trim_raw_line
from bot.domain.logs.vocabulary import Vocabulary, Words

# Blocks begin small, so that a short log is looked at several times as it grows, and double up to this.
_FIRST_BLOCK_BYTES = 1 << 14
_BLOCK_BYTES = 1 << 17
_SAMPLES = 24
_SAMPLED = 1_000
SHAPES = 6_000
_CROWDED = 2_000
_RESTARTS = 500
_MARKS = 100_000
# Lines after which it shows that most shapes are new, the share that is most, and lines until that is looked at anew.
_SLOWLY = 60_000
_MOSTLY_FRESH = 0.3
_STRETCH = 250_000
_TAIL = 24
_WORDS = re.compile(rb"(?<![A-Za-z])[A-Za-z]++(?: [A-Za-z]++)++")


@dataclass(slots=True, eq=False)
class LinePattern:
    """All lines of one shape: the first of them, how many came, and the last of them.

    ``head`` is the number of the line that began the entry this one continues, or its own number. ``foreign`` lines do
    not begin as the log's lines do. ``ends`` counts how often the shape stood right before a new start of the program.
    ``samples`` are some of the lines with their numbers, evenly over the log.
    """

    number: int
    raw: bytes
    head: int = 0
    foreign: bool = False
    count: int = 0
    last: int = 0
    last_raw: bytes = b""
    ends: int = 0
    samples: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Scan:
    """What one pass over a log found."""

    shapes: dict[bytes, LinePattern] = field(default_factory=dict)
    total: int = 0
    size: int = 0
    starts: int = 0
    tail: deque[tuple[int, bytes, LinePattern | None]] = field(default_factory=lambda: deque(maxlen=_TAIL))


class _Reader:
    def __init__(self) -> None:
        self.scan = Scan()
        self._vocabulary = Vocabulary()
        self._shape_of: dict[int, LinePattern] = {}
        self._prefixes: Counter[bytes] = Counter()
        self._regular: set[bytes] = set()
        self._by_words = 0
        self._freshness = 0.0
        self._head = 0
        self._banner: list[bytes] = []

    def feed(self, block: bytes) -> None:
        """Take in whole lines, parted by line feeds."""
        scan = self.scan
        raws = block.split(b"\n")
        if max(map(len, raws)) > READ_BYTES:
            raws = [trim_raw_line(raw) for raw in raws]
            block = b"\n".join(raws)
        size = len(raws)
        self._learn_prefixes(raws)
        loud = mark_loud_numbers(block)
        pieces = raws if loud is block else loud.split(b"\n")
        words = self._vocabulary.read(pieces) if self._by_words > 0 else None
        marks = list(map(hash, words.keys if words else loud.translate(None, SHAPELESS).split(b"\n")))
        fresh = [index for index, shape in enumerate(map(self._shape_of.get, marks)) if shape is None]
        if fresh:
            if words is None:
                fresh = sorted({marks[index]: index for index in reversed(fresh)}.values())
                words = self._vocabulary.read([pieces[index] for index in fresh])
                self._add(list(enumerate(fresh)), words, marks, raws)
            else:
                self._add([(index, index) for index in fresh], words, marks, raws)
        # Where nearly every line has its own shape, reading words at once is cheaper; now and then that is tried again.
        if self._by_words > 0:
            self._by_words -= size
        else:
            self._freshness += (len(fresh) / size - self._freshness) * min(1.0, size / _SLOWLY)
            self._by_words = _STRETCH if self._freshness > _MOSTLY_FRESH else 0
        found = list(map(self._shape_of.get, marks))
        firsts = dict(zip(reversed(found), range(size - 1, -1, -1), strict=True))
        lasts = dict(zip(found, range(size), strict=True))
        for shape, count in Counter(found).items():
            if shape is not None:
                self._count(shape, count, (firsts[shape], lasts[shape]), raws)
        self._see_starts(block, marks, raws)
        tail = range(max(0, size - _TAIL), size)
        scan.tail.extend((scan.total + at + 1, raws[at], self._shape_of.get(marks[at])) for at in tail)
        scan.total += size
        if len(scan.shapes) > SHAPES:
            self._forget()
        if len(self._shape_of) > _MARKS:
            self._shape_of.clear()

    def _count(self, shape: LinePattern, count: int, ends: tuple[int, int], raws: list[bytes]) -> None:
        """Count lines of a shape, of which the first and the last in the block stand at ``ends``."""
        shape.count += count
        before, (first, last) = self.scan.total + 1, ends
        if before + last > shape.last:
            shape.last, shape.last_raw = before + last, raws[last]
        if shape.count > 2:
            samples = shape.samples
            if len(raws[first]) < _SAMPLED:
                samples.append((before + first, raws[first]))
            if last != first and len(raws[last]) < _SAMPLED:
                samples.append((before + last, raws[last]))
            if len(samples) > _SAMPLES:
                del samples[1:-1:2]

    def _learn_prefixes(self, raws: list[bytes]) -> None:
        step = max(1, len(raws) // 50)
        self._prefixes.update(prefix_classes(raw) for raw in raws[::step] if raw)
        seen = self._prefixes.total()
        self._regular = {begin for begin, count in self._prefixes.items() if count * 25 >= seen}

    def _add(self, fresh: list[tuple[int, int]], words: Words, marks: list[int], raws: list[bytes]) -> None:
        """Take in lines whose shape is not known yet, each by its place in ``words`` and its index in the block."""
        shapes = self.scan.shapes
        crowded = len(shapes) > _CROWDED and len(fresh) * 5 > len(raws)
        often = Counter(words.keys)
        added: list[tuple[int, bytes]] = []
        rest: list[tuple[int, int]] = []
        for place, index in fresh:
            key = words.keys[place]
            shape = shapes.get(key)
            if shape is None and crowded and not words.telling[place] and often[key] == 1:
                rest.append((place, index))
                continue
            if shape is None:
                shape = shapes[key] = LinePattern(self.scan.total + index + 1, raws[index])
                added.append((index, key))
            self._shape_of[marks[index]] = shape
        if rest:
            # Where nearly every line has its own words, it is known by those that are common.
            cast = self._vocabulary.cast(words)
            alike: dict[bytes, list[int]] = {}
            for place, index in rest:
                alike.setdefault(cast[place], []).append(index)
            alike.pop(b"", None)
            for key, indices in alike.items():
                if key not in shapes:
                    shapes[key] = LinePattern(self.scan.total + indices[0] + 1, raws[indices[0]])
                    added.append((indices[0], key))
                self._count(shapes[key], len(indices), (indices[0], indices[-1]), raws)
        self._find_heads(sorted(added), raws)

    def _find_heads(self, added: list[tuple[int, bytes]], raws: list[bytes]) -> None:
        walked, head = -1, self._head
        for index, key in added:
            shape = self.scan.shapes[key]
            shape.foreign = not self._begins(raws[index])
            if not shape.foreign:
                head = shape.number
            else:
                above = range(index - 1, max(walked, index - 60), -1)
                begun = next((back for back in above if self._begins(raws[back])), None)
                head = head if begun is None else self.scan.total + begun + 1
            shape.head = head
            walked = index
        self._head = head

    def _begins(self, raw: bytes) -> bool:
        return raw[:1] not in b" \t" and prefix_classes(raw) in self._regular

    def _see_starts(self, block: bytes, marks: list[int], raws: list[bytes]) -> None:
        # A log begins with the program's first words; where they come again, the program was started again.
        if not self.scan.total:
            runs = [run for raw in raws[:3] for run in _WORDS.findall(raw)]
            self._banner = [max(runs, key=len)] if runs else []
        for banner in self._banner:
            if self.scan.starts > _RESTARTS or block.count(banner) * 3 > len(raws):
                continue
            at = block.find(banner, 0 if self.scan.total else len(raws[0]))
            offset = line = 0
            while at >= 0 and self.scan.starts <= _RESTARTS:
                line += block.count(b"\n", offset, at)
                offset = at
                self.scan.starts += 1
                for mark in set(marks[max(0, line - 8) : line]):
                    if mark in self._shape_of:
                        self._shape_of[mark].ends += 1
                at = block.find(banner, at + len(banner))

    def _forget(self) -> None:
        # Keep what repeats, what is loud, and what holds the rarest words; the rest are variations of what is kept.
        shapes = self.scan.shapes
        seen: Counter[bytes] = Counter()
        split = {key: set(key.split()) for key in shapes}
        for words in split.values():
            seen.update(words)
        worth = {
            key: shape.count > 1
            or (LOUD.search(shape.raw) is not None)
            or -min(map(seen.__getitem__, split[key]), default=SHAPES)
            for key, shape in shapes.items()
        }
        keys = sorted(shapes, key=worth.__getitem__, reverse=True)[: SHAPES // 2]
        self.scan.shapes = {key: shapes[key] for key in keys}
        known = {id(shape) for shape in self.scan.shapes.values()}
        self._shape_of = {mark: shape for mark, shape in self._shape_of.items() if id(shape) in known}


def _blocks(chunks: Iterable[bytes], found: Scan) -> Iterator[bytes]:
    rest = b""
    held: list[bytes] = []
    waiting = 0
    wanted = _FIRST_BLOCK_BYTES
    for chunk in chunks:
        found.size += len(chunk)
        for start in range(0, len(chunk), _FIRST_BLOCK_BYTES):
            piece = chunk[start : start + _FIRST_BLOCK_BYTES]
            held.append(piece)
            waiting += len(piece)
            if waiting < wanted:
                continue
            wanted = min(_BLOCK_BYTES, wanted * 2)
            block = rest + b"".join(held)
            held, waiting = [], 0
            end = block.rfind(b"\n")
            if end < 0:
                rest = trim_raw_line(block)
                continue
            rest = block[end + 1 :]
            yield block[:end]
    block = rest + b"".join(held)
    if block:
        yield block.removesuffix(b"\n")


def scan_log(chunks: Iterable[bytes]) -> Scan:
    """Read all blocks, cut anywhere; a line longer than a few thousand bytes is known by its beginning."""
    reader = _Reader()
    for block in _blocks(chunks, reader.scan):
        reader.feed(block)
    return reader.scan
