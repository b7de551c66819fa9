import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.redaction.canonical import canonical
from bot.domain.redaction.redact import redact
from bot.domain.unseen import UNSEEN as CLASS

TOKEN = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
UNSEEN = [
    *(
        char
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(char := chr(code)) == "Cf" and char not in "\u0600\u0601\u0602\u0603\u0604\u0605"
        if code not in (0x6DD, 0x70F, 0x8E2, 0x110BD, 0x110CD)
    ),
    *"\u034f\u115f\u1160\u3164\uffa0\u2800\ufe0f\U000e0100\x00\x08\x1f\x7f\x9f",
    *(
        "\x1b[31m",
        "\x1b[0;1m",
        "\x9b1m",
        "\x1b]8;;http://x\x07",
        "\udce2\udc80\udc8b",
        "\udb40\udc01",
        "\udce2\u200b\udc80\udc8b",
    ),
]


def test_a_token_with_anything_unseen_in_it_goes() -> None:
    left = [
        ascii(unseen)
        for unseen in UNSEEN
        if "[redacted:github-token]" not in redact(f"x {TOKEN[:14]}{unseen}{TOKEN[14:]} y")
    ]
    assert not left


@pytest.mark.parametrize("sign", ["=", "\uff1d", "\uff1a", "\u00a0=\u00a0", "\ufe66", "\u200b=", "=\u2060", ":\u3000"])
def test_a_sign_of_any_width_parts_a_name_from_its_value(sign: str) -> None:
    assert "Winter2026xx" not in redact(f"DB_PASSWORD{sign}Winter2026xx")


def test_a_secret_in_letters_of_another_form_goes() -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in TOKEN)
    assert redact(f"got {wide}") == "got [redacted:github-token]"


def test_a_setting_is_found_in_its_canonical_form() -> None:
    assert "x\u00a0secret" not in redact("a x\u00a0secret b", ["x\u00a0secret"])
    assert redact("a hun\u200bter2x b", ["hunter2x"]) == "a [redacted:setting] b"


@pytest.mark.parametrize(
    "text",
    [
        "Größe 5 µs, 20 °C, m², naïve, 3 × 4, “so” – …",
        "接続できません ошибка соединения خطا می\u200cخواهم",
        "👩\u200d🚀 done ⚠\ufe0f disk 1\ufe0f\u20e3 ❤\ufe0f\u200d🔥",
        "a\tb\r\nc\vd\u2028e",
    ],
)
def test_what_can_be_seen_stays(text: str) -> None:
    assert canonical(text) == text


@given(st.text(st.characters() | st.sampled_from("\u200d\ufe0f\x1b[m\u200b\uff1d\n"), max_size=60))
def test_the_form_is_final_and_keeps_the_lines(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    assert once.count("\n") == text.count("\n")


def test_the_set_for_other_patterns_holds_what_the_form_removes() -> None:
    known = re.compile(f"[{CLASS}]")
    left = [char for char in UNSEEN if len(char) == 1 and unicodedata.category(char) == "Cf" and not known.match(char)]
    assert [ascii(char) for char in left if char not in "\u200c\u200d"] == []
