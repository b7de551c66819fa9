"""A log stream cut anywhere -> lines of two runs, their digest, and the newest lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.docker.logs import (
    TAIL_LINES,
    LogReading,
    frames,
    newest,
    present_run,
    read_tail,
    read_whole,
    stamp,
    stamped,
)
from bot.domain.evidence import Facts, LogDigest
from bot.errors import EngineTimeout
from tests.adapters.docker.test_inspection import look

FACTS = look()


def at(second: float) -> bytes:
    return stamp(datetime.fromtimestamp(1_795_341_600 + second, UTC))  # 2026-11-22T10:00:00Z


def frame(text: bytes, second: float = 1.0, stream: int = 1) -> bytes:
    body = at(second) + b" " + text
    return bytes([stream, 0, 0, 0]) + len(body).to_bytes(4, "big") + body


def never() -> bool:
    return False


def tail(log: Log, facts: Facts = FACTS) -> tuple[LogDigest, LogReading]:
    return read_tail(log, facts, terminal=False)


def whole(log: Log, facts: Facts = FACTS, enough: Callable[[], bool] = never) -> tuple[LogDigest, LogReading]:
    return read_whole(log, facts, terminal=False, enough=enough)


class Log:
    """A log that can be opened as the engine's: a tail of so many frames, or all of it."""

    def __init__(self, parts: list[bytes], breaks_after: int | None = None) -> None:
        self.parts = parts
        self.breaks_after = breaks_after
        self.opened: list[int | str] = []

    def __call__(self, tail: int | str) -> Iterator[bytes]:
        self.opened.append(tail)
        if isinstance(tail, int):
            yield from self.parts[-tail:]
            return
        yield from self.parts[: self.breaks_after]
        if self.breaks_after is not None:
            raise EngineTimeout("the engine fell silent")


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(1, 50))
def test_frames_come_out_as_they_went_in_wherever_the_stream_is_cut(bodies: list[bytes], size: int) -> None:
    stream = b"".join(b"\x02\0\0\0" + len(body).to_bytes(4, "big") + body for body in bodies)
    assert [body for batch in frames(cut(stream, size)) for body in batch] == bodies


@given(st.binary(max_size=2000), st.booleans())
def test_any_bytes_are_read_without_an_error(junk: bytes, terminal: bool) -> None:
    assert b"".join(line[31:] for batch in stamped([junk], terminal=True) for line in batch).count(b"\n") <= junk.count(
        b"\n"
    )
    list(stamped([junk], terminal=terminal))
    newest([junk], 10, terminal=terminal)


def cut(stream: bytes, size: int) -> Iterable[bytes]:
    return (stream[start : start + size] for start in range(0, len(stream), size))


def test_a_frame_longer_than_any_line_is_cut_and_the_next_is_found() -> None:
    long = b"\x01\0\0\0" + (300_000).to_bytes(4, "big") + b"x" * 300_000
    out = [body for batch in frames(cut(long + frame(b"after\n"), 1000)) for body in batch]
    assert len(out[0]) == 65_536
    assert out[1].endswith(b"after\n")


def test_a_line_in_pieces_is_one_line_and_its_times_are_gone() -> None:
    stream = frame(b"A" * 3000) + frame(b"B" * 800) + frame(b" end\n") + frame(b"next\n")
    assert [line[-4:] for line in newest([stream], 10, terminal=False)] == [" end", "next"]


def test_a_terminals_log_has_no_frames_and_loses_its_carriage_returns() -> None:
    stream = b"".join(at(1) + b" \x1b[32m" + line + b"\x1b[0m\r\n" for line in (b"one", b"two"))
    assert newest(cut(stream, 7), 10, terminal=True) == ("one", "two")


def test_another_time_zone_is_understood() -> None:
    ((line,),) = stamped([b"2026-11-22T11:00:01.500000000+01:00 hello\n"], terminal=True)
    assert line == b"2026-11-22T10:00:01.500000000Z hello\n"


@pytest.mark.fault(64)
def test_the_two_runs_are_told_apart_with_the_border_marked() -> None:
    # The first line of a run can be older than its start by the engine's account, the last one younger than its end.
    facts = replace(FACTS, started_at="2026-11-22T10:00:10Z", finished_at="2026-11-22T10:00:05.000000001Z")
    log = Log([frame(b"ERROR old\n", 4.9), frame(b"FATAL last of old\n", 5.01), frame(b"INFO first of new\n", 9.998)])
    digest, reading = tail(log, facts)
    assert [(line.number, line.text, line.boundary) for line in digest.lines] == [
        (1, "ERROR old", False),
        (2, "FATAL last of old", False),
        (3, "INFO first of new", True),
    ]
    assert (reading.lines, reading.this_run, reading.whole) == (3, 1, True)
    assert [line.earlier for line in digest.lines] == [True, True, False]
    assert digest.last_at.startswith("2026-11-22T10:00:09.99")


def test_a_run_that_has_said_nothing_yet_is_told() -> None:
    facts = replace(FACTS, started_at="2026-11-22T10:00:10Z", finished_at="2026-11-22T10:00:05Z")
    digest, reading = tail(Log([frame(b"ERROR old\n", 4.9)]), facts)
    assert [(line.text, line.earlier) for line in digest.lines] == [("ERROR old", True)]
    assert reading.this_run == 0


@pytest.mark.parametrize(
    ("started", "finished", "border"),
    [
        ("", "", b""),
        ("2026-11-22T10:00:10Z", "", at(9.95)),
        ("2026-11-22T10:00:10Z", "2026-11-22T10:00:11Z", at(9.95)),
        ("2026-11-22T10:00:10.123456789Z", "2026-11-22T10:00:00Z", b"2026-11-22T10:00:09.123456000Z"),
        ("2026-11-22T10:00:10Z", "2026-11-22T10:00:09.8Z", at(9.9)),
        ("nonsense", "", b""),
    ],
)
def test_the_border_lies_between_end_and_start(started: str, finished: str, border: bytes) -> None:
    assert present_run(replace(FACTS, started_at=started, finished_at=finished)) == border


def test_a_run_that_ended_at_once_keeps_its_lines_although_the_engine_tells_its_end_before_its_start() -> None:
    facts = replace(FACTS, running=False, started_at="2026-11-22T10:00:10.002Z", finished_at="2026-11-22T10:00:10.001Z")
    assert present_run(facts) == at(9.952)


def test_a_long_log_is_read_newest_first_and_whole_on_request() -> None:
    short = Log([frame(b"INFO a\n")])
    digest, reading = tail(short)
    assert (digest.partial, reading.whole, short.opened) == (False, True, [TAIL_LINES])
    parts = [frame(b"WARN credentials were exchanged\n"), *[frame(b"INFO tick\n")] * (TAIL_LINES + 5)]
    digest, reading = tail(Log(parts))
    assert (digest.partial, reading.whole, digest.total_lines) == (True, False, TAIL_LINES)
    digest, reading = whole(log := Log(parts))
    assert (digest.partial, reading.whole, digest.total_lines, log.opened) == (False, True, TAIL_LINES + 6, ["all"])
    assert digest.lines[0].text == "WARN credentials were exchanged"


def test_a_log_that_cannot_be_read_in_time_keeps_its_beginning_and_its_end() -> None:
    parts = [frame(b"INFO the very first\n", 1)]
    parts += [frame(b"INFO tick %d\n" % n, 2 + n / 1000) for n in range(TAIL_LINES * 2)]
    parts += [frame(b"FATAL the very last\n", 100)]
    for log, enough in ((Log(parts), iter([False, True]).__next__), (Log(parts, breaks_after=600), never)):
        digest, reading = whole(log, enough=enough)
        texts = [line.text for line in digest.lines]
        assert "INFO the very first" in texts
        assert "FATAL the very last" in texts
        assert not reading.whole
        assert TAIL_LINES < reading.lines < TAIL_LINES * 2


def test_lines_that_were_read_twice_count_once() -> None:
    parts = [frame(b"INFO tick %d\n" % n, 2 + n / 1000) for n in range(TAIL_LINES + 50)]
    _, reading = whole(Log(parts, breaks_after=TAIL_LINES + 10))
    assert reading.lines == TAIL_LINES + 50


def test_a_private_key_is_redacted_also_where_its_lines_are_apart() -> None:
    key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
    lines = [b"-----BEGIN PRIVATE KEY-----\n", key.encode() + b"\n", b"c2hvcnRsYXN0\n", b"-----END PRIVATE KEY-----\n"]
    log = [frame(line) for line in lines]
    digest, _ = tail(Log(log))
    shown = repr(digest) + repr(newest(log, 10, terminal=False))
    assert key not in shown
    assert "c2hvcnRsYXN0" not in shown


@pytest.mark.fault(62)
def test_binary_and_megabyte_lines_come_out_bounded_and_clean() -> None:
    pieces_of_one = [frame(b"\x00\xff\x1b[2J\x07" * 3000) for _ in range(400)]
    digest, _ = tail(Log([*pieces_of_one, frame(b"\n"), frame(b"INFO fine\n")]))
    text = "".join(line.text for line in digest.lines)
    assert "INFO fine" in text
    assert len(text) < 10_000
    assert not set(text) & set("\x00\x1b\x07")


def test_a_long_newest_line_keeps_its_beginning_and_its_end() -> None:
    (line,) = newest([frame(b"ERROR begins " + b"x" * 2000 + b" ends here\n")], 1, terminal=False)
    assert len(line) == 600
    assert line.startswith("ERROR begins ")
    assert line.endswith(" ends here")


def test_only_as_many_newest_lines_as_asked_for() -> None:
    assert newest([frame(b"%d\n" % n) for n in range(50)], 3, terminal=False) == ("47", "48", "49")
    assert newest([], 3, terminal=False) == ()
