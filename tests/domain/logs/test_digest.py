"""The log digest: what it keeps of logs of any format and length, and that nothing in a log breaks it."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.evidence import LogDigest, LogLine
from bot.domain.logs import digest as logdigest
from bot.domain.logs import scan
from bot.domain.logs.digest import digest_log, join_digests
from bot.domain.logs.line import SHOWN_CHARS, Level, clock_time, level_of, message_of
from tests.domain import log_cases

CORPUS = Path(__file__).parents[2] / "corpus" / "logs"
EXAMPLES = sorted(path.name.removesuffix(".json") for path in CORPUS.glob("*.json"))
TROUBLES = {trouble.name: trouble for trouble in log_cases.troubles()}


def text(log: LogDigest) -> str:
    return "\n".join(line.text for line in log.lines)


def of(*lines: str, budget: int = 8_000) -> LogDigest:
    return digest_log(["\n".join(lines).encode() + b"\n"], budget=budget)


def line_with(log: LogDigest, part: str) -> LogLine:
    return next(line for line in log.lines if part in line.text)


def quiet(count: int, start: int = 0) -> list[str]:
    return [
        f"10:{n // 60 % 60:02d}:{n % 60:02d} INFO served page {n} in {n % 70} ms" for n in range(start, start + count)
    ]


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("budget", [4_000, 8_000, 16_000])
def test_every_decisive_line_of_an_example_is_kept(name: str, budget: int) -> None:
    expected = json.loads((CORPUS / f"{name}.json").read_text(encoding="utf-8"))
    log = gzip.decompress((CORPUS / f"{name}.log.gz").read_bytes())
    found = digest_log([log], budget=budget)
    assert [part for part in expected["must_keep"] if part not in text(found)] == []
    assert sum(len(line.text) for line in found.lines) <= budget
    assert (found.total_lines, found.total_bytes) == (len(log.removesuffix(b"\n").split(b"\n")), len(log))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.slow
def test_decisive_lines_are_kept_in_thirty_formats_and_six_layouts(seed: int) -> None:
    lost = [
        case.name
        for case in log_cases.cases(seed, length=700)
        if any(p not in text(digest_log([case.log])) for p in case.keep)
    ]
    assert lost == []


@pytest.mark.parametrize("style", log_cases.STYLES)
@pytest.mark.slow
def test_a_quiet_line_long_before_its_flood_is_kept(style: str) -> None:
    quiet_change = replace(TROUBLES["endpoint_moved"], flood=())
    early = log_cases.make(quiet_change, style, "early", 5, length=6_000).log
    late = log_cases.make(TROUBLES["hikari_pool"], style, "early", 5, length=2_000).log
    assert "search-canary:9200" in text(digest_log([early, late]))


def test_a_flood_becomes_one_line_with_its_count_and_the_time_of_its_last() -> None:
    flood = [f"11:{n // 60:02d}:{n % 60:02d} ERROR pool of size 20 is empty, request {n} waits" for n in range(900)]
    found = of(*quiet(300), *flood)
    kept = [line for line in found.lines if "is empty" in line.text]
    assert len(kept) == 1
    assert (kept[0].number, kept[0].count, kept[0].until) == (301, 900, "11:14:59")
    assert kept[0].text == flood[0]


def test_the_same_message_of_several_loggers_is_one_line() -> None:
    said = [f"10:00:00 ERROR [app.{part}] cannot reach ledger {n}" for n in range(20) for part in ("api", "db", "web")]
    found = of(*quiet(200), *said)
    assert [line.count for line in found.lines if "ledger" in line.text] == [60]


def test_status_codes_that_differ_in_a_digit_are_kept_apart() -> None:
    def access(n: int, status: int) -> str:
        return f'10.0.0.{n % 9} - - [02/Jan/2026:10:00:{n % 60:02d} +0000] "GET /cart HTTP/1.1" {status} {n}'

    found = of(*(access(n, 200) for n in range(900)), *(access(n, 502) for n in range(200)))
    assert [(line.number, line.count) for line in found.lines if " 502 " in line.text] == [(901, 200)]


def test_numbers_and_ids_are_shown_as_they_were() -> None:
    odd = "10:00:00 ERROR order 7f3a9c21-0b1e-4c8f-9a55-1d2e3f4a5b6c lost at offset 918221"
    assert odd in text(of(*quiet(50), odd, *quiet(50)))


def test_a_stack_trace_is_kept_whole_once() -> None:
    trace = [
        "10:01:00 ERROR order failed",
        "java.lang.IllegalStateException: cart is closed",
        "\tat com.shop.Cart.add(Cart.java:61)",
        "\tat com.shop.Api.put(Api.java:12)",
        "Caused by: java.io.EOFException: stream ended",
        "\tat com.shop.Stream.read(Stream.java:5)",
    ]
    found = of(*quiet(300), *(line for _ in range(40) for line in [*trace, *quiet(3)]))
    for line in trace:
        kept = [one for one in found.lines if one.text == line.expandtabs(4)]
        assert [one.count for one in kept] == [40], line


def test_the_last_lines_before_the_end_are_kept() -> None:
    found = of(*quiet(2_000), "11:00:01 INFO got signal, closing doors", "11:00:02 INFO lights out")
    assert [line.text for line in found.lines][-2:] == [
        "11:00:01 INFO got signal, closing doors",
        "11:00:02 INFO lights out",
    ]


def test_the_last_lines_of_each_run_in_a_crash_loop_stay() -> None:
    run = ["INFO shop is starting up", "INFO reading settings", "INFO waiting for lease on shard nine"]
    found = of(*(line for n in range(50) for line in [*run, *quiet(n % 5, n * 7)]), budget=1_000)
    assert line_with(found, "waiting for lease").count == 50


def test_a_counter_that_only_grows_is_kept_with_how_far_it_came() -> None:
    def tick(n: int) -> str:
        return f"INFO open handles {100 + n * 9} of 65536"

    lines = [line for n in range(300) for line in [*quiet(9, n * 9), tick(n)]]
    found = of(*lines)
    assert tick(0) in text(found)
    assert tick(299) in text(found)


def test_a_calm_log_does_not_fill_the_budget() -> None:
    assert len(text(of(*quiet(5_000)))) < 1_000


def test_long_lines_keep_their_beginning_and_the_stretch_that_matters() -> None:
    filler = " ".join(["ordinary"] * 200)
    long = f"10:00:00 ERROR batch {filler} segment_checksum_differs {filler}"
    kept = line_with(of(*quiet(100), long, *(f"10:00:01 INFO {filler}" for _ in range(20))), "ERROR batch").text
    assert "segment_checksum_differs" in kept
    assert len(kept) <= SHOWN_CHARS


def test_controls_colours_and_bad_bytes_are_cleaned() -> None:
    found = digest_log([b"\x1b[31mERROR\x1b[0m caf\xe9\x00 \x07broke\xe2\x80\xae\r\n10%\r50%\r90% done\n"])
    assert [line.text for line in found.lines] == ["ERROR caf\ufffd broke", "90% done"]


@pytest.mark.parametrize(
    "log", [b"", b"\n\n", b"\x00\x00\n", b"x" * 3_000_000, b"[[" * 9_000, b'msg="' + b"\\" * 9_000]
)
def test_odd_logs_are_read(log: bytes) -> None:
    found = digest_log([log])
    assert found.total_bytes == len(log)
    assert sum(len(line.text) for line in found.lines) <= 8_000


@given(st.lists(st.binary(max_size=300), max_size=40), st.integers(0, 2_000))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_clean_bounded_digest_in_order(chunks: list[bytes], budget: int) -> None:
    found = digest_log(chunks, budget=budget)
    numbers = [line.number for line in found.lines]
    assert numbers == sorted(set(numbers))
    assert all(0 < number <= found.total_lines for number in numbers)
    assert sum(len(line.text) for line in found.lines) <= budget
    assert not any(sign in line.text for line in found.lines for sign in "\n\r\x00\x1b")


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_it_does_not_matter_where_the_blocks_are_cut(data: st.DataObject) -> None:
    log = log_cases.make(TROUBLES["import_error"], "python", "buried", 1, length=120).log
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=12)))
    parts = [log[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(log)], strict=True)]
    assert digest_log(parts) == digest_log([log])


def test_a_line_longer_than_a_block_is_one_line() -> None:
    found = digest_log([b"before\n", *[b"y" * 100_000] * 30, b"\nERROR after\n"])
    assert found.total_lines == 3
    assert line_with(found, "after").number == 3


@pytest.mark.slow
def test_memory_stays_bounded_where_every_line_is_new() -> None:
    words = ["".join(chr(103 + (n // 19**place) % 19) for place in range(6)) for n in range(60_000)]
    found = scan.scan_log(f"INFO {word} {word[::-1]} done\n".encode() for word in words)
    assert found.total == 60_000
    assert len(found.shapes) <= scan.SHAPES + 9_000


def test_the_loud_line_survives_where_every_line_is_new() -> None:
    words = ["".join(chr(103 + (n // 19**place) % 19) for place in range(6)) for n in range(30_000)]
    lines = [f"INFO {word} {word[::-1]} done" for word in words]
    lines.insert(20_000, "ERROR volume vanished while mounted")
    assert "volume vanished" in text(of(*lines))


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-01-02 10:00:00,123 WARNING [app] x", Level.WARN),
        ('{"level":50,"time":1763130006739,"msg":"x"}', Level.ERROR),
        ('{"t":1,"s":"E","msg":"x"}', Level.ERROR),
        ('{"severity":"CRITICAL","message":"x"}', Level.FATAL),
        ('time=1 level=warn msg="an error"', Level.WARN),
        ("E, [2026-01-02T10:00:00 #1] ERROR -- : x", Level.ERROR),
        ("E0102 10:00:00.000001       1 main.go:1] x", Level.ERROR),
        ("1:M 02 Jan 2026 10:00:00.000 # x", Level.WARN),
        ("2026/01/02 10:00:00 [emerg] 1#1: x", Level.FATAL),
        ("<11>Jan  2 10:00:00 host app: x", Level.ERROR),
        ("2026-01-02 10:00:00 UTC [9] LOG:  x", Level.INFO),
        ("fail: Shop.Api[3] x", Level.ERROR),
        ('1.2.3.4 - - [02/Jan/2026] "GET / HTTP/1.1" 502 9', Level.WARN),
        ("no error in self check", Level.NONE),
        ("registered ErrorHandler for /api", Level.NONE),
    ],
)
def test_levels_are_read_from_the_head_and_not_from_the_message(line: str, level: Level) -> None:
    assert level_of(line) is level


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[2026-03-05 04:11:40,857] ERROR [web-3] (1213, 'Deadlock found') (Main)", "(1213, 'Deadlock found') (Main)"),
        ("2026-01-02 10:00:00,1 ERROR app.Mail: smtplib.AuthError: (535, b'no')", "smtplib.AuthError: (535, b'no')"),
        ("2026-01-02 10:00:00.1  INFO 1 --- [exec-4] c.a.svc.Price : listening on :80", "listening on :80"),
        ("2026-01-02 10:00:00 | WARN | shop.web:run:14 - queue grows", "shop.web:run:14 - queue grows"),
        ('{"level":50,"msg":"it \\"broke\\"","pid":7}', 'it \\"broke\\"'),
        ("Jan  2 10:00:00 host app[12]: disk is full", "host app[12]: disk is full"),
        ("plain words", "plain words"),
    ],
)
def test_the_message_is_told_from_its_head(line: str, message: str) -> None:
    assert message_of(line) == message


@pytest.mark.parametrize(
    ("line", "clock"),
    [("2026-01-02T10:11:12.5Z x", "10:11:12"), ('{"time":1763130006739}', "14:20:06"), ("x 99:99:99", ""), ("x", "")],
)
def test_the_time_of_day_is_read(line: str, clock: str) -> None:
    assert clock_time(line) == clock


@pytest.mark.parametrize("word", ["a" * 90, "数据库连接" * 6, "aB" * 45, "ABCDE" * 18, "\ufffd" * 32])
@pytest.mark.parametrize("sign", ["@", "-x", "/", "!!", "\x00"])
def test_a_word_without_end_is_read_in_linear_time(word: str, sign: str) -> None:
    assert word in text(of("INFO up", f"ERROR {word}{sign}"))


def test_two_runs_are_joined_with_the_boundary_marked_and_numbers_going_on() -> None:
    joined = join_digests([of("ERROR first", "INFO bye"), of("INFO hello", "ERROR second")])
    assert [(line.number, line.text, line.boundary) for line in joined.lines] == [
        (1, "ERROR first", False),
        (2, "INFO bye", False),
        (3, "INFO hello", True),
        (4, "ERROR second", False),
    ]
    assert (joined.total_lines, joined.total_bytes) == (4, 45)


def test_joined_runs_share_the_budget_and_the_loud_lines_stay() -> None:
    before = of(*(f"ERROR {chr(97 + n) * 20} broke" if n == 3 else f"INFO {chr(97 + n) * 20} went" for n in range(20)))
    after = of(*(f"ERROR {chr(97 + n) * 20} broke" if n == 5 else f"INFO {chr(97 + n) * 20} went" for n in range(20)))
    joined = join_digests([before, after], budget=400)
    assert sum(len(line.text) for line in joined.lines) <= 400
    assert [line.number for line in joined.lines if line.text.startswith("ERROR")] == [4, 26]
    assert sum(line.boundary for line in joined.lines) == 1


@pytest.mark.parametrize("parts", [[], [LogDigest()], [LogDigest(), of("x")], [of("x"), LogDigest()]])
def test_runs_without_a_log_are_joined_too(parts: list[LogDigest]) -> None:
    assert logdigest.join_digests(parts).total_lines == sum(part.total_lines for part in parts)
