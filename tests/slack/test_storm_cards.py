"""What a card says of a storm: how many targets went down with it, how late it was read, how often it fired again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.incident import State
from bot.domain.target import parse_target
from bot.slack.views import card
from tests.slack.blockkit import check_message
from tests.slack.hostile import NASTY
from tests.slack.incidents import BY_STATE, PROPOSED

NAMES = ("buggy-app-v2", *(f"svc-{number:02d}" for number in range(39)))
TARGETS = tuple(map(parse_target, NAMES))
DOWN = replace(PROPOSED, grouped_targets=TARGETS, group_reason="They went down together.")


def words(incident: object) -> str:
    return card.card(incident).text  # type: ignore[arg-type]  # incidents of another module


def test_a_host_that_went_down_is_said_first_with_the_whole_list() -> None:
    text = words(DOWN)
    assert text.startswith("🔴 40 targets at once, buggy-app-v2 among them")
    assert all(name in text for name in NAMES)
    assert "They went down together." in text
    assert "/aegis diagnose NAME" in text


@pytest.mark.fault(66)
def test_a_list_that_is_too_long_says_how_many_are_left_out() -> None:
    text = words(replace(DOWN, grouped_targets=(*TARGETS, *(parse_target(f"more-{number}") for number in range(160)))))
    assert "200 targets at once" in text
    assert "and 160 more" in text


def test_the_list_is_on_the_card_in_every_state() -> None:
    for incident in BY_STATE.values():
        message = card.card(replace(incident, grouped_targets=TARGETS, group_reason="They went down together."))
        assert "svc-38" in message.text
        check_message(message)


def test_one_that_is_left_alone_on_the_list_is_a_card_like_any_other() -> None:
    assert words(replace(PROPOSED, grouped_targets=(parse_target("buggy-app-v2"),), group_reason="x")) == words(
        PROPOSED
    )


@pytest.mark.parametrize("name", NASTY)
def test_outside_text_on_the_list_stays_text(name: str) -> None:
    check_message(
        card.card(
            replace(
                PROPOSED,
                grouped_targets=(parse_target("buggy-app-v2"), parse_target(name)),
                group_reason="They went down together.",
            )
        )
    )


@pytest.mark.parametrize("state", [State.OPEN, State.PROPOSED, State.RESOLVED])
def test_an_alert_that_was_read_late_says_when_it_was_sent(state: State) -> None:
    incident = BY_STATE[state]
    late = replace(incident, sent_at=incident.opened_at - timedelta(minutes=14))
    assert "read 14 min later" in words(late)
    assert "Late: sent" in words(late)


@pytest.mark.parametrize("seconds", [-5, 0, 30, 59, 2 * 86_400])
def test_an_alert_that_was_read_in_time_says_nothing_of_it_nor_one_whose_time_cannot_be_right(seconds: int) -> None:
    assert "Late" not in words(replace(PROPOSED, sent_at=PROPOSED.opened_at - timedelta(seconds=seconds)))


def test_a_target_that_comes_and_goes_says_so() -> None:
    assert "fired again 3 times" in words(replace(PROPOSED, flap_count=3))
    assert "fired again" not in words(PROPOSED)
