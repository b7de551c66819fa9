"""Every reader of outside data: it answers whatever comes or refuses in our words, in time linear in the length."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.settings import read_env_file
from tests.security.parsers import CUT_TEXTS, TEXTS, VALUES, tried
from tests.slack.hostile import NASTY

FEW = settings(max_examples=25, suppress_health_check=[*HealthCheck])

words = st.sampled_from(
    (
        *("firing", "resolved", "container", "buggy-app-v2", "name=", "status", "<!channel>", "<@U1>", "`", "*", "```"),
        *("[FIRING:1]", "{", "}", "[", "]", '"', ":", ",", "\\", "\n", "\r\n", "\x00", "\ud800", "\u202e", "\x1b[31m"),
        *("http://", "https://u:p@h:99999/", "password=", "Bearer ", "-----BEGIN PRIVATE KEY-----", "xoxb-1-", "eyJ"),
        *("root_cause", "restart", "confidence", "NaN", "1e999", "-0", "9" * 400, "2026-11-22T10:00:00.123456789Z"),
        *("diagnose", "runbook", "U0ONCALL", "S0OPS", "*", "=", "://", "%00", "..", "/", "ERROR ", "Traceback", "٣"),
    )
)
texts = st.one_of(st.lists(words, max_size=30).map("".join), st.text(max_size=200), st.sampled_from(NASTY))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.integers(10**300, 10**301)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    (
                        *(
                            "text",
                            "type",
                            "value",
                            "fields",
                            "elements",
                            "title",
                            "Status",
                            "Labels",
                            "labels",
                            "status",
                        ),
                        *(
                            "Health",
                            "Log",
                            "Names",
                            "Ports",
                            "Actor",
                            "Attributes",
                            "usage",
                            "limit",
                            "root_cause",
                            "lines",
                        ),
                    )
                ),
                texts,
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("reader", (TEXTS | CUT_TEXTS).values(), ids=TEXTS | CUT_TEXTS)
def test_no_text_makes_a_reader_fail(reader: Callable[[str], Any]) -> None:
    @FEW
    @given(texts)
    def read(text: str) -> None:
        tried(reader, text)

    read()


@pytest.mark.parametrize("reader", VALUES.values(), ids=VALUES)
def test_no_json_makes_a_reader_fail(reader: Callable[[Any], Any]) -> None:
    @FEW
    @given(values)
    def read(value: Any) -> None:
        tried(reader, value)

    read()


@pytest.mark.parametrize("reader", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("depth", [200, 900])
def test_no_nesting_is_too_deep(reader: Callable[[Any], Any], depth: int) -> None:
    nested: Any = "x"
    for level in range(depth):
        nested = [nested] if level % 2 else {"text": nested, "elements": nested if level < 3 else None}
    tried(reader, nested)


@FEW
@given(st.binary(max_size=300) | texts.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_env_file_makes_the_start_fail_without_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_bytes(data)
    tried(read_env_file, path)


SHAPES: dict[str, Callable[[int], str]] = {
    "one word": lambda length: "a" * length,
    "blanks": lambda length: " " * length,
    "log lines": lambda length: "ERROR it failed at 10:02:11 user=42\n" * (length // 36),
    "open marks": lambda length: "<{[(" * (length // 4),
    "secrets begun": lambda length: "password=" * (length // 9),
    "addresses": lambda length: "http://a:b@" * (length // 11),
    "settings": lambda length: "a=http://b/," * (length // 12),
    "escapes": lambda length: '\\"' * (length // 2),
    "key headers": lambda length: "-----BEGIN " * (length // 11),
    "tokens": lambda length: "eyJhbGci." * (length // 9),
}
"""What regular expressions and loops within loops stumble over."""

MEGABYTE = 1_000_000


def seconds(reader: Callable[[str], Any], text: str) -> float:
    before = time.process_time()
    tried(reader, text)
    return time.process_time() - before


@pytest.mark.slow
@pytest.mark.parametrize("reader", TEXTS.values(), ids=TEXTS)
def test_a_megabyte_is_read_in_time_that_grows_with_its_length(reader: Callable[[str], Any]) -> None:
    """Sixteen times the length may take thrice sixteen times as long; what takes no time at all is not measured."""
    for shape, text in SHAPES.items():
        tries: list[float] = []
        while seconds(reader, text(MEGABYTE)) > 1.0 and len(tries) < 3:
            short = seconds(reader, text(MEGABYTE // 16))
            tries.append(seconds(reader, text(MEGABYTE)) / short)
            if tries[-1] < 48:
                break
        else:
            assert len(tries) < 3, f"{shape}: {tries} times as long"


@pytest.mark.slow
@pytest.mark.parametrize("reader", TEXTS.values(), ids=TEXTS)
def test_reading_takes_memory_in_proportion_to_the_length(reader: Callable[[str], Any]) -> None:
    text = SHAPES["log lines"](MEGABYTE // 8)
    tried(reader, text)  # what is made once, such as tables, is no part of it
    tracemalloc.start()
    try:
        tried(reader, text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(text) + 2 * MEGABYTE
