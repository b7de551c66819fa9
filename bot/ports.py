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
"""How often the work on an alert, or the look at an incident, is begun; after as many failures it is set aside."""


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """An alert as it was taken in: where it stands, and the key that tells it from all others.

    ``asker`` is the user id of whoever wants the message looked at, or ``""`` for an alert that came by itself.
    """

    key: str
    place: Thread
    message: str
    alert: Alert
    at: datetime
    asker: str = ""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine answers: its machine's name, its version, and the API version that was agreed on."""

    host: str
    version: str
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
        """Gather all sources side by side under one deadline; a source that fails says so, it does not raise.

        Raises ``TargetNotFound`` where there is no such container.
        """

    async def whole_log(self, evidence: Evidence) -> Evidence:
        """Read all of the log behind evidence whose log is partial; may take a minute. All else in it stays.

        What comes back is partial still where that failed. Raises ``EngineError``.
        """

    async def newest_lines(self, container_id: str, count: int) -> tuple[str, ...]:
        """Return the newest log lines, redacted and cut."""

    async def bundle(self, facts: Facts, incident: str) -> str:
        """Write what a restart destroys (state, health log, processes, log tail) redacted to a file; return its path.

        Raises ``BundleFailed``.
        """

    async def restart(self, facts: Facts) -> None:
        """Restart by id with the container's own stop time-out. Sends the call at most once."""

    async def start(self, container_id: str) -> None:
        """Start a container that was stopped and not started again; does nothing where it runs."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What the model said, before anybody believed it."""

    text: str
    model: str
    tokens: int
    seconds: float


class Diagnoser(Protocol):
    """The model. One call for one incident; whatever goes wrong is a ``ModelError``."""

    model: str

    async def ask(self, prompts: Sequence[Prompt]) -> ModelReply:
        """Ask with the first prompt; with the next, shorter one, at most once, where the answer was cut off."""


class Prober(Protocol):
    """The verify URL over HTTP."""

    async def probe(self, url: str, only: frozenset[str] = frozenset()) -> Probe:
        """Ask once, bounded in time and bytes. A bad answer is a ``Probe`` too; raises ``VerifyUrlRefused`` only.

        ``only`` are the IP addresses to which the connection may lead; empty: any but a cloud's metadata service.
        """


@dataclass(frozen=True, slots=True)
class OpenResult:
    """An incident and whether it is new; where it is not, the alert was counted to the live one."""

    incident: Incident
    new: bool


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What an alert led to so far, on disk: the targets that it labels, and an incident of each, or those it ends."""

    names: tuple[str, ...]
    incidents: tuple[OpenResult, ...]


@dataclass(frozen=True, slots=True)
class UnfinishedWork:
    """What a run left behind: alerts that were not handled, live incidents, ended ones with something left to say.

    ``suspects`` and ``doubted`` are alerts and OPEN incidents in whose midst more than one run ended: they are
    tried one by one, each counted before.
    """

    alerts: tuple[ReceivedAlert, ...] = ()
    live: tuple[Incident, ...] = ()
    ended: tuple[Incident, ...] = ()
    suspects: tuple[ReceivedAlert, ...] = ()
    doubted: tuple[Incident, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.alerts or self.live or self.ended or self.suspects or self.doubted)


class Store(Protocol):
    """The database. On disk when a method returns. Raises ``StoreError``.

    Each alert and incident belongs to one process. What another took over meanwhile is refused to it.
    """

    @property
    def shared(self) -> bool:
        """Return True if other processes may work on this database at the same time."""

    async def take_over(self, *, everything: bool = False) -> UnfinishedWork:
        """Show that this process is alive, and make ours what dead ones left; ``everything``: all, whoever has it."""

    async def release(self) -> None:
        """Give up this process's lease, so that others take its work over at once."""

    async def owns(self, incident: Incident) -> bool:
        """Return True if no other process took this incident over since it was read or saved."""

    async def log_engine_call(self, incident: Incident, act: AuditEvent) -> bool:
        """Add to the audit trail what the engine is about to be told, while the incident is ours.

        ``False``: it was taken over, and the engine must not be told.
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

        Returns what was saved, with its new revision; ``None`` where somebody else was faster, or another incident of
        the target is ACTING. Raises ``ValueError`` for a transition that the table does not hold, and for an
        approval of anything but the step from PROPOSED to ACTING, or of a press that waits for another's.

        Whoever asks again after a ``StoreError`` gives the same ``token`` as before, and wins what was saved already.
        """

    async def refine(self, before: Incident, after: Incident) -> bool:
        """Save what ``after`` says more of an incident that is PROPOSED, if the stored one still is ``before``.

        It keeps its revision, so that a press that is under way on ``before`` goes on as if nothing had happened.
        """

    async def save_refusal(self, press: Press, refusal: Refusal, at: datetime) -> None:
        """Save a refused press: who, when, what, why."""

    async def add_audit_event(self, act: AuditEvent) -> None:
        """Add an act to the audit trail; alerts, presses and steps are added by the methods that save them."""

    async def live(self, target: str = "") -> tuple[Incident, ...]:
        """Return the live incidents, of one target or all, oldest first."""

    async def oldest_beyond(self, keep: int) -> tuple[Incident, ...]:
        """Return proposed incidents beyond the newest ``keep``; a few at a time."""

    async def recent(self, target: str = "", limit: int = 10) -> tuple[Incident, ...]:
        """Return incidents, newest first."""

    async def unfinalized(self) -> tuple[Incident, ...]:
        """Return this process's ended incidents that are not finalized."""

    async def history(self, target: str, now: datetime) -> History:
        """Return when and how often Aegis restarted ``target``."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message that Slack must hear, kept until it has. ``id`` finds it again in its thread.

    ``kind`` is ``say``, ``say_at``, ``choose`` or ``outcome``; ``names`` are a menu's, or an outcome's newest lines.
    ``tries`` counts how often it was sent; until ``due`` it rests.
    """

    id: str
    kind: str
    place: Thread
    at: datetime
    incident: str = ""
    sentence: str = ""
    offer: bool = False
    mention: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    tries: int = 0
    due: datetime | None = None

    @property
    def thread(self) -> str:
        """Return what is heard in order: the thread, or the incident where its card begins one."""
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
    """runbook.json."""

    async def entries(self) -> Sequence[Entry]:
        """Return all entries, newest last; raises ``RunbookBroken`` where the file cannot be understood."""

    async def append(self, entry: Entry) -> None:
        """Add an entry, unless one with its id is there. Raises ``RunbookError``; the file is whole either way."""


class Approvers(Protocol):
    """Who may press Restart. Asked at every press, never remembered."""

    async def check(self, press: Press) -> Permit | Refusal:
        """Return a permit if this person may press. An empty list, no answer from Slack or no permission refuses."""

    def names(self) -> tuple[str, ...]:
        """Return the ids of users and user groups who may, or ``*``, as they stand in the settings."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for something, and where. ``url`` takes answers to them alone, where Slack gave such an address.

    The address opens Slack to whoever has it, so it is neither stored nor logged.
    """

    user: str
    place: Thread
    url: str = field(default="", repr=False)


class Messenger(Protocol):
    """All that Aegis says in Slack. Raises ``SlackError``. Every sentence is plain text and is escaped there.

    ``mention`` takes ids of users and user groups; they come from the settings or a payload's own fields only.
    """

    async def react(self, place: Thread, message: str) -> None:
        """Add 👀 to a message, once."""

    async def announce(self, incident: Incident) -> str:
        """Post the alert of an incident that came by webhook, once for all its incidents; return the message's ts."""

    async def card(self, incident: Incident) -> str:
        """Post the incident's card (in the thread, where it has one) and return its ts."""

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
        """Ask which target is meant, with a menu of ``names``; to one person alone where ``user`` is given.

        ``url`` is that person's own reply address.
        """

    async def show_evidence(self, incident: Incident, view: str) -> None:
        """Show all the evidence in the opened modal ``view``, or as a file in the thread where it is too long."""
