"""What a container wrote: split as the json-file driver splits it, kept over its runs, read as ``GET …/logs`` asks."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bot.playground.engine.errors import moment

PIECE = 16 * 1024
"""Bytes after which a line is cut into pieces (moby: daemon/logger/copier.go)."""
KEPT = 32 * 1024 * 1024
"""Bytes kept of one container's log, the oldest dropped first, as with json-file's ``max-size``."""
_AT_ONCE = 500
_HEADER = struct.Struct(">BxxxL")


@dataclass(frozen=True, slots=True)
class Line:
    """A line or a piece of a long one: when it was read (nanoseconds since 1970), from which stream, and what."""

    at: int
    stream: int
    text: bytes

    def framed(self, *, terminal: bool, timestamps: bool) -> bytes:
        """Return it as the API sends it: with the frame of 8 bytes, but bare from a terminal."""
        text = moment(self.at, fixed=True).encode() + b" " + self.text if timestamps else self.text
        return text if terminal else _HEADER.pack(self.stream, len(text)) + text


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a log is asked for. ``tail`` counts the lines of both streams; ``None`` is all."""

    streams: frozenset[int] = frozenset({1, 2})
    tail: int | None = None
    since: int | None = None
    until: int | None = None
    follow: bool = False

    def fits(self, line: Line) -> bool:
        """Say whether a line is of a stream and time that are asked for."""
        young = self.since is None or line.at >= self.since
        return young and (self.until is None or line.at <= self.until) and line.stream in self.streams


class Log:
    """The log of one container over all its runs."""

    def __init__(self, *, now: Callable[[], int] = time.time_ns, kept: int = KEPT) -> None:
        self._now = now
        self._kept = kept
        self._lines: list[Line] = []
        self._bytes = 0
        self._dropped = 0
        self._rest: dict[int, bytes] = {}
        self._run = 0
        self._writing = False
        self._news = asyncio.Event()

    def begin(self) -> None:
        """Note that a run begins, and who follows has something to wait for."""
        self._run += 1
        self._writing = True

    def feed(self, stream: int, data: bytes) -> None:
        """Take what a process wrote to standard output (1) or standard error (2)."""
        *lines, rest = (self._rest.get(stream, b"") + data).split(b"\n")
        for line in lines:
            self._add(stream, line + b"\n")
        while len(rest) >= PIECE:
            self._keep(stream, rest[:PIECE])
            rest = rest[PIECE:]
        self._rest[stream] = rest
        self._tell()

    def end(self) -> None:
        """Note that the run has ended; a line without an end is one too. Followers get what is left, then their end."""
        for stream, rest in self._rest.items():
            if rest:
                self._add(stream, rest)
        self._rest.clear()
        self._writing = False
        self._tell()

    async def read(self, wanted: Wanted) -> AsyncIterator[list[Line]]:
        """Yield the lines that are wanted, many at once; with ``follow`` until the run ends, or until ``until``."""
        run, writing = self._run, self._writing
        at = self._dropped
        if wanted.tail is not None:
            at = max(at, self._dropped + len(self._lines) - wanted.tail)
        while True:
            news = self._news
            at = max(at, self._dropped)
            some = self._lines[at - self._dropped :][:_AT_ONCE]
            at += len(some)
            fits = [line for line in some if wanted.fits(line)]
            if fits:
                yield fits
            if some:
                if wanted.until is not None and some[-1].at > wanted.until:
                    return
                continue
            ended = not writing or run != self._run or not self._writing
            if not wanted.follow or ended or not await self._wait(news, wanted.until):
                return

    async def _wait(self, news: asyncio.Event, until: int | None) -> bool:
        try:
            async with asyncio.timeout(None if until is None else (until - self._now()) / 1e9):
                await news.wait()
        except TimeoutError:
            return False
        return True

    def _add(self, stream: int, line: bytes) -> None:
        while len(line) > PIECE:
            self._keep(stream, line[:PIECE])
            line = line[PIECE:]
        self._keep(stream, line)

    def _keep(self, stream: int, text: bytes) -> None:
        # json-file can hold valid UTF-8 only, and writes U+FFFD for each byte that is none.
        text = text.decode("utf-8", "surrogateescape").translate(_NO_CHARACTERS).encode()
        self._lines.append(Line(self._now(), stream, text))
        self._bytes += len(text)
        if self._bytes > self._kept:
            gone = max(1, len(self._lines) // 10)
            self._bytes -= sum(len(line.text) for line in self._lines[:gone])
            del self._lines[:gone]
            self._dropped += gone

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


_NO_CHARACTERS = dict.fromkeys(range(0xDC80, 0xDD00), "\N{REPLACEMENT CHARACTER}")
