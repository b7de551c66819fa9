"""The head of the audit trail in the log: read in every form that the log takes, and never out of outside text."""

import json

import pytest

from bot.domain.audit.head import head_in, head_line

HASH = "2k0011aaff:" + "ab12" * 16
LINE = head_line(12, HASH)
TEXT = f"2026-11-22 10:04:31,123 INFO    bot.audit_head [-] {LINE}"
OBJECT = json.dumps({"time": "2026-11-22T10:04:31.123+00:00", "level": "INFO", "logger": "bot.audit_head",
                     "incident": "-", "message": LINE})  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        TEXT,
        f"{TEXT}\r\n",
        OBJECT,
        f"aegis-1  | {TEXT}",
        f"aegis-1  | {OBJECT}",
        f"Nov 22 10:04:31 host aegis[812]: {TEXT}",
        f"2026-11-22T10:04:31.123456789Z {TEXT}",
        json.dumps({"log": f"{TEXT}\n", "stream": "stderr"}),
        json.dumps({"log": f"{OBJECT}\n", "stream": "stderr"}),
    ],
)
def test_the_head_is_read_in_every_form_of_the_log(line: str) -> None:
    assert head_in(line) == (12, HASH)


@pytest.mark.parametrize("written", ["ab12" * 16, "2:" + "ab12" * 16])
def test_the_heads_of_every_rule_are_read(written: str) -> None:
    assert head_in(TEXT.replace(HASH, written)) == (12, written)


@pytest.mark.parametrize(
    "line",
    [
        "",
        LINE,
        TEXT.replace("bot.audit_head", "bot.incidents.intake"),
        f"2026-11-22 10:04:31,123 WARNING bot.incidents.intake [inc-1] its title: {TEXT}",
        f"  [inc-1] {TEXT}",
        f"aegis-1  |   [inc-1] {TEXT}",
        TEXT.replace("[-] ", "[-] its title: "),
        f"{TEXT} and more",
        OBJECT.replace("bot.audit_head", "bot.incidents.intake"),
        json.dumps({"logger": "bot.incidents.intake", "message": TEXT, "log": OBJECT}),
        "[" * 5000,
        '{"log": ' * 5000,
        head_line(0, ""),
        TEXT.replace(LINE, head_line(0, "")),
        TEXT.replace("ab12ab12", "ab12ab1"),
    ],
)
def test_outside_text_that_looks_like_a_head_is_none(line: str) -> None:
    assert head_in(line) is None
