"""The log of a container, split and stored as json-file does."""

from __future__ import annotations

import struct
import time
from collections.abc import AsyncIterator, Callable, Set
from dataclasses import dataclass

from bot.playground.engine.errors import format_time

PIECE_BYTES = 16 * 1024
"""Bytes after which a line is cut into pieces (moby: daemon/logger/copier.go)."""
LOG_LIMIT_BYTES = 32 * 1024 * 1024
"""Bytes kept of one container's log, the oldest dropped first, as with json-file's ``max-size``."""
BOTH_STREAMS = frozenset({1, 2})
_BATCH_LINES = 500
_HEADER = struct.Struct(">BxxxL")


@dataclass(frozen=True, slots=True)
class Line:
    """A line or a piece of a long one: when it was read (nanoseconds since 1970), from which stream, and what."""

    at: int
    stream: int
    text: bytes

    def framed(self, *, timestamps: bool) -> bytes:
        """Return it as the API sends it, with the frame of 8 bytes."""
        text = format_time(self.at, fixed=True).encode() + b" " + self.text if timestamps else self.text
        return _HEADER.pack(self.stream, len(text)) + text


class Log:
    """The log of one container over all its runs."""

    def __init__(self, *, now: Callable[[], int] = time.time_ns, limit: int = LOG_LIMIT_BYTES) -> None:
        self._now = now
        self._limit_bytes = limit
        self._lines: list[Line] = []
        self._bytes = 0
        self._dropped = 0
        self._rest: dict[int, bytes] = {}

    def feed(self, stream: int, data: bytes) -> None:
        """Take what a process wrote to standard output (1) or standard error (2)."""
        *lines, rest = (self._rest.get(stream, b"") + data).split(b"\n")
        for line in lines:
            self._add(stream, line + b"\n")
        while len(rest) >= PIECE_BYTES:
            self._keep(stream, rest[:PIECE_BYTES])
            rest = rest[PIECE_BYTES:]
        self._rest[stream] = rest

    def end(self) -> None:
        """Note that the run has ended; a line without an end is one too."""
        for stream, rest in self._rest.items():
            if rest:
                self._add(stream, rest)
        self._rest.clear()

    async def read(self, streams: Set[int] = BOTH_STREAMS, tail: int | None = None) -> AsyncIterator[list[Line]]:
        """Yield what is there, many lines at once; ``tail`` counts the lines of both streams, ``None`` is all."""
        at, end = self._dropped, self._dropped + len(self._lines)
        if tail is not None:
            at = max(at, end - tail)
        while at < end:
            at = max(at, self._dropped)
            some = self._lines[at - self._dropped : end - self._dropped][:_BATCH_LINES]
            at += max(1, len(some))
            fits = [line for line in some if line.stream in streams]
            if fits:
                yield fits

    def _add(self, stream: int, line: bytes) -> None:
        while len(line) > PIECE_BYTES:
            self._keep(stream, line[:PIECE_BYTES])
            line = line[PIECE_BYTES:]
        self._keep(stream, line)

    def _keep(self, stream: int, text: bytes) -> None:
        # json-file can hold valid UTF-8 only, and writes U+FFFD for each byte that is none.
        text = text.decode("utf-8", "surrogateescape").translate(_NO_CHARACTERS).encode()
        self._lines.append(Line(self._now(), stream, text))
        self._bytes += len(text)
        if self._bytes > self._limit_bytes:
            gone = max(1, len(self._lines) // 10)
            self._bytes -= sum(len(line.text) for line in self._lines[:gone])
            del self._lines[:gone]
            self._dropped += gone


_NO_CHARACTERS = dict.fromkeys(range(0xDC80, 0xDD00), "\N{REPLACEMENT CHARACTER}")
