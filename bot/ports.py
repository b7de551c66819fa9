"""Protocols of what the responder needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from bot.domain.alerts.alert import Alert
from bot.domain.audit.trail import AuditEvent
from bot.domain.evidence import Evidence, Facts
from bot.domain.guard import History, Permit, Refusal
from bot.domain.incident import Approval, Incident, Press, Thread
from bot.domain.llm.prompt import Prompt
from bot.domain.runbook_entry import Entry
from bot.domain.target import Target
from bot.domain.verification import Probe

T = TypeVar("T")


class TextCalls(Protocol):
    """Calls functions over outside text so that no long text holds the event loop."""

    async def call(self, function: Callable[..., T], *args: object, length: int) -> T:
        """Return ``function(*args)`` over ``length`` characters; raise ``TextOverrun`` if that takes too long."""


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
class EngineInfo:
    """The engine that answers."""

    #: Name of its machine.
    host: str
    #: Version of the engine.
    version: str
    #: API version that client and engine agreed on.
    api: str


class Containers(Protocol):
    """The Docker Engine. All raise ``EngineError``; a time-out of ``restart`` means unknown, not failed."""

    async def info(self) -> EngineInfo:
        """Return which engine answers."""

    async def inventory(self) -> tuple[Target, ...]:
        """Return every container, running or not."""

    async def facts(self, name: str) -> Facts:
        """Return the facts of the container of exactly this name. Raise ``TargetNotFound`` for a prefix or an id."""

    async def facts_of(self, container_id: str) -> Facts:
        """Return the facts of the container of exactly this full id."""

    async def evidence(self, name: str) -> Evidence:
        """Return the evidence of all sources, gathered at once under one deadline. A failed source is marked as failed.

        Raise ``TargetNotFound`` if there is no such container.
        """

    async def whole_log(self, evidence: Evidence) -> Evidence:
        """Return the evidence with its whole log instead of a partial one. May take a minute.

        The log stays partial if reading it failed. Raise ``EngineError``.
        """

    async def newest_lines(self, container_id: str, count: int) -> tuple[str, ...]:
        """Return the newest log lines, redacted and cut."""

    async def bundle(self, facts: Facts, incident: str) -> str:
        """Write what a restart destroys (state, health log, processes, log tail) redacted to a file; return its path.

        Raise ``BundleFailed``.
        """

    async def restart(self, facts: Facts) -> None:
        """Restart by id with the container's own stop time-out. Sends the call at most once."""

    async def start(self, container_id: str) -> None:
        """Start a container that was stopped and not started again; do nothing if it runs."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The model's answer, not yet checked."""

    #: Text of the answer (outside text).
    text: str
    #: Name of the model that answered.
    model: str
    #: Tokens that the call used.
    tokens: int
    #: Seconds that the call took.
    seconds: float


class Diagnoser(Protocol):
    """The model. One call for one incident. Every failure is a ``ModelError``."""

    model: str

    async def ask(self, prompts: Sequence[Prompt]) -> ModelReply:
        """Return the answer to the first prompt. If it was cut off, ask once more with the next, shorter prompt."""


class Prober(Protocol):
    """The verify URL over HTTP."""

    async def probe(self, url: str, only: frozenset[str] = frozenset()) -> Probe:
        """Send a request, bounded in time and bytes. A bad answer is a ``Probe``. Raise only ``VerifyUrlRefused``.

        ``only`` are the IP addresses that may be connected to. Empty means any but a cloud's metadata service.
        """


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
    names: tuple[str, ...]
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

    async def live(self, target: str = "") -> tuple[Incident, ...]:
        """Return the live incidents, of one target or all, oldest first."""

    async def oldest_beyond(self, keep: int) -> tuple[Incident, ...]:
        """Return some of the proposed incidents that are older than the newest ``keep``."""

    async def recent(self, target: str = "", limit: int = 10) -> tuple[Incident, ...]:
        """Return incidents, newest first."""

    async def unfinalized(self) -> tuple[Incident, ...]:
        """Return this process's ended incidents that are not finalized."""

    async def history(self, target: str, now: datetime) -> History:
        """Return when and how often Aegis restarted ``target``."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message that is stored until Slack has accepted it. It is stored by its fields' names."""

    #: Identifier, by which the message is found again in its thread.
    id: str
    #: ``say``, ``say_at``, ``choose``, ``card`` or ``outcome``.
    kind: str
    #: Channel and thread to post to.
    place: Thread
    #: Time at which it was queued.
    at: datetime
    #: Id of the incident that it is about; ``""`` if there is none.
    incident: str = ""
    #: Text to post.
    sentence: str = ""
    #: True to add the button for a new diagnosis.
    offer: bool = False
    #: Ids of users and user groups to mention.
    mention: tuple[str, ...] = ()
    #: Names of a menu, or the newest log lines of an outcome.
    names: tuple[str, ...] = ()
    #: Number of attempts to send it.
    tries: int = 0
    #: Time before which it is not sent.
    due: datetime | None = None

    @property
    def thread(self) -> str:
        """Return the thread within which order is kept; the incident's id if its card begins the thread."""
        return f"{self.place.channel}:{self.place.thread or self.incident}"


class OutboxStore(Protocol):
    """The outbox in the database. On disk when a method returns. Raises ``StoreError``."""

    async def add(self, note: OutboxMessage) -> None:
        """Add a message. A message that is there already stays as it is."""

    async def waiting(self, thread: str = "") -> tuple[OutboxMessage, ...]:
        """Return the waiting messages of one thread or all, oldest first."""

    async def claim(self, note: OutboxMessage, due: datetime) -> OutboxMessage | None:
        """Reserve a message for sending until ``due``. Return ``None`` if another process reserved it before."""

    async def mark_delivered(self, note: OutboxMessage) -> None:
        """Remove a message that Slack accepted."""

    async def depth(self) -> tuple[int, datetime | None]:
        """Return the number of waiting messages and the time of the oldest."""


class Runbook(Protocol):
    """The runbook of past incidents."""

    async def entries(self) -> Sequence[Entry]:
        """Return all entries, newest last. Raise ``RunbookBroken`` if the file cannot be read as one."""

    async def append(self, entry: Entry) -> None:
        """Add an entry unless its id is there. Raise ``RunbookError`` and leave the file whole."""


class Approvers(Protocol):
    """The approvers. Checked at every press, never cached."""

    async def check(self, press: Press) -> Permit | Refusal:
        """Return a permit if this person may press. An empty list, no answer from Slack or no permission refuses."""

    def names(self) -> tuple[str, ...]:
        """Return the ids of the approvers and approver groups in the settings, or ``*``."""


@dataclass(frozen=True, slots=True)
class Asker:
    """A person who asks for something."""

    #: User id.
    user: str
    #: Channel and thread in which they asked.
    place: Thread
    #: Slack's address for answers to them alone. Never stored or logged, since anybody who has it may post there.
    url: str = field(default="", repr=False)


class Messenger(Protocol):
    """All messages of Aegis in Slack. Raises ``SlackError``. Every sentence is plain text and is escaped there.

    ``mention`` takes ids of users and user groups; they come from the settings or a payload's own fields only.
    """

    async def react(self, place: Thread, message: str) -> None:
        """Add 👀 to a message, once."""

    async def announce(self, incident: Incident) -> str:
        """Post the alert of an incident by webhook, once for all its incidents. Return the message's timestamp."""

    async def card(self, incident: Incident) -> str:
        """Post the incident's card, in its thread if it has one. Return the card's timestamp."""

    async def update(self, incident: Incident) -> None:
        """Update the card."""

    async def is_card(self, incident: Incident, ts: str) -> bool:
        """Return True if the message ``ts`` is the incident's card. Asks Slack."""

    async def outcome(self, incident: Incident, newest: Sequence[str] = ()) -> None:
        """Post the outcome in the thread with its numbers, and the newest log lines if it did not recover."""

    async def say(self, incident: Incident, sentence: str, *, offer: bool = False, mention: Sequence[str] = ()) -> None:
        """Post a sentence in the incident's thread; ``offer`` adds the button for a new diagnosis."""

    async def say_at(self, place: Thread, sentence: str) -> None:
        """Post a sentence in a thread that belongs to no incident."""

    async def whisper(self, user: str, place: Thread, sentence: str, *, mention: Sequence[str] = ()) -> None:
        """Post a sentence that one person alone sees."""

    async def reply(self, asker: Asker, sentence: str, *, about: Incident | None = None) -> None:
        """Post a sentence that the asker alone sees, with a link to the card of ``about`` if Slack gives one."""

    async def choose(
        self, place: Thread, sentence: str, names: Sequence[str], *, user: str = "", url: str = ""
    ) -> None:
        """Post a menu of ``names`` that asks which target is meant. With ``user``, that person alone sees it.

        ``url`` is that person's reply address.
        """

    async def show_evidence(self, incident: Incident, view: str) -> None:
        """Show all evidence in the open modal ``view``, or as a file in the thread if it is too long."""
