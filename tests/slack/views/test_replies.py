"""Replies in the thread, whispers and menus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.incident import Incident, State, Thread
from bot.slack.views import card, replies
from tests.slack.blockkit import check_message, interactive, parts
from tests.slack.hostile import anything, ids, incidents, names
from tests.slack.incidents import BY_STATE, PRESSED, PROPOSED

PLACE = Thread("C0ALERTS", "1763805855.000100")


@pytest.mark.fault(58)
def test_a_recovery_is_told_with_its_numbers() -> None:
    message = card.outcome(BY_STATE[State.RESOLVED], ())
    assert message.text == "✅ *buggy-app-v2*: recovered in 7.4 s: 200 ×3, healthy."
    assert not interactive(message.blocks)


def test_no_recovery_is_told_with_probes_newest_lines_and_a_fresh_diagnosis() -> None:
    lines = [f"line {number} <!here>" for number in range(30)]
    message = card.outcome(BY_STATE[State.UNRESOLVED], lines)
    assert "not recovered: the health URL did not return success within 60 s (last: 503)." in message.text
    assert "connection refused ×4, 503 ×2" in message.text
    (printed,) = [part["text"] for part in parts(message.blocks) if part.get("type") == "text"]
    assert printed.splitlines() == lines[-10:]
    (button,) = interactive(message.blocks)
    assert (button["action_id"], button["value"]) == ("rediagnose", "i7Kq2:9f3c2a7b1d4e5f60")


def test_a_restart_that_the_engine_could_not_do_is_told_without_numbers() -> None:
    incident = replace(PRESSED, state=State.UNRESOLVED, closing="The engine said no.")
    assert card.outcome(incident, ()).text.startswith("🔴 *buggy-app-v2*: The engine said no.\n")


@settings(deadline=None)
@given(incidents, st.lists(anything, max_size=30))
@pytest.mark.slow
def test_every_outcome_keeps_to_slacks_limits(incident: Incident, newest: list[str]) -> None:
    check_message(card.outcome(incident, newest))


@given(anything, st.lists(ids, max_size=40), st.none() | st.just(PROPOSED))
def test_every_notice_keeps_to_slacks_limits(sentence: str, mention: Sequence[str], offer: Incident | None) -> None:
    check_message(card.notice(sentence, mention=mention, offer=offer))


def test_only_those_who_are_named_by_id_are_mentioned() -> None:
    said = card.notice("<!channel> only approvers may restart:", mention=("U1", "S2", "U1", "nobody"))
    assert said.text == "&lt;!channel&gt; only approvers may restart: <@U1> <!subteam^S2> `nobody`"


def test_many_are_not_all_mentioned() -> None:
    said = card.notice("Ask:", mention=[f"U{number}" for number in range(50)])
    assert said.text.count("<@U") == 20
    assert said.text.endswith("and 30 more")


def test_a_fresh_diagnosis_can_be_offered() -> None:
    (button,) = interactive(card.notice("It changed.", offer=PROPOSED).blocks)
    assert button["action_id"] == "rediagnose"


def test_a_menu_carries_the_place_of_the_alert() -> None:
    message = card.choose("Which one is meant?", ["web-1", "web-2"], PLACE)
    (block,) = [block for block in message.blocks if block["type"] == "actions"]
    (menu,) = block["elements"]
    assert menu["action_id"] == "choose"
    assert [option["value"] for option in menu["options"]] == ["web-1", "web-2"]
    assert replies.place_of(block["block_id"]) == PLACE
    assert message.text == "Which one is meant?\nTo choose from: web-1, web-2"


@pytest.mark.parametrize("place", [PLACE, Thread("C1"), Thread("D1", "1.2")])
def test_every_place_comes_back_from_the_menu(place: Thread) -> None:
    (block,) = [block for block in card.choose("?", ["a"], place).blocks if block["type"] == "actions"]
    assert replies.place_of(block["block_id"]) == place


def test_a_menu_offers_whole_names_only_and_says_what_it_leaves_out() -> None:
    offered = [f"app-{number}" for number in range(120)] + ["x" * 151, "bad\x00name", ""]
    message = card.choose("Which?", offered, PLACE)
    check_message(message)
    (menu,) = interactive(message.blocks)
    assert [option["value"] for option in menu["options"]] == offered[:100]
    assert "23 more are not in this menu" in message.text


def test_without_a_name_there_is_no_menu() -> None:
    assert not interactive(card.choose("Nothing runs.", [], PLACE).blocks)


@given(anything, st.lists(names, max_size=120))
def test_every_menu_keeps_to_slacks_limits(sentence: str, offered: list[str]) -> None:
    message = card.choose(sentence, offered, PLACE)
    check_message(message)
    for menu in interactive(message.blocks):
        assert {option["value"] for option in menu["options"]} <= set(offered)
