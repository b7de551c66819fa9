"""Who counts as a full, human member of our workspace, by what Slack says of a person."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.eligibility import Ineligible, eligibility

OURS = "T0PLAY"


def user(**changes: Any) -> dict[str, Any]:
    return {"id": "U1", "team_id": OURS, **changes}


def grid(*teams: str, **changes: Any) -> dict[str, Any]:
    return {"id": "U1", "enterprise_user": {"enterprise_id": "E0ORG", "teams": list(teams)}, **changes}


def test_a_member_of_our_workspace_is_eligible() -> None:
    assert eligibility(user(), OURS) is None


@pytest.mark.parametrize(
    "member",
    [grid(OURS), grid("T0HOME", OURS), grid("T0HOME", OURS, team_id="T0HOME"), grid("T0HOME", team_id=OURS)],
)
def test_a_member_of_an_enterprise_is_eligible_by_any_of_their_workspaces(member: dict[str, Any]) -> None:
    assert eligibility(member, OURS) is None


@pytest.mark.parametrize(
    "stranger",
    [
        {"id": "U1"},
        {"id": "U1", "team_id": ""},
        user(team_id="T0OTHER"),
        user(is_stranger=True),
        grid("T0HOME"),
        grid("T0HOME", team_id="T0HOME"),
        grid(OURS, is_stranger=True),
        grid(team_id="T0HOME"),
        {"id": "U1", "enterprise_user": None},
        {"id": "U1", "enterprise_user": {"teams": None}},
        {"id": "U1", "enterprise_user": {"teams": OURS}},
        {"id": "U1", "enterprise_user": OURS},
    ],
)
def test_whoever_is_not_shown_to_be_in_our_workspace_is_not_eligible(stranger: dict[str, Any]) -> None:
    assert eligibility(stranger, OURS) is Ineligible.WORKSPACE


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"deleted": True}, Ineligible.DEACTIVATED),
        ({"is_bot": True}, Ineligible.BOT),
        ({"is_workflow_bot": True}, Ineligible.BOT),
        ({"id": "USLACKBOT"}, Ineligible.BOT),
        ({"is_restricted": True}, Ineligible.GUEST),
        ({"is_ultra_restricted": True}, Ineligible.GUEST),
        ({"is_invited_user": True}, Ineligible.GUEST),
    ],
)
def test_who_is_no_full_human_member_is_not_eligible(change: dict[str, Any], why: Ineligible) -> None:
    assert eligibility(user(**change), OURS) is why
    assert eligibility(grid(OURS, **change), OURS) is why


def test_nobody_is_eligible_where_our_own_workspace_is_not_known() -> None:
    assert eligibility(user(team_id=""), "") is Ineligible.WORKSPACE
    assert eligibility(grid(""), "") is Ineligible.WORKSPACE


@given(st.dictionaries(st.sampled_from(["id", "deleted", "is_bot", "enterprise_user"]), st.text() | st.integers()))
def test_an_odd_answer_lets_nobody_in_and_never_raises(said: dict[str, Any]) -> None:
    assert eligibility(said, OURS) is not None
