"""Sentences for refused actions, one for each reason.

They are stored with the refusal and shown to the person who pressed, so they stand beside the rules, not in the views.
"""

from __future__ import annotations

# The guard refuses, whoever presses.


def action_not_offered(action: str) -> str:
    """Return why an action that the operator did not enable is refused."""
    return f"Aegis does not offer the action {action}."


def not_on_allowlist(target: str) -> str:
    """Return why a target that the operator did not list is refused."""
    return f"{target} is not on the allow-list (AEGIS_RESTART_ALLOWLIST), so Aegis never restarts it."


def state_unknown(target: str) -> str:
    """Return why a target is refused whose state the engine did not report."""
    return f"The engine did not report the state of {target}, so nothing can be restarted."


OTHER_NAME = "The engine answered for a container of another name."

HISTORY_UNKNOWN = "The database did not report the last restart, so nothing can be restarted."


def approvals_unreadable(target: str) -> str:
    """Return why a target is refused whose label ``aegis.approvals`` is no number."""
    return f"The label aegis.approvals of {target} is not a number of approvers, so nobody can restart it."


def own_unknown(target: str) -> str:
    """Return why a target is refused that Aegis may need to run."""
    return f"It is not known whether {target} is something that Aegis needs to run, so nothing can be restarted."


def own(target: str) -> str:
    """Return why Aegis and what it needs are refused."""
    return f"{target} is Aegis itself, or something that Aegis needs to run."


def protected(target: str) -> str:
    """Return why a target with the label ``aegis.protect`` is refused."""
    return f"{target} carries the label aegis.protect: Aegis never restarts it."


def in_swarm(service: str) -> str:
    """Return why a container of a Swarm service is refused, and what to do instead."""
    return f"Swarm owns this container and replaces it by itself; use: docker service update --force {service}"


def paused(target: str) -> str:
    """Return why a paused container is refused."""
    return f"{target} is paused; a restart would unpause it."


def not_restartable(target: str, status: str) -> str:
    """Return why a container that is dead or being removed is refused."""
    return f"{target} is {status}: the engine cannot restart it."


def busy(target: str) -> str:
    """Return why a target is refused that is being restarted."""
    return f"A restart of {target} is already under way."


def cooldown(target: str, ago: str, left: str) -> str:
    """Return why a target is refused that was restarted ``ago``; the next restart may come in ``left``."""
    return f"{target} was restarted {ago} ago; the next restart is possible in {left}."


def limit(target: str, restarts: int) -> str:
    """Return why a target is refused that was restarted ``restarts`` times within the hour."""
    often = "once" if restarts == 1 else f"{restarts} times"
    return f"{target} was restarted {often} within the hour; another restart will not fix it. Escalate."


# The check of a press refuses.

EXPIRED = "This card has expired; diagnose again first."

OLDER_DIAGNOSIS = "This button belongs to an older diagnosis; the card shows the newest."

NOT_THE_CARD = "This is not the card of the incident, so nothing was restarted. Press on the card itself."

TOO_SLOW = "The check took too long, so nothing was restarted. Press once more."

UNKNOWN_CARD = "Aegis does not know this card; ask for a new one with /aegis diagnose NAME."


def database(message: str) -> str:
    """Return why a press is refused while the database fails."""
    return f"{message} So nothing was restarted."


def check_failed(message: str) -> str:
    """Return why the guard refuses where it cannot be asked."""
    return f"{message} So nothing can be restarted."


def card_unchecked(cause: str) -> str:
    """Return why a press is refused where Slack does not say whether it was on the card."""
    return f"It cannot be checked whether this is the card, so nothing was restarted. {cause}"


def engine(cause: str) -> str:
    """Return why a press is refused where the engine fails."""
    return f"{cause} Nothing was restarted."


def changed(change: str) -> str:
    """Return why a press is refused after ``change``, or after something that differs."""
    return f"Nothing was restarted: {change or 'something changed'} since the diagnosis."


def pressed_already(awaited: str) -> str:
    """Return why a second press of the same person is refused; ``awaited`` says who must press."""
    return f"You have pressed already. {awaited}"


def press_not_recorded(cause: str) -> str:
    """Return why a press does not count that the database did not take."""
    return f"The press cannot be recorded, so it does not count. {cause}"


def approval_not_recorded(cause: str) -> str:
    """Return why an approval is refused that the database did not take."""
    return f"The approval cannot be recorded, so nothing was restarted. {cause}"


# Slack's answers about the person refuse.

DEACTIVATED = "This account is deactivated, so it may not restart anything."
BOT = "Bots may not restart anything; a person must press."
GUEST = "Guests may not restart anything; ask a member of the team."
WORKSPACE = "Only people of this workspace may restart; you belong to another one."

NO_APPROVERS = "Nobody may restart anything: the list of approvers (AEGIS_APPROVERS) is empty."
NOT_AN_APPROVER = "You are not one of the approvers, so nothing was restarted. Approvers:"
NOT_IN_ALERT_CHANNEL = "Only members of an alert channel may restart, so nothing was. Join one of them first:"

IDENTITY_TIMED_OUT = "Slack did not say in time who you are, so nothing was restarted. Press again in a moment."
IDENTITY_UNKNOWN = "Slack did not say who you are, so nothing was restarted."


def approvers_unchecked(cause: str) -> str:
    """Return why a press is refused where Slack does not say who the approvers are."""
    return f"It cannot be checked who may restart, so nothing was restarted. {cause}"


MEMBERS_ONLY = "Aegis answers full members of this workspace only, not guests and not people of other organisations."
MEMBER_TIMED_OUT = "Slack did not say in time who you are. Try again in a moment."
MEMBER_UNKNOWN = "Slack did not say who you are. Try again in a moment."


def member_unchecked(cause: str) -> str:
    """Return why Aegis does not answer somebody about whom Slack says nothing."""
    return f"It cannot be checked who you are. {cause}"
