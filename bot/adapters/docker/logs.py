"""Reads a container's log stream into runs of lines and a digest.

The engine sends a log as frames (a header of eight bytes, then one line or a piece of a long one) unless the container
has a terminal; with ``timestamps`` each frame, or each line of a terminal's log, begins with the engine's time.
Format: Docker Engine API, "Attach to a container", stream format.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.domain.evidence import Facts, LogDigest
from bot.domain.logs.digest import digest_log, join_digests
from bot.domain.logs.line import decode_line, trim_raw_line
from bot.domain.redaction.redact import redact
from bot.errors import EngineError

MOST_FRAME_BYTES = 64 * 1024
"""Bytes kept of one frame; the engine's own are at most 16 KiB, so longer ones are nobody's line."""
TAIL_LINES = 10_000
"""Lines that are read from the end first, which takes some 50 ms; the whole log follows where there are more."""
MOST_LINE_CHARACTERS = 600
"""Characters shown of one of the newest lines."""
_HEADER = struct.Struct(">BxxxL")
# The engine's time before each line, 2026-11-22T10:04:31.000000001Z, and the blank behind it.
_TIME = 30
_TEXT = 31
_TIME_ENDS = b"Z "
_FOREIGN_TIME = 36


@dataclass(slots=True)
class LogReading:
    """What was read of a log, beside the digest: whether all of it was, and how many lines there were."""

    whole: bool = True
    lines: int = 0
    this_run: int = 0


@dataclass(slots=True)
class _Runs:
    """One stream of stamped lines in batches, taken apart where the present run begins."""

    batches: Iterator[list[bytes]]
    begins: bytes
    held: list[bytes] = field(default_factory=list)
    last: bytes = b""

    def earlier(self) -> Iterator[bytes]:
        for batch in self.batches:
            self.last = batch[-1][:_TIME]
            if self.begins and batch[-1][:_TIME] >= self.begins:
                at = next(place for place, line in enumerate(batch) if line[:_TIME] >= self.begins)
                self.held = batch[at:]
                yield _text(batch[:at])
                return
            yield _text(batch)

    def present(self) -> Iterator[bytes]:
        yield _text(self.held)
        for batch in self.batches:
            self.last = batch[-1][:_TIME]
            yield _text(batch)


def _text(batch: Sequence[bytes]) -> bytes:
    return b"".join([line[_TEXT:] for line in batch])


def frames(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the contents of frames, both of their streams in their order; what is longer than the limit is cut."""
    rest = b""
    skip = 0
    for chunk in chunks:
        buffer = rest + chunk[skip:] if skip < len(chunk) else rest
        skip = max(0, skip - len(chunk))
        size = len(buffer)
        found = []
        at = 0
        while at + 8 <= size:
            length = _HEADER.unpack_from(buffer, at)[1]
            end = at + 8 + length
            if end > size:
                if length <= MOST_FRAME_BYTES or size - at - 8 < MOST_FRAME_BYTES:
                    break
                skip, end = end - size, size
            found.append(buffer[at + 8 : min(end, at + 8 + MOST_FRAME_BYTES)])
            at = end
        rest = buffer[at:]
        if found:
            yield found


def terminal_lines(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines of a terminal's log with their line feed; long ones come in pieces of at most the frame limit."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk.replace(b"\r", b"")).split(b"\n")
        found = [line + b"\n" for line in whole]
        if len(rest) > MOST_FRAME_BYTES:
            found.append(rest)
            rest = b""
        if found:
            yield found
    if rest:
        yield [rest]


def stamped(chunks: Iterable[bytes], *, terminal: bool) -> Iterator[list[bytes]]:
    """Yield the lines, or pieces of long ones, each after the engine's time in UTC and a blank, in batches.

    A piece without a time gets that of the piece before.
    """
    last = b"0" * _TIME
    for batch in terminal_lines(chunks) if terminal else frames(chunks):
        if all(line[_TIME - 1 : _TEXT] == _TIME_ENDS for line in batch):
            last = batch[-1][:_TIME]
            yield batch
            continue
        mended = []
        for line in batch:
            last, text = _time_of(line, last)
            mended.append(last + b" " + text)
        yield mended


def _time_of(raw: bytes, otherwise: bytes) -> tuple[bytes, bytes]:
    time, blank, text = raw[:_FOREIGN_TIME].partition(b" ")
    if not blank or len(time) < 20 or time[4:5] != b"-" or time[10:11] != b"T":
        return otherwise, raw
    moment = _moment(time.decode("ascii", "replace"))
    known = time if len(time) == _TIME and time.endswith(b"Z") else stamp(moment) if moment else otherwise
    return known, text + raw[_FOREIGN_TIME:]


def present_run(facts: Facts) -> bytes:
    """Return the time from which lines are of the present run, or ``b""`` where the container never ran.

    The first line of a run can be a few ms older than the engine's start time of it, and the last line of a run a few
    ms younger than its end; so the border lies between the two, and at most one second before the start.
    """
    started = _moment(facts.started_at)
    if started is None:
        return b""
    # Of a container that has ended, the end is that of the present run, and can even be told as before its start.
    ended = _moment(facts.finished_at) if facts.running and not facts.restarting else None
    gap = (started - ended) / 2 if ended is not None and ended < started else timedelta(milliseconds=50)
    return stamp(started - min(gap, timedelta(seconds=1)))


def stamp(moment: datetime) -> bytes:
    """Write a moment as the engine stamps its lines, so that the two can be compared as bytes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()


def read_tail(
    open_log: Callable[[int | str], Iterable[bytes]], facts: Facts, *, terminal: bool, secrets: Sequence[str] = ()
) -> tuple[LogDigest, LogReading]:
    """Read the newest ``TAIL_LINES`` lines of a container's log and digest them run by run, redacted.

    ``open_log`` opens the stream for a tail of so many lines, or ``"all"``. The digest is partial where there are more.
    """
    log, reading = _read(stamped(open_log(TAIL_LINES), terminal=terminal), facts, secrets)
    reading.whole = reading.lines < TAIL_LINES
    return replace(log, partial=not reading.whole), reading


def read_whole(
    open_log: Callable[[int | str], Iterable[bytes]],
    facts: Facts,
    *,
    terminal: bool,
    enough: Callable[[], bool],
    secrets: Sequence[str] = (),
) -> tuple[LogDigest, LogReading]:
    """Read the whole log of a container and digest it run by run, redacted.

    ``enough`` says when to stop; then the digest holds what was read from its beginning, and the tail.
    """
    cut = LogReading()
    log, reading = _read(_whole(open_log, terminal, enough, cut), facts, secrets)
    reading.whole = cut.whole
    return log, reading


def _read(batches: Iterator[list[bytes]], facts: Facts, secrets: Sequence[str]) -> tuple[LogDigest, LogReading]:
    runs = _Runs(batches, present_run(facts))
    earlier = digest_log(runs.earlier(), secrets=secrets)
    present = digest_log(runs.present(), secrets=secrets)
    reading = LogReading(lines=earlier.total_lines + present.total_lines, this_run=present.total_lines)
    if not present.total_lines and runs.begins:
        lines = tuple(replace(line, earlier=True) for line in earlier.lines)
        earlier = replace(earlier, lines=lines)
    both = join_digests([earlier, present]) if earlier.total_lines and present.total_lines else None
    found = both or (present if present.total_lines else earlier)
    return replace(found, last_at=runs.last.decode("ascii", "replace").lstrip("0")), reading


def _whole(
    open_log: Callable[[int | str], Iterable[bytes]], terminal: bool, enough: Callable[[], bool], cut: LogReading
) -> Iterator[list[bytes]]:
    last = b"\n"
    try:
        for batch in stamped(open_log("all"), terminal=terminal):
            last = batch[-1]
            yield batch
            if enough():
                cut.whole = False
                break
    except EngineError:
        # Its beginning and its end explain more than nothing; that the middle is missing is said with the source.
        cut.whole = False
    if cut.whole:
        return
    if not last.endswith(b"\n"):
        yield [last[:_TIME] + b" \n"]
    for batch in stamped(open_log(TAIL_LINES), terminal=terminal):
        if newer := [line for line in batch if line[:_TIME] > last[:_TIME]]:
            yield newer


def newest(chunks: Iterable[bytes], count: int, *, terminal: bool, secrets: Sequence[str] = ()) -> tuple[str, ...]:
    """Return at most ``count`` newest lines, cleaned, redacted and cut, with pieces of long lines put together."""
    lines: deque[bytearray] = deque(maxlen=count)
    open_line = False
    for piece in (line[_TEXT:] for batch in stamped(chunks, terminal=terminal) for line in batch):
        if not open_line:
            lines.append(bytearray())
        if len(lines[-1]) < MOST_FRAME_BYTES:
            lines[-1] += piece[:MOST_FRAME_BYTES]
        open_line = not piece.endswith(b"\n")
    shown = "\n".join(decode_line(trim_raw_line(bytes(line))) for line in lines)
    return tuple(_cut(line) for line in redact(shown, secrets).split("\n")) if lines else ()


def _cut(line: str) -> str:
    """Keep the beginning of a long line and its end, which hold what happened and where."""
    if len(line) <= MOST_LINE_CHARACTERS:
        return line
    end = MOST_LINE_CHARACTERS // 3
    return f"{line[: MOST_LINE_CHARACTERS - end - 3]} … {line[-end:]}"


def _moment(engine_time: str) -> datetime | None:
    try:
        return datetime.fromisoformat(engine_time).astimezone(UTC) if engine_time else None
    except ValueError:
        return None
