"""The incident record, its states, and the transitions between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.domain.diagnosis import Action, Diagnosis
from bot.domain.evidence import Evidence, Facts
from bot.domain.guard import Permit, Refusal
from bot.domain.runbook_entry import Precedent
from bot.domain.target import Target, TargetId
from bot.domain.verification import Verification


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "OPEN"
    PROPOSED = "PROPOSED"
    ACTING = "ACTING"
    VERIFYING = "VERIFYING"
    RESOLVED = "RESOLVED"
    UNRESOLVED = "UNRESOLVED"
    IGNORED = "IGNORED"
    EXPIRED = "EXPIRED"
    INTERRUPTED = "INTERRUPTED"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.OPEN: frozenset({State.PROPOSED, State.RESOLVED, State.IGNORED, State.EXPIRED}),
    State.PROPOSED: frozenset({State.OPEN, State.ACTING, State.RESOLVED, State.IGNORED, State.EXPIRED}),
    State.ACTING: frozenset({State.VERIFYING, State.UNRESOLVED, State.INTERRUPTED}),
    State.VERIFYING: frozenset({State.RESOLVED, State.UNRESOLVED, State.INTERRUPTED}),
    State.RESOLVED: frozenset(),
    State.UNRESOLVED: frozenset(),
    State.IGNORED: frozenset(),
    State.EXPIRED: frozenset(),
    State.INTERRUPTED: frozenset(),
}
"""What may follow what; staying in a state (to save something else) is always allowed."""

LIVE = frozenset(state for state, following in TRANSITIONS.items() if following)
"""The states in which an incident still goes on; a target has at most one live incident."""


@dataclass(frozen=True, slots=True)
class Thread:
    """Where an incident lives in Slack: the channel, and the message in whose thread its card is."""

    channel: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody pressed a button: who, where, on which incident, and the digest of what they saw.

    ``team`` is the presser's workspace. ``card`` is the ts of the message that carries the button. ``action`` is what
    the button does.
    """

    user: str
    team: str
    place: Thread
    incident: str
    digest: str
    card: str = ""
    action: Action = Action.RESTART


@dataclass(frozen=True, slots=True)
class Approval:
    """Who pressed which action, when, and the digest of what they saw. Stored before anything acts."""

    user: str
    at: datetime
    digest: str
    action: Action = Action.RESTART


LATE = timedelta(minutes=1)
"""An alert that is read this long after it was sent is late; Slack brings one again after a minute at the earliest."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One problem of one target, from the alert to the outcome.

    The comment above a field describes it. "Outside text" was written by others and is escaped where it is shown.
    """

    #: Identifier, used in the log, the audit trail and file names.
    id: str
    #: Target, or the alert's own words in place of its name if the alert names none.
    target: Target
    #: Channel and thread of the card.
    place: Thread
    #: Current state; only ``TRANSITIONS`` may follow.
    state: State
    #: Time at which the alert was read.
    opened_at: datetime
    #: User id of the person who asked for the diagnosis; ``""`` for an alert.
    opened_by: str = ""
    #: Title of the alert (outside text).
    title: str = ""
    #: Severity that the alert states (outside text).
    severity: str = "unknown"
    #: Text of the alert, redacted (outside text).
    alert_text: str = ""
    #: Log lines that the alert brought along, redacted (outside text).
    alert_logs: str = ""
    #: Name of the webhook's sender; ``""`` if the alert came through Slack.
    sender: str = ""
    #: Number of alerts counted to this incident.
    alerts: int = 1
    #: Slack timestamp of the card; ``""`` until it is posted.
    card: str = ""
    #: Evidence behind the diagnosis.
    evidence: Evidence | None = None
    #: Diagnosis on the card.
    diagnosis: Diagnosis | None = None
    #: Similar incidents from the runbook.
    precedents: tuple[Precedent, ...] = ()
    #: Policy's decision whether a restart may be offered.
    verdict: Permit | Refusal | None = None
    #: Digest of what the card shows; its buttons carry it.
    digest: str = ""
    #: Time at which the diagnosis was proposed; the buttons expire from here.
    proposed_at: datetime | None = None
    #: Approval that started the restart.
    approval: Approval | None = None
    #: Earlier presses of Restart, if several people have to approve.
    presses: tuple[Approval, ...] = ()
    #: Engine's start and finish time right before the restart; tells after a crash whether it happened.
    times_before: tuple[str, str] = ("", "")
    #: Time at which the restart was sent.
    restarted_at: datetime | None = None
    #: Path of the file with the state that the restart destroyed.
    bundle: str = ""
    #: Result of the checks after the restart.
    verification: Verification | None = None
    #: Our sentence about how the incident ended.
    closing: str = ""
    #: User id of the person who ended it; ``""`` if nobody did.
    closed_by: str = ""
    #: Time at which it ended.
    closed_at: datetime | None = None
    #: Reason that the person gave for ending it (outside text).
    reason: str = ""
    #: True once the thread has the outcome.
    announced: bool = False
    #: True once nothing is left to do after the end.
    finalized: bool = False
    #: Number of times it was saved; guards against lost updates.
    revision: int = 0
    #: Number of times another process took it over.
    epoch: int = 0
    #: Time at which Slack received the alert's message.
    sent_at: datetime | None = None
    #: Targets that went down together with this one, which stands first.
    grouped_targets: tuple[Target, ...] = ()
    #: Our sentence about what the grouped targets have in common.
    group_reason: str = ""
    #: Number of times it fired again soon after it had recovered.
    flap_count: int = 0

    @property
    def late(self) -> timedelta:
        """Return how long after it was sent the alert was read, where that was long; else zero."""
        late = self.opened_at - self.sent_at if self.sent_at else timedelta(0)
        return late if LATE <= late < timedelta(days=1) else timedelta(0)

    @property
    def target_id(self) -> TargetId:
        """Return the container that was looked at; its id is ``""`` if there was none."""
        facts = self.evidence.facts if self.evidence else None
        return TargetId(self.target.host, facts.container_id if facts else "")

    @property
    def approved_by(self) -> tuple[str, ...]:
        """Return who approved the restart, as user ids in the order of their presses."""
        if self.approval is None:
            return ()
        return (*(press.user for press in self.presses), self.approval.user)


def is_expired(incident: Incident, now: datetime, expiry: int) -> bool:
    """Return True if the button is too old to act, or lies in the future because the clock was put back.

    ``expiry`` in seconds.
    """
    if incident.state is not State.PROPOSED or incident.proposed_at is None:
        return False
    return abs((now - incident.proposed_at).total_seconds()) > expiry


TOGETHER = timedelta(minutes=10)
"""Within which those have to press whom a container wants to agree (label ``aegis.approvals``)."""


def counting(presses: Sequence[Approval], digest: str, now: datetime) -> tuple[Approval, ...]:
    """Return the presses that count at ``now``: of exactly this look, not older than ``TOGETHER``, one a person."""
    fresh = [press for press in presses if press.digest == digest and abs(now - press.at) <= TOGETHER]
    return tuple({press.user: press for press in fresh}.values())


def presses_until(presses: Sequence[Approval]) -> datetime:
    """Return the UTC time by which the missing approvers must press; there is at least one press."""
    return (min(press.at for press in presses) + TOGETHER).astimezone(UTC)


class RestartOutcome(StrEnum):
    """What became of a restart whose answer was never heard."""

    GONE = "gone"
    HAPPENED = "happened"
    IN_FLIGHT = "in flight"
    NOT_CARRIED_OUT = "not carried out"
    STOPPED = "stopped but not started"


STOP_GRACE_S = 30
"""Seconds beyond the stop time-out in which a restart that was sent may still happen by itself."""


def restart_outcome(before: tuple[str, str], facts: Facts | None, age: float) -> RestartOutcome:
    """Return the outcome of a restart, by the engine's own times only.

    ``before`` is the start and finish time told right before it, ``facts`` what the engine tells now (``None``: no such
    container), ``age`` the seconds since the restart was intended.
    """
    if facts is None:
        return RestartOutcome.GONE
    started, finished = before
    if facts.started_at != started:
        return RestartOutcome.HAPPENED
    if not facts.running and facts.finished_at != finished:
        return RestartOutcome.STOPPED if age >= 1 else RestartOutcome.IN_FLIGHT
    return RestartOutcome.IN_FLIGHT if age < facts.stop_timeout + STOP_GRACE_S else RestartOutcome.NOT_CARRIED_OUT


def decided_by(incident: Incident) -> tuple[str, ...]:
    """Return who ended the incident or approved its restart, as user ids."""
    if incident.closed_by:
        return (incident.closed_by,)
    return incident.approved_by
