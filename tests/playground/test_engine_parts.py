"""The engine's parts without processes: times, names of signals, logs, events, pauses, filters."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.engine.containers.config import RestartPolicy, read
from bot.playground.engine.containers.events import EVENTS_REMEMBERED, EngineEvents
from bot.playground.engine.containers.image import ProcessImage, find
from bot.playground.engine.containers.log import PIECE_BYTES, Line, Log
from bot.playground.engine.containers.registry import read_filters
from bot.playground.engine.containers.state import next_pause
from bot.playground.engine.errors import (
    NEVER_TIME,
    EngineRefusal,
    format_age,
    format_time,
    parse_nanoseconds,
    parse_switch,
)

SECOND = 10**9


# -- times ----------------------------------------------------------------------------------------------------------


@given(st.integers(min_value=1, max_value=4_000_000_000 * SECOND))
def test_a_moment_is_written_so_that_it_reads_back(at: int):
    for text in (format_time(at), format_time(at, fixed=True)):
        seen = datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00" if "." in text else text)
        assert seen == datetime.fromtimestamp(at // SECOND, UTC).replace(microsecond=at % SECOND // 1000)
    assert len(format_time(at, fixed=True)) == 30
    assert not format_time(at).endswith("0Z") or "." not in format_time(at)


def test_a_moment_that_never_was_is_gos_zero():
    assert format_time(0) == NEVER_TIME
    assert format_time(5 * SECOND) == "1970-01-01T00:00:05Z"


@given(st.integers(min_value=1, max_value=4_000_000_000), st.integers(min_value=0, max_value=SECOND - 1))
def test_seconds_with_a_fraction_are_read_exactly(seconds: int, rest: int):
    assert parse_nanoseconds(f"{seconds}.{rest:09d}") == seconds * SECOND + rest
    assert parse_nanoseconds(str(seconds)) == seconds * SECOND


def test_no_time_and_a_wrong_one():
    assert parse_nanoseconds("") is parse_nanoseconds("0") is None
    for wrong in ("abc", "1.x", "1e5"):
        with pytest.raises(EngineRefusal):
            parse_nanoseconds(wrong)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (61, "About a minute"),
        (300, "5 minutes"),
        (3700, "About an hour"),
        (5 * 3600, "5 hours"),
        (49 * 3600, "2 days"),
        (15 * 86400, "2 weeks"),
        (90 * 86400, "3 months"),
        (800 * 86400, "2 years"),
    ],
)
def test_how_long_ago_is_said_as_docker_says_it(seconds: int, words: str):
    assert format_age(time.time_ns() - seconds * SECOND - 1000) == words


def test_switches_are_read_as_docker_reads_them():
    assert [parse_switch(text) for text in ("1", "true", "abc", "True")] == [True] * 4
    assert [parse_switch(text) for text in ("", "0", "false", "no", "None", "False")] == [False] * 6


# -- policies -------------------------------------------------------------------------------------------------------


def test_pauses_double_from_a_tenth_to_a_minute_and_begin_anew_after_a_long_run():
    pauses = [0.0]
    for _ in range(12):
        pauses.append(next_pause(pauses[-1], lasted=0.5))
    assert pauses[1:6] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6])
    assert pauses[-1] == 60
    assert next_pause(60, lasted=10) == 0.1


@pytest.mark.parametrize(
    ("name", "most", "code", "count", "by_hand", "again"),
    [
        ("no", 0, 1, 0, False, False),
        ("", 0, 1, 0, False, False),
        ("always", 0, 0, 99, False, True),
        ("always", 0, 1, 0, True, False),
        ("unless-stopped", 0, 0, 5, False, True),
        ("unless-stopped", 0, 0, 5, True, False),
        ("on-failure", 0, 0, 0, False, False),
        ("on-failure", 0, 1, 99, False, True),
        ("on-failure", 3, 1, 2, False, True),
        ("on-failure", 3, 1, 3, False, False),
        ("on-failure", 0, 1, 0, True, False),
    ],
)
def test_a_policy_decides_by_exit_code_count_and_hand(
    name: str, most: int, code: int, count: int, by_hand: bool, again: bool
):
    assert RestartPolicy(name, most).again(code, count, by_hand=by_hand) is again


# -- logs -----------------------------------------------------------------------------------------------------------


async def told(log: Log, tail: int | None = None) -> list[Line]:
    return [line async for lines in log.read(tail=tail) for line in lines]


@given(st.lists(st.text(alphabet="ab\n", max_size=9).map(lambda text: text.replace("b", "b" * 5_000)), max_size=9))
def test_however_it_comes_in_a_log_is_the_same_lines(chunks: list[str]):
    whole, log, at_once = "".join(chunks).encode(), Log(), Log()
    for chunk in chunks:
        log.feed(1, chunk.encode())
    log.end()
    at_once.feed(1, whole)
    at_once.end()
    kept = [line.text for line in asyncio.run(told(log))]
    assert b"".join(kept) == whole
    assert kept == [line.text for line in asyncio.run(told(at_once))]
    assert all(0 < len(line) <= PIECE_BYTES for line in kept)
    assert all(b"\n" not in line[:-1] for line in kept)
    assert all(line.endswith(b"\n") or len(line) == PIECE_BYTES for line in kept[:-1])


async def test_the_oldest_lines_go_when_a_log_is_full():
    log = Log(limit=1000)
    for number in range(500):
        log.feed(1, f"line {number:03d}\n".encode())
    lines = await told(log)
    assert lines[-1].text == b"line 499\n"
    assert 80 <= len(lines) <= 112
    assert [line.text for line in await told(log, tail=2)] == [b"line 498\n", b"line 499\n"]


# -- events ---------------------------------------------------------------------------------------------------------


async def test_only_the_last_events_are_remembered():
    events = EngineEvents()
    for number in range(EVENTS_REMEMBERED + 10):
        events.emit("container", "start", f"{number}", {"name": "one"})
    past = [event async for event in events.read(1, time.time_ns(), {})]
    assert [event["id"] for event in past] == [str(number) for number in range(10, EVENTS_REMEMBERED + 10)]


async def test_who_stops_listening_is_forgotten():
    events = EngineEvents()
    listening = events.read(None, None, {})
    task = asyncio.ensure_future(anext(listening))
    await asyncio.sleep(0)
    assert events.listeners == 1
    events.emit("container", "start", "1", {})
    assert (await task)["Action"] == "start"
    await listening.aclose()  # type: ignore[attr-defined]
    assert events.listeners == 0


# -- orders ---------------------------------------------------------------------------------------------------------


def test_filters_are_read_in_both_forms():
    assert read_filters('{"name": ["a", "b"]}') == read_filters('{"name": {"a": true, "b": true}}')
    assert read_filters("") == {}


def test_an_image_is_found_by_tag_and_by_id():
    images = {"shop/any:1": ProcessImage(), "tool:latest": ProcessImage(argv=("tool",))}
    assert find(images, "tool") == find(images, "tool:latest") == ("tool:latest", images["tool:latest"])
    assert find(images, images["tool:latest"].id[:19])[0] == "tool:latest"
    with pytest.raises(EngineRefusal, match="No such image: shop/any:latest"):
        find(images, "shop/any")
    # A registry's port is no tag.
    with pytest.raises(EngineRefusal, match=r"No such image: localhost:5000/any:latest"):
        find(images, "localhost:5000/any")


def test_the_same_program_is_the_same_image():
    assert ProcessImage(argv=("a",)).id == ProcessImage(argv=("a",), created=1).id != ProcessImage(argv=("b",)).id


def test_a_command_line_of_words_is_run_by_a_shell():
    order = read({"Image": "x", "Cmd": "echo $HOME"}, ProcessImage())
    assert order.argv == ["/bin/sh", "-c", "echo $HOME"]
    assert order.command == "/bin/sh -c 'echo $HOME'"


def test_an_entrypoint_of_ones_own_drops_the_images_command():
    image = ProcessImage(argv=("tool",), command=("serve",))
    assert read({"Image": "x"}, image).argv == ["tool", "serve"]
    assert read({"Image": "x", "Cmd": ["check"]}, image).argv == ["tool", "check"]
    assert read({"Image": "x", "Entrypoint": ["sh"]}, image).argv == ["sh"]
