"""Decides if an action may happen now.

It returns a Permit, or a Refusal with a reason for people. It takes facts and no clients.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain import refusals
from bot.domain.diagnosis import Action
from bot.domain.evidence import Facts
from bot.domain.target import Target
from bot.domain.times import format_duration


@dataclass(frozen=True, slots=True)
class Permit:
    """The restart may happen; with ``dry_run`` everything but the restart itself; ``people`` have to press."""

    dry_run: bool = False
    people: int = 1


class RefusalReason(StrEnum):
    """The rule that refused. The values are stored: they may be added to, never changed."""

    ACTION = "action"
    ALLOWLIST = "allowlist"
    FACTS = "facts"
    NAME = "name"
    OWN = "own"
    PROTECT = "protect"
    SWARM = "swarm"
    HISTORY = "history"
    APPROVALS = "approvals"
    PAUSED = "paused"
    STATE = "state"
    BUSY = "busy"
    COOLDOWN = "cooldown"
    LIMIT = "limit"
    EXPIRED = "expired"
    DIGEST = "digest"
    CARD = "card"
    CHANGED = "changed"
    STORE = "store"
    LATE = "late"
    CLAIMED = "claimed"
    SAME_PERSON = "same person"
    UNKNOWN = "unknown"
    APPROVERS = "approvers"
    WORKSPACE = "workspace"
    DEACTIVATED = "deactivated"
    BOT = "bot"
    GUEST = "guest"

    @classmethod
    def _missing_(cls, value: object) -> RefusalReason:  # noqa: ARG003 - the enum's own signature
        """Return ``UNKNOWN`` for a rule that another version stored."""
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Refusal:
    """The restart may not happen: the rule that refused, for the record, and the reason, for people."""

    rule: RefusalReason
    reason: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows. Times in seconds.

    ``own``: names and ids of Aegis itself and what it needs to run; ``None`` if that is not known.
    """

    allowlist: frozenset[Target]
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


def digest(target: Target, facts: Facts, action: Action = Action.RESTART) -> str:
    """Return what an approver approves: 16 hex digits over host, container id, start time, image id and action.

    The only engine has no name and adds nothing, so that cards of earlier versions keep their digests.
    """
    parts = (facts.container_id, facts.started_at, facts.image_id, action.value)
    seen = "\n".join((*parts, target.host) if target.host else parts)
    return hashlib.sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def check(
    target: Target,
    facts: Facts | None,
    history: History | None,
    policy: Policy,
    now: datetime,
    action: Action = Action.RESTART,
) -> Permit | Refusal:
    """Return whether ``action`` may act on ``target`` now. A fact that could not be gathered (``None``) refuses."""
    if action not in policy.actions:
        return Refusal(RefusalReason.ACTION, refusals.action_not_offered(action.value))
    if target not in policy.allowlist:
        return Refusal(RefusalReason.ALLOWLIST, refusals.not_on_allowlist(str(target)))
    if facts is None:
        return Refusal(RefusalReason.FACTS, refusals.state_unknown(str(target)))
    if facts.name != target.name:
        return Refusal(RefusalReason.NAME, refusals.OTHER_NAME)
    refused = _own(target, facts, policy) or _label(facts) or _state(facts)
    if refused:
        return refused
    if history is None:
        return Refusal(RefusalReason.HISTORY, refusals.HISTORY_UNKNOWN)
    people = approvals(facts)
    if people is None:
        return Refusal(RefusalReason.APPROVALS, refusals.approvals_unreadable(str(target)))
    return _pace(target, history, policy, now) or Permit(policy.dry_run, people)


def _own(target: Target, facts: Facts, policy: Policy) -> Refusal | None:
    if policy.own is None:
        return Refusal(RefusalReason.OWN, refusals.own_unknown(str(target)))
    if target.name in policy.own or facts.container_id in policy.own:
        return Refusal(RefusalReason.OWN, refusals.own(str(target)))
    return None


def _label(facts: Facts) -> Refusal | None:
    protect = facts.label("aegis.protect").strip().lower()
    if protect not in ("", "false", "0", "no"):
        return Refusal(RefusalReason.PROTECT, refusals.protected(facts.name))
    if facts.swarm_service:
        return Refusal(RefusalReason.SWARM, refusals.in_swarm(facts.swarm_service))
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
        return Refusal(RefusalReason.PAUSED, refusals.paused(facts.name))
    if facts.status in ("removing", "dead"):
        return Refusal(RefusalReason.STATE, refusals.not_restartable(facts.name, facts.status))
    if not facts.container_id or not facts.status:
        return Refusal(RefusalReason.FACTS, refusals.state_unknown(facts.name))
    return None


def _pace(target: Target, history: History, policy: Policy, now: datetime) -> Refusal | None:
    if history.restarting:
        return Refusal(RefusalReason.BUSY, refusals.busy(str(target)))
    if history.last_restart is not None:
        left = policy.cooldown - (now - history.last_restart).total_seconds()
        if left > 0:
            ago, more = format_duration(now - history.last_restart), format_duration(timedelta(seconds=left))
            return Refusal(RefusalReason.COOLDOWN, refusals.cooldown(str(target), ago, more))
    if history.restarts_within_hour >= policy.limit:
        return Refusal(RefusalReason.LIMIT, refusals.limit(str(target), history.restarts_within_hour))
    return None


def changed(seen: Facts, now: Facts) -> str:
    """Return a short description of the changes since the card was shown, or ``""``."""
    if now.container_id != seen.container_id:
        return "the container was re-created"
    if now.image_id != seen.image_id:
        return "it runs another image"
    if now.started_at != seen.started_at:
        return "it was started again in the meantime"
    return ""
