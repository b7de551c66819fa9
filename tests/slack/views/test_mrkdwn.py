"""Outside text on its way into Slack."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.views import blocks, mrkdwn
from tests.slack.blockkit import check_markup, length
from tests.slack.hostile import NASTY, anything

CORPUS = [json.loads(row) for row in (Path(__file__).parents[2] / "corpus/slack_markup.jsonl").read_text().splitlines()]

PLACES: dict[str, Callable[[str], str]] = {
    "mrkdwn": mrkdwn.prose,
    "user_display_name": mrkdwn.line,
    "inline_code": mrkdwn.code,
    "header": lambda text: mrkdwn.plain(text, 150),
    "button": lambda text: mrkdwn.plain(text, 75),
    "option": lambda text: mrkdwn.plain(text, 75),
    "modal title": lambda text: mrkdwn.plain(text, 24),
    "plain_text": lambda text: mrkdwn.plain(text, 3000),
    "action_id": mrkdwn.identifier,
    "preformatted": mrkdwn.raw,
}


@pytest.mark.fault(62)
@pytest.mark.parametrize("row", CORPUS, ids=lambda row: row["id"])
def test_each_hostile_text_is_shown_harmlessly_where_it_stands(row: dict[str, Any]) -> None:
    shown = PLACES[row["where"]](row["text"])
    for banned in row["must_not_appear"]:
        assert banned not in shown
    for needed in row.get("must_appear", ()):
        assert needed in shown
    assert row.get("min_text", 1) <= len(shown) <= row.get("max_text", 3000)
    shown.encode()
    if row.get("must_verbatim"):
        assert blocks.text(shown).to_dict()["verbatim"] is True


@given(anything)
def test_escaped_text_means_nothing_to_slack(text: str) -> None:
    for escaped in (mrkdwn.escape(text), mrkdwn.prose(text), mrkdwn.line(text), mrkdwn.code(text)):
        check_markup(escaped)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1).filter(str.strip))
def test_escaping_once_can_be_undone_once(text: str) -> None:
    shown = mrkdwn.escape(text)
    if shown != mrkdwn.DASH:
        assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == mrkdwn.strip_invisible(text)


def test_what_is_escaped_already_is_escaped_again_so_that_it_reads_as_it_was_written() -> None:
    assert mrkdwn.escape("&lt;!here&gt;") == "&amp;lt;!here&amp;gt;"


@given(anything, st.integers(2, 400))
def test_clipping_keeps_the_limit_and_cuts_no_entity(text: str, limit: int) -> None:
    for made in (mrkdwn.prose, mrkdwn.line, mrkdwn.plain, mrkdwn.raw, mrkdwn.raw_line):
        assert 1 <= length(made(text, limit)) <= limit
    check_markup(mrkdwn.clip(mrkdwn.escape(text), limit))


@given(
    st.lists(st.sampled_from(("<@U0ONCALL>", "&amp;", "a", "语", "👩‍👩‍👧")), max_size=60).map("".join),
    st.integers(4, 120),
)
def test_clipping_cuts_no_mention(text: str, limit: int) -> None:
    check_markup(mrkdwn.clip(text, limit) or "–")
    by_bytes = mrkdwn.clip_bytes(text, limit)
    check_markup(by_bytes or "–")
    assert len(by_bytes.encode()) <= limit


def test_clipping_says_that_something_is_missing() -> None:
    assert mrkdwn.clip("a&amp;b", 7) == "a&amp;b"
    assert mrkdwn.clip("a&amp;bc", 7) == "a&amp;…"
    assert mrkdwn.clip("a&amp;bc", 6) == "a…"
    assert mrkdwn.clip("aa <@U0ONCALL>", 10) == "aa…"
    assert mrkdwn.clip("👍👍👍", 4) == "👍…"


@given(st.text(st.characters(categories=["Cc", "Cs"])))
def test_control_characters_and_half_characters_are_gone(text: str) -> None:
    assert not [
        sign
        for sign in mrkdwn.strip_invisible(text)
        if sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cs")
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bad \ud800 half", "bad \ufffd half"),
        ("\ud83d\udc40 joined", "👀 joined"),
        ("caf\udcc3\udca9 \udcff", "café \ufffd"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;never ends", "0;never ends"),
        ("nul\x00 in\x07 it", "nul in it"),
        ("a\u202egnp.exe\u2066b", "agnp.exeb"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("👩‍👩‍👧 می‌خواهم", "👩‍👩‍👧 می‌خواهم"),
    ],
)
def test_what_cannot_be_sent_or_seen_is_cleaned(text: str, shown: str) -> None:
    assert mrkdwn.strip_invisible(text) == shown


@pytest.mark.parametrize("text", ["", " ", "   \n\t ", "\u200b", "\u2003\u200d", "\u3164", "\x00", "\x1b[0m"])
def test_nothing_to_see_becomes_a_dash(text: str) -> None:
    for made in (mrkdwn.escape, mrkdwn.prose, mrkdwn.line, mrkdwn.raw, mrkdwn.identifier):
        assert made(text) == "–"
    assert mrkdwn.code(text) == "`–`"


@given(anything)
def test_inline_code_has_only_its_own_backticks(text: str) -> None:
    shown = mrkdwn.code(text)
    assert shown.count("`") == 2
    assert shown[0] == shown[-1] == "`"
    assert "\n" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _it_ ~gone~ `code`", "∗bold∗ ˍitˍ ∼gone∼ 'code'"),
        ("rm *.log in my_app_v2 at 10:02:11, 3 * 4", "rm ∗.log in my_app_v2 at 10:02:11, 3 * 4"),
        ("```\nblock\n```", "'''\nblock\n'''"),
        (":rotating_light: a:b", "∶rotating_light: a:b"),
    ],
)
def test_text_brings_no_format_of_its_own(text: str, shown: str) -> None:
    assert mrkdwn.prose(text) == shown


@pytest.mark.parametrize(
    ("id_", "shown"),
    [
        ("U0ONCALL", "<@U0ONCALL>"),
        ("W1", "<@W1>"),
        ("S0OPS", "<!subteam^S0OPS>"),
        ("U1\n", "`U1`"),
        ("U1> <!here", "`U1&gt; &lt;!here`"),
        ("u1", "`u1`"),
        ("C1", "`C1`"),
        ("here", "`here`"),
        ("U", "`U`"),
        ("Ü1", "`Ü1`"),
        ("U１", "`U１`"),
        ("*", "`*`"),
        ("", "`–`"),
    ],
)
def test_only_an_id_becomes_a_mention(id_: str, shown: str) -> None:
    assert mrkdwn.mention(id_) == shown


def test_a_date_is_shown_in_the_readers_zone_and_has_a_fallback() -> None:
    at = datetime(2026, 11, 22, 10, 4, 31, tzinfo=UTC)
    assert mrkdwn.date(at) == "<!date^1795341871^{date_short_pretty} {time}|2026-11-22 10:04 UTC>"
    check_markup(mrkdwn.date(at))


def test_a_long_hostile_line_is_cleaned_in_linear_time() -> None:
    for text in (
        "\x1b]" * 200_000,
        "\x1b[" * 200_000,
        "*_~:" * 100_000,
        "\x9b;" * 200_000,
        ":a" * 200_000,
        ":" + "a" * 200_000,
    ):
        assert length(mrkdwn.prose(text)) <= 3000


def test_the_lines_of_a_stack_trace_keep_their_indentation() -> None:
    assert mrkdwn.raw_line("\tat shop.Pool.take(Pool.java:41)\r\n") == "  at shop.Pool.take(Pool.java:41)"


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_a_log_line_stays_on_its_line(text: str) -> None:
    assert "\n" not in mrkdwn.raw_line(text)
    assert "\n" not in mrkdwn.plain(text, 150)
