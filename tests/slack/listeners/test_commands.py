import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.listeners.commands import MOST_QUESTION_CHARACTERS, Ask, Verb, parse_command, plain


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("diagnose buggy-app-v2", Ask(Verb.DIAGNOSE, "buggy-app-v2")),
        ("  DIAGNOSE\t `buggy-app-v2` ", Ask(Verb.DIAGNOSE, "buggy-app-v2")),
        ("diagnose <http://shop.example|shop.example>", Ask(Verb.DIAGNOSE, "shop.example")),
        ("diagnose <http://shop.example>", Ask(Verb.DIAGNOSE, "shop.example")),
        ("diagnose", Ask(Verb.DIAGNOSE)),
        ("status", Ask(Verb.STATUS)),
        ("history", Ask(Verb.HISTORY)),
        ("history shop_api_1", Ask(Verb.HISTORY, "shop_api_1")),
        ("runbook QueuePool &lt;n&gt; &amp; timeout", Ask(Verb.RUNBOOK, "QueuePool <n> & timeout")),
        ("help", Ask(Verb.HELP)),
        ("", Ask(Verb.HELP)),
    ],
)
def test_what_is_asked_is_understood(said: str, asked: Ask) -> None:
    assert parse_command(said) == asked


@pytest.mark.parametrize(
    "said",
    [
        "restart buggy-app-v2",
        "diagnose buggy app",
        "diagnose <@U0ONCALL>",
        "diagnose <!channel>",
        "diagnose ../prod-db",
        "diagnose buggy-app-v2; rm -rf /",
        "runbook",
        "x" * 4000,
        "diagnose " + "a" * 4000,
    ],
)
def test_what_cannot_be_done_is_said_and_not_done(said: str) -> None:
    asked = parse_command(said)
    assert asked.trouble
    assert not asked.words
    assert len(asked.trouble) < 200


def test_markup_is_unescaped_once_only() -> None:
    assert plain("&amp;lt;b&amp;gt;") == "&lt;b&gt;"


@given(st.text(max_size=MOST_QUESTION_CHARACTERS * 2))
def test_no_text_raises_and_a_name_is_always_a_name(said: str) -> None:
    asked = parse_command("diagnose " + said)
    assert asked.verb in (Verb.DIAGNOSE, Verb.HELP)
    assert asked.trouble or asked.words == "" or asked.words.isascii()
