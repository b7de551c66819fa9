"""Checks that a person is an active human member of the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

EVERYBODY = "*"
"""In the list of approvers: every member of an alert channel."""


class Ineligible(StrEnum):
    """Why a person may not restart, nor be shown what Aegis knows; the value is the rule of the refusal."""

    DEACTIVATED = "deactivated"
    BOT = "bot"
    GUEST = "guest"
    WORKSPACE = "workspace"


def eligibility(user: Mapping[str, Any], team: str) -> Ineligible | None:
    """Return why the person of this user object is not eligible in the workspace ``team``, or ``None``.

    What the object does not say counts against the person.
    """
    if user.get("deleted"):
        return Ineligible.DEACTIVATED
    if user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == "USLACKBOT":
        return Ineligible.BOT
    if user.get("is_restricted") or user.get("is_ultra_restricted") or user.get("is_invited_user"):
        return Ineligible.GUEST
    if not team or user.get("is_stranger") or team not in workspaces(user):
        return Ineligible.WORKSPACE
    return None


def workspaces(user: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of the workspaces that a person is in.

    In an Enterprise Grid organisation ``team_id`` is missing or names the home workspace; the others stand in
    ``enterprise_user.teams``.
    """
    found = [user.get("team_id")]
    enterprise = user.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, Mapping) else None
    if isinstance(teams, list | tuple):
        found += teams
    return frozenset(team for team in found if isinstance(team, str) and team)
