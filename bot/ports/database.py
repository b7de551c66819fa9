"""The database: alerts, incidents, approvals and the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.alerts.alert import Alert
from bot.domain.audit.trail import AuditEvent
from bot.domain.guard import History, Refusal
from bot.domain.incident import Approval, Incident, Press, Thread
from bot.domain.target import Target

MOST_TRIES = 3
"""Attempts at an alert or an incident. After that many failures it is set aside."""


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """An alert as it was received. It is stored by its fields' names."""

    #: Unique key of the delivery; a second delivery with this key is ignored.
    key: str
    #: Channel and thread of the alert.
    place: Thread
    #: Slack timestamp of the alert's message; ``""`` for a webhook.
    message: str
    #: Alert that was read from it.
    alert: Alert
    #: Time at which it was received.
    at: datetime
    #: User id of the person who asked for the diagnosis; ``""`` for an alert that came by itself.
    asker: str = ""


@dataclass(frozen=True, slots=True)
class OpenResult:
    """An incident that was opened or found live."""

    incident: Incident
    #: False if the alert was counted to a live incident.
    new: bool


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """The stored result of an alert so far."""

    #: Targets that the alert labels.
    targets: tuple[Target, ...]
    #: One incident a target, or the incidents that a resolved alert ends.
    incidents: tuple[OpenResult, ...]


@dataclass(frozen=True, slots=True)
class UnfinishedWork:
    """Work that an earlier run or a dead process left.

    More than one run ended in the middle of ``suspects`` and ``doubted``. They are tried singly, each counted first.
    """

    #: Alerts that were not handled.
    alerts: tuple[ReceivedAlert, ...] = ()
    #: Live incidents.
    live: tuple[Incident, ...] = ()
    #: Ended incidents that are not finalized.
    ended: tuple[Incident, ...] = ()
    #: Alerts that may have ended more than one run.
    suspects: tuple[ReceivedAlert, ...] = ()
    #: OPEN incidents that may have ended more than one run.
    doubted: tuple[Incident, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.alerts or self.live or self.ended or self.suspects or self.doubted)


class Store(Protocol):
    """The database. On disk when a method returns. Raises ``StoreError``.

    Each alert and incident has one owner process. A process cannot write what another one took over.
    """

    @property
    def shared(self) -> bool:
        """Return True if other processes may work on this database at the same time."""

    async def take_over(self, *, everything: bool = False) -> UnfinishedWork:
        """Renew this process's lease and take over the work of dead ones, or with ``everything`` of all processes."""

    async def release(self) -> None:
        """Give up this process's lease, so that others take its work over at once."""

    async def owns(self, incident: Incident) -> bool:
        """Return True if no other process took this incident over since it was read or saved."""

    async def log_engine_call(self, incident: Incident, act: AuditEvent) -> bool:
        """Add an engine call to the audit trail before it is made.

        Return False if another process owns the incident. Then the call must not be made.
        """

    async def engine_call_logged(self, incident: str) -> bool:
        """Return True if an engine call is on record for this incident. False means none was sent."""

    async def receive(self, received: ReceivedAlert) -> bool:
        """Store an alert. Return False if its key was stored before."""

    async def mark_handled(self, key: str) -> None:
        """Mark an alert as handled."""

    async def count_attempt(self, key: str) -> int:
        """Count one more attempt at an alert and return its number; 0 if the alert is handled."""

    async def count_investigation(self, incident: str) -> int:
        """Count one more investigation of an incident and return its number."""

    async def set_aside(self, key: str, act: AuditEvent) -> bool:
        """Set an alert aside and add the audit event. Return False if the alert was handled already."""

    async def set_aside_since(self, since: datetime) -> tuple[ReceivedAlert, ...]:
        """Return the alerts that were set aside since then, oldest first."""

    async def cancel_attempts(self) -> None:
        """Uncount the attempts that an orderly stop interrupts, since nothing failed."""

    async def unhandled(self) -> tuple[ReceivedAlert, ...]:
        """Return the alerts that are stored and not handled, oldest first."""

    async def save_last_contact(self, at: datetime) -> None:
        """Save the time of the last contact with Slack. An earlier time changes nothing."""

    async def last_contact(self) -> datetime | None:
        """Return the time of the last contact with Slack; ``None`` at the first start."""

    async def open(self, incident: Incident) -> OpenResult:
        """Open an incident, or count one more alert to the live incident of its target."""

    async def get(self, incident: str) -> Incident | None:
        """Return an incident."""

    async def save_if_unchanged(
        self, before: Incident, after: Incident, approval: Approval | None = None, token: str = ""
    ) -> Incident | None:
        """Save ``after`` if the stored one still is ``before`` (state and revision), with the approval, in one commit.

        A decision may come to any process, which owns the incident from then on: every step from PROPOSED, and the ends
        of an OPEN one that people and senders decide. All other steps are the owner's alone.

        Return what was saved, with its new revision; ``None`` if another change was faster, or another incident of
        the target is ACTING. Raise ``ValueError`` for a transition that the table does not hold, and for an
        approval of anything but the step from PROPOSED to ACTING, or of a press that waits for another's.

        A retry after a ``StoreError`` passes the same ``token``, so that it finds what was saved already.
        """

    async def refine(self, before: Incident, after: Incident) -> bool:
        """Save the additions of ``after`` to a PROPOSED incident if the stored one still is ``before``.

        The revision stays, so that a press under way on ``before`` is not disturbed.
        """

    async def save_refusal(self, press: Press, refusal: Refusal, at: datetime) -> None:
        """Save a refused press: who, when, what, why."""

    async def add_audit_event(self, act: AuditEvent) -> None:
        """Add an event to the audit trail. The methods that save alerts, presses and steps add theirs themselves."""

    async def live(self, target: Target | None = None) -> tuple[Incident, ...]:
        """Return the live incidents, of one target or all, oldest first."""

    async def oldest_beyond(self, keep: int) -> tuple[Incident, ...]:
        """Return some of the proposed incidents that are older than the newest ``keep``."""

    async def recent(self, target: Target | None = None, limit: int = 10) -> tuple[Incident, ...]:
        """Return incidents, newest first."""

    async def unfinalized(self) -> tuple[Incident, ...]:
        """Return this process's ended incidents that are not finalized."""

    async def history(self, target: Target, now: datetime) -> History:
        """Return when and how often Aegis restarted ``target``."""
