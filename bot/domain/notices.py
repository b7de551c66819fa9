"""Sentences for an incident's thread and its end."""

from __future__ import annotations

from collections.abc import Sequence

# How an incident ended.

NOBODY_DECIDED = "Nobody decided in time."
RECOVERED_WITHOUT_ACTION = "Recovered without action: the sender reports it resolved."
CARD_NOT_POSTED = "The card could not be posted."
CONTAINER_GONE = "The container is gone or was re-created, so nothing more is done. It needs a manual check."
NOT_CARRIED_OUT = "The engine did not carry out the restart: nothing was restarted. It is not sent again."
NOT_SENT = "Nothing was restarted: Aegis was interrupted before it called the engine."


def closed_to_make_room(newer: int) -> str:
    """Return why the oldest card was closed while ``newer`` incidents wait."""
    return f"Closed to make room: {newer:,} newer incidents wait for a decision."


def dry_run(target: str) -> str:
    """Return what an approved restart did in a dry run."""
    return f"Dry run: {target} would have been restarted here. Nothing was done."


def evidence_not_saved(cause: str) -> str:
    """Return why nothing was restarted before the crash evidence was saved."""
    return f"{cause} Evidence is saved before it is destroyed, so nothing was restarted."


def restart_not_recorded(cause: str) -> str:
    """Return why a restart was not sent that the database did not record."""
    return f"The restart cannot be recorded, so nothing was restarted. {cause}"


def restart_refused(cause: str) -> str:
    """Return that the engine refused the restart."""
    return f"{cause} Nothing was restarted."


# What the thread is told on the way.

STARTED_AGAIN = "It was stopped but not started again; Aegis started it."
DIAGNOSIS_LATE = "This diagnosis is late: Aegis was interrupted while it looked at this."
DIAGNOSIS_REQUESTED = "A fresh diagnosis was requested by"


def restart_unknown(cause: str) -> str:
    """Return that the engine's answer to a restart is missing."""
    return f"{cause} It is unknown whether the restart happened; it is not sent again."


def not_in_runbook(cause: str) -> str:
    """Return that the runbook could not be written."""
    return f"The runbook could not be written yet. {cause}"


def escalation(target: str) -> str:
    """Return what those on call read after a restart that did not help."""
    return f"The restart did not fix {target}. Please take over."


def fired_again(target: str, alerts: int) -> str:
    """Return what stands under a new alert of a target that comes and goes."""
    often = f"{target} came back and fires again: {alerts} alerts so far."
    return f"{often} Its card is under the first of them and is kept up to date."


# What a person who asked or pressed is told.

WHICH_CONTAINER = "No known container matches this alert. Which one is it about?"


def no_such_container(name: str, nearest: Sequence[str]) -> str:
    """Return that no container has this name, with the names that come nearest."""
    near = f"; there is {' and '.join(nearest)}" if nearest else ""
    return f"There is no container named {name}{near}. Which one do you mean?"


def being_diagnosed(target: str) -> str:
    """Return that a diagnosis is under way."""
    return f"{target} is being diagnosed right now."


def press_counts(awaited: str) -> str:
    """Return that a press counts; ``awaited`` says who else must press."""
    return f"Your press counts. {awaited}"


def may_not_be_saved(cause: str) -> str:
    """Return that a request may be lost, since the database did not answer."""
    return f"{cause} The card comes when the database answers again. If none comes, ask once more."
