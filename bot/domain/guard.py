"""May this restart happen now? Permit, or Refusal with a reason for people. Facts in, no clients."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.diagnosis import Action
from bot.domain.evidence import Facts
from bot.domain.times import format_duration


@dataclass(frozen=True, slots=True)
class Permit:
    """The restart may happen; with ``dry_run`` everything but the restart itself; ``people`` have to press."""

    dry_run: bool = False
    people: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """The restart may not happen: the rule's name, for the record, and the reason, for people."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows. Times in seconds.

    ``own``: names and ids of Aegis itself and what it needs to run; ``None`` if that is not known.
    """

    allowlist: frozenset[str]
    cooldown: int
    limit: int
    expiry: int
    dry_run: bool
    own: frozenset[str] | None = frozenset()
    actions: frozenset[Action] = frozenset({Action.RESTART})


@dataclass(frozen=True, slots=True)
class History:
    """What the store knows of a target's restarts: the last, those within the hour, and the incident amid one now."""

    last_restart: datetime | None = None
    restarts_within_hour: int = 0
    restarting: str = ""


def digest(facts: Facts, action: Action = Action.RESTART) -> str:
    """Return what an approver approves: 16 hex digits over container id, start time, image id and action."""
    seen = "\n".join((facts.container_id, facts.started_at, facts.image_id, action.value))
    return hashlib.sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def check(
    target: str,
    facts: Facts | None,
    history: History | None,
    policy: Policy,
    now: datetime,
    action: Action = Action.RESTART,
) -> Permit | Refusal:
    """Return whether ``action`` may act on ``target`` now. A fact that could not be gathered (``None``) refuses."""
    if action not in policy.actions:
        return Refusal("action", f"Aegis does not offer the action {action.value}.")
    if target not in policy.allowlist:
        return Refusal(
            "allowlist", f"{target} is not on the allow-list (AEGIS_RESTART_ALLOWLIST), so Aegis never restarts it."
        )
    if facts is None:
        return Refusal("facts", f"The engine did not say how {target} is, so nothing can be restarted.")
    if facts.name != target:
        return Refusal("name", "The engine answered for a container of another name.")
    refused = _own(target, facts, policy) or _label(facts) or _state(facts)
    if refused:
        return refused
    if history is None:
        return Refusal("history", "The database did not say when this was last restarted, so nothing can be restarted.")
    people = approvals(facts)
    if people is None:
        return Refusal(
            "approvals", f"The label aegis.approvals of {target} says no number of people, so nobody can restart it."
        )
    return _pace(target, history, policy, now) or Permit(policy.dry_run, people)


def _own(target: str, facts: Facts, policy: Policy) -> Refusal | None:
    if policy.own is None:
        return Refusal(
            "own",
            f"It is not known whether {target} is something that Aegis needs to run, so nothing can be restarted.",
        )
    if target in policy.own or facts.container_id in policy.own:
        return Refusal("own", f"{target} is Aegis itself, or something that Aegis needs to run.")
    return None


def _label(facts: Facts) -> Refusal | None:
    protect = facts.label("aegis.protect").strip().lower()
    if protect not in ("", "false", "0", "no"):
        return Refusal("protect", f"{facts.name} carries the label aegis.protect: it is never restarted by Aegis.")
    if facts.swarm_service:
        return Refusal(
            "swarm",
            "Swarm owns this container and replaces it by itself; "
            f"use: docker service update --force {facts.swarm_service}",
        )
    return None


def approvals(facts: Facts) -> int | None:
    """Return how many people have to press Restart: the label ``aegis.approvals``, 1 without it.

    ``None`` where the label cannot be read: a slip of the pen must not make two people one.
    """
    stated = dict(facts.labels).get("aegis.approvals")
    if stated is None:
        return 1
    wanted = stated.strip()
    return int(wanted) or None if re.fullmatch(r"[0-9]{1,9}", wanted) else None


def _state(facts: Facts) -> Refusal | None:
    if facts.paused:
        return Refusal("paused", f"{facts.name} was paused by somebody; a restart would unpause it.")
    if facts.status in ("removing", "dead"):
        return Refusal("state", f"{facts.name} is {facts.status}: the engine cannot restart it.")
    if not facts.container_id or not facts.status:
        return Refusal("facts", f"The engine did not say how {facts.name} is, so nothing can be restarted.")
    return None


def _pace(target: str, history: History, policy: Policy, now: datetime) -> Refusal | None:
    if history.restarting:
        return Refusal("busy", f"A restart of {target} is already under way.")
    if history.last_restart is not None:
        left = policy.cooldown - (now - history.last_restart).total_seconds()
        if left > 0:
            ago, more = format_duration(now - history.last_restart), format_duration(timedelta(seconds=left))
            return Refusal("cooldown", f"{target} was restarted {ago} ago; the next restart is possible in {more}.")
    if history.restarts_within_hour >= policy.limit:
        times = "once" if history.restarts_within_hour == 1 else f"{history.restarts_within_hour} times"
        return Refusal(
            "limit", f"{target} was restarted {times} within the hour; restarting does not cure it. Escalate."
        )
    return None


def changed(seen: Facts, now: Facts) -> str:
    """Say in a few words what differs between the look that the card showed and this one; ``""`` where nothing does."""
    if now.container_id != seen.container_id:
        return "the container was re-created"
    if now.image_id != seen.image_id:
        return "it runs another image"
    if now.started_at != seen.started_at:
        return "it was started again in the meantime"
    return ""
