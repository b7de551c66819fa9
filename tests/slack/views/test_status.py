"""Answers to what is asked in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.incident import Incident, State
from bot.domain.runbook_entry import Precedent
from bot.slack.listeners.queries import Overview
from bot.slack.views import card
from tests.slack.blockkit import check_message
from tests.slack.hostile import anything, ids, incidents, many, names, precedents
from tests.slack.incidents import BY_STATE, PROPOSED

STANDING = Overview(
    live=(PROPOSED,),
    watched=("C0ALERTS", "C0OPS"),
    engine="Docker 29.1.0 on docker-7",
    model="gemini-3.5-flash-lite",
    memory="12 past incidents",
    allowlist=("buggy-app-v2",),
    approvers=("U0ONCALL", "S0OPS"),
    dry_run=False,
)

overviews = st.builds(
    Overview,
    live=many(incidents, 3),
    watched=many(names, 60),
    engine=anything,
    model=anything,
    memory=anything,
    allowlist=many(names, 60),
    approvers=many(ids, 30),
    dry_run=st.booleans(),
)


def test_help_names_every_command() -> None:
    message = card.help_text()
    check_message(message)
    for verb in ("diagnose NAME", "status", "history [NAME]", "runbook WORDS", "help"):
        assert f"`/aegis {verb}`" in message.text


def test_status_says_how_things_stand() -> None:
    text = card.overview(STANDING).text
    assert text.splitlines()[0] == "1 open incident"
    assert "*buggy-app-v2*: connection pool exhausted\nWaiting for a decision" in text
    assert "*Watched:* <#C0ALERTS>, <#C0OPS>" in text
    assert "*Approvers:* <@U0ONCALL>, <!subteam^S0OPS>" in text
    assert "*Engine:* Docker 29.1.0 on docker-7" in text
    assert "Dry run" not in text


def test_status_says_what_is_missing() -> None:
    bare = Overview((), (), "", "", "", (), (), dry_run=True)
    text = card.overview(bare).text
    assert "No open incident" in text
    assert "Dry run" in text
    assert "nothing (AEGIS_RESTART_ALLOWLIST is empty)" in text
    assert "nobody (AEGIS_APPROVERS is empty)" in text
    assert "*Watched:* every channel that Aegis is in" in text
    assert "none (diagnoses are rule-based)" in text


def test_everybody_is_said_in_words() -> None:
    text = card.overview(replace(STANDING, approvers=("*",), watched=("C0ALERTS", "C0OPS"))).text
    assert "*Approvers:* every member of <#C0ALERTS>, <#C0OPS>" in text


def test_history_says_what_happened_and_who_pressed() -> None:
    text = card.history([BY_STATE[State.RESOLVED], BY_STATE[State.IGNORED]]).text
    assert text.startswith("2 incidents, newest first\n")
    assert "Recovered in 7.4 s, <@U0ONCALL> pressed Restart" in text
    assert "Ignored, by <@U0NIGHT>" in text


def test_an_empty_history_is_said() -> None:
    assert card.history([]).text == "No incidents yet."


def test_a_long_history_is_cut_and_says_so() -> None:
    message = card.history([PROPOSED] * 70)
    check_message(message)
    assert "50 more are not shown." in str(message.blocks)


def test_the_runbook_answers_with_cause_action_and_outcome() -> None:
    text = card.recall("<pool>", PROPOSED.precedents).text
    assert "“&lt;pool&gt;”" in text
    assert "Pool exhausted by hung requests." in text
    assert "Action: restart; a restart fixed it" in text
    assert "same target, same error" in text


def test_a_runbook_without_an_answer_says_so() -> None:
    assert card.recall("dns", ()).text == "No past incident matches “dns”."


@settings(max_examples=50, deadline=None)
@given(overviews)
@pytest.mark.slow
def test_every_status_keeps_to_slacks_limits(standing: Overview) -> None:
    check_message(card.overview(standing))


@settings(max_examples=50, deadline=None)
@given(st.lists(incidents, max_size=4), anything, precedents)
@pytest.mark.slow
def test_every_list_keeps_to_slacks_limits(listed: list[Incident], words: str, found: tuple[Precedent, ...]) -> None:
    check_message(card.history(listed * 9))
    check_message(card.recall(words, found * 9))
