"""What shows nothing is the same for every reader and every view."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import pytest

from bot.domain.alerts.message import undo_links
from bot.domain.redaction.canonical import canonical
from bot.domain.text import collapse_whitespace, short_headline
from bot.slack.views.mrkdwn import strip_invisible

PLACES = [canonical, strip_invisible, undo_links, collapse_whitespace]
SEEN_FORMATS = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x8E2, 0x110BD, 0x110CD}
UNSEEN = [
    *(
        char
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(char := chr(code)) == "Cf" and code not in SEEN_FORMATS
    ),
    *"\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe00\ufe0f\uffa0\U000e0100\x00\x08\x1f\x7f\x84",
]


@pytest.mark.parametrize("place", PLACES)
def test_what_shows_nothing_is_nowhere_kept_in_a_word(place: Callable[[str], str]) -> None:
    assert [ascii(char) for char in UNSEEN if place(f"to{char}ken") != "token"] == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f680 up",
        "\u26a0\ufe0f disk",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "1\ufe0f\u20e3 x",
    ],
)
def test_joined_signs_stay_joined(place: Callable[[str], str], text: str) -> None:
    assert place(text) == text


def test_a_headline_without_its_symbols_keeps_no_joiner() -> None:
    assert short_headline("\U0001f469\u200d\U0001f680 shop is down", 80) == "shop is down"
