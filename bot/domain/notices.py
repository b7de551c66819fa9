"""Sentences for an incident's thread and its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.incident import State

# How an incident ended.

NOBODY_DECIDED = "Nobody decided in time."
RECOVERED_WITHOUT_ACTION = "Recovered without action: the sender reports it resolved."
CARD_NOT_POSTED = "The card could not be posted."
CONTAINER_GONE = "The container is gone or was re-created, so nothing more is done. It needs a manual check."
NOT_CARRIED_OUT = "The engine did not carry out the restart: nothing was restarted. It is not sent again."
NOT_SENT = "Nothing was restarted: Aegis was interrupted before it called the engine."


# What is left of a container after an action failed, behind the reason.

RESTART_FAILED = "the engine could not restart it"
START_FAILED = "it was stopped and could not be started"
GONE_NOW = "and it is gone now"
MAYBE_DOWN = "and it may be down"
RUNNING_NOW = "and it is running"


def down_now(status: str) -> str:
    """Return that a container is down after an action failed."""
    return f"and it is DOWN now ({status})"


def action_failed(how: str, state: str, cause: str, engine_says: str) -> str:
    """Return why an action failed and how the container is now, which may be down."""
    return f"{how}, {state}. {cause}{f' The engine says: {engine_says}' if engine_says else ''}"


def given_up(attempts: int) -> str:
    """Return why an incident is closed that ``attempts`` attempts could not diagnose."""
    return (
        f"Aegis failed {attempts} times to diagnose this and does not try again. "
        "It needs a manual check; the log of Aegis says why it failed."
    )


def set_aside(sender: str, at: datetime, attempts: int, title: str) -> str:
    """Return that an alert could not be handled and nothing was done for it."""
    of = f" of {sender}" if sender else ""
    return (
        f"An alert{of} of {at:%Y-%m-%d %H:%M} UTC could not be handled: {attempts} attempts failed. "
        f"It is set aside, and nothing was done for it. It needs a manual check{f': {title}' if title else '.'}"
    )


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


# Why alerts share one card.

ENGINE_AWAY = "The engine does not answer. The host is the likely cause, not one service."
FELL_TOGETHER = "These containers went down together. The host or the engine is the likely cause, not one service."


def too_many(most: int) -> str:
    """Return why later alerts get no card of their own."""
    return f"More than {most} targets raised alerts within a minute; the later ones are listed here."


# Replies in the thread.

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


def more_targets(named: int, with_cards: int, rest: Sequence[str], most: int) -> str:
    """Return which targets of an alert get no card, at most ``most`` by name."""
    more = f", and {len(rest) - most} more" if len(rest) > most else ""
    return (
        f"This alert names {named} containers; {with_cards} of them have cards. "
        f"Not diagnosed: {', '.join(rest[:most])}{more}. For one of these, type /aegis diagnose NAME."
    )


def unknown_targets(alerts: int, titles: Sequence[tuple[str, int]], others: int) -> str:
    """Return how many alerts name no known container: their ``titles`` with counts, and how many ``others``."""
    named = [f"{title}{f' ×{times}' if times > 1 else ''}" for title, times in titles]
    more = f", and {others:,} other titles" if others else ""
    return (
        f"{alerts:,} more alerts in this channel name no known container: {', '.join(named)}{more}. "
        "They get no menu. For one container, type /aegis diagnose NAME."
    )


# Answers to a person who asked or pressed.

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


def diagnosed_already(target: str, state: State) -> str:
    """Return what is under way for a target for which somebody asks again."""
    if state is State.PROPOSED:
        return f"{target} already has a card; the card is being updated."
    return being_diagnosed(target) if state is State.OPEN else restart_under_way(target)


def restart_under_way(target: str) -> str:
    """Return that a restart is under way."""
    return f"{target} is being restarted right now; the result will be posted in its thread."


def presses_missing(more: int, until: datetime) -> str:
    """Return how many more approvers must press, and by when."""
    people = "Another approver" if more == 1 else f"{more} more approvers"
    return f"{people} must press Restart by {until:%H:%M} UTC. Nothing is restarted before that."


_LATE_PRESS = {
    State.OPEN: "It is being diagnosed right now.",
    State.PROPOSED: "The card was just updated; read it once more.",
    State.ACTING: "The restart was already approved and is under way. Approved by",
    State.VERIFYING: "The restart was already approved, and recovery is being checked. Approved by",
    State.RESOLVED: "This is closed: it recovered.",
    State.UNRESOLVED: "This is closed: a restart did not help.",
    State.IGNORED: "This is closed: it was ignored.",
    State.EXPIRED: "This card is closed; its buttons do nothing.",
    State.INTERRUPTED: "This card is closed; its buttons do nothing.",
}


def late_press(state: State, closed_at: datetime | None) -> str:
    """Return an incident's state for somebody who pressed too late. Who decided is mentioned behind it."""
    return _LATE_PRESS[state] + (f" Closed at {closed_at:%H:%M} UTC." if closed_at else "")
