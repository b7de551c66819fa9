"""What reads, redacts, diagnoses or shows outside text takes time in proportion to the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.security.parsers import CUT_TEXTS, TEXTS, tried
from tests.support import linear

UNITS = (
    "a", "A", "1", " ", "\n", "\t", "é", "語", "😀", "\u200b", "\x1b[31m",
    "-", "_", ".", "/", ":", "=", "`", "*", "<", "&lt;", "{", "[", "(", '"', "\\", "|", "@", "%", ",",
    "a ", "a\n", "a.", "a-", "a/", "a:", "a=", "a_1", "1.", "a: b, ", "a=b ", "a=b\n", "k: v\n", "\r\n", " \n",
    "password=", "Bearer ", "eyJhbGci.", "AKIA", "-----BEGIN ", "xoxb-1-", "http://a:b@", "https://", "://", "a:b@",
    "[FIRING:1] ", "resolved ", "container: ", "*name:* ", "<http://a|b> ", "<!here> ", "ERROR ", "is down ",
    "error: failed to connect to ", "2026-11-22T10:02:11Z ERROR ", '{"level":"error",', '"a":{', 'name="a",',
    "at a.b(c:1)\n", "Traceback (most recent call last):\n", "exit code 137 ", "&amp;",
    "a b c: ", "(a) [b] ", "' ", "``` ",
)  # fmt: skip
"""What is repeated to make a hostile text."""

LINES: dict[str, Callable[[int], str]] = {
    "one long line behind short ones": lambda size: "ERROR a\n" * 20 + "b" * size,
    "deep brackets": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "deep objects": lambda size: '{"a":' * (size // 6) + "1" + "}" * (size // 6),
    "different words": lambda size: " ".join(f"w{n}" for n in range(size // 6)),
    "different lines": lambda size: "\n".join(f"ERROR w{n} failed" for n in range(size // 18)),
    "different labels": lambda size: "\n".join(f"k{n}: v{n}" for n in range(size // 12)),
    "different addresses": lambda size: " ".join(f"http://h{n}.x/?token=t{n}" for n in range(size // 26)),
}

HOSTILE: dict[str, Callable[[int], str]] = {
    **{repr(unit): lambda size, unit=unit: linear.repeated(unit, size) for unit in UNITS},  # type: ignore[misc]
    **LINES,
}

FLOOR_S = 0.02
"""Reading a text of 24,000 characters in less than this delays nobody."""


@pytest.mark.slow
@pytest.mark.parametrize("reader", (TEXTS | CUT_TEXTS).values(), ids=TEXTS | CUT_TEXTS)
def test_a_reader_is_linear(reader: Callable[[str], Any]) -> None:
    tried(reader, "what is loaded and remembered once is not measured")

    def over(text: Callable[[int], str]) -> Callable[[int], Callable[[], object]]:
        def reading(size: int) -> Callable[[], object]:
            given = text(size)
            return lambda: tried(reader, given)

        return reading

    found = {name: took for name, text in HOSTILE.items() if (took := linear.growth(over(text), FLOOR_S))}
    assert not found
